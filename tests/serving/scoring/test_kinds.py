"""A file's name says what is in it."""

import pytest

from serving.scoring import Kind
from serving.scoring.kinds import FORMATS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rows.json", Kind("json")),
        ("rows.csv", Kind("csv")),
        ("ROWS.CSV", Kind("csv")),
        ("a.b.parquet", Kind("parquet")),
        ("rows.arrow", Kind("arrow")),
        ("rows.feather", Kind("arrow")),
        ("rows.arrows", Kind("arrow", streamed=True)),
        ("rows.csv.gz", Kind("csv", packed=True)),
        ("rows.json.GZ", Kind("json", packed=True)),
        ("rows.gz", Kind("json", packed=True)),
        ("folder.csv/rows", Kind("json")),
        ("rows.txt", Kind("json")),
        ("-", Kind("json")),
        ("", Kind("json")),
    ],
)
def test_the_ending_of_a_name_tells_and_what_else_there_is_counts_as_json(name: str, kind: Kind) -> None:
    assert Kind.of(name) == kind


@pytest.mark.parametrize("format_", FORMATS)
def test_who_says_what_it_is_overrules_the_name(format_: str) -> None:
    assert Kind.of("rows.csv", format_).format == format_  # type: ignore[arg-type]  # one of FORMATS


@pytest.mark.parametrize(("name", "format_"), [("x.parquet.gz", None), ("x.gz", "arrow")])
def test_what_is_packed_by_itself_is_not_packed_again(name: str, format_: str | None) -> None:
    with pytest.raises(ValueError, match="packed by itself"):
        Kind.of(name, format_)  # type: ignore[arg-type]  # one of FORMATS, or nothing
