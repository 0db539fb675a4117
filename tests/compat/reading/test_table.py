"""The README of this room says what the tests find."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compat.reading import table
from tests.compat.reading.corpus import Model
from tests.compat.reading.findings import Finding
from tests.compat.reading.scoring import Comparison

pytestmark = [
    pytest.mark.mlflow,
    pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning"),
]


def test_the_tables_are_what_is_found(
    unasked: dict[Model, Sequence[str]], found: list[Finding], compared: list[Comparison]
) -> None:
    assert table.markdown(unasked, found, compared) == table.read(table.README), (
        "python -m tests.compat.reading --write"
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for text in ("| new |", "| newer |"):
        table.write(path, text)
        assert table.read(path) == text
    assert path.read_text() == f"before\n{table.BEGIN}\n\n| newer |\n\n{table.END}\nafter\n"
