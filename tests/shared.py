"""The cases, facts and data that lie beside the checkout, read in place."""

from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


def shared(name: str) -> Path:
    """The path of *name* in the folder ``shared`` beside the checkout; skips the test where there is none."""
    path = _BESIDE / name
    if not path.exists():
        pytest.skip(f"shared/{name} does not lie beside this checkout")
    return path
