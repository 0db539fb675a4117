"""Who asks for Arrow gets it, and nobody else."""

import pytest

from serving.codecs._accept import prefers
from serving.codecs.arrow import STREAM


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ([], False),
        (["*/*"], False),
        (["application/json"], False),
        ([STREAM], True),
        ([STREAM.upper()], True),
        ([f"application/json;q=0.5, {STREAM}"], True),
        ([f"application/json, {STREAM};q=0.5"], False),
        (["application/json", STREAM], True),
        ([f"{STREAM};q=0"], False),
        ([f"{STREAM};q=0.001"], True),
        ([f"{STREAM};q=x"], True),
        ([f"{STREAM}.more"], False),
        ([",;,"], False),
    ],
)
def test_arrow_is_wanted_by_name_and_by_weight(accept: list[str], wanted: bool) -> None:
    assert prefers(STREAM, [value.encode() for value in accept]) is wanted
