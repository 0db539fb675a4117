"""Models of all kinds, saved here once a run."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import modelpack
from modelpack.schema import SignatureWarning
from tests.compat.writing.subjects import Subject, subjects


@dataclass(frozen=True)
class SavedHere:
    """Our models below *folder*, by name, and what they were made of."""

    folder: Path
    subjects: dict[str, Subject]


@pytest.fixture(scope="session")
def saved_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedHere]:
    """One model of each flavor, format and kind of signature."""
    folder = tmp_path_factory.mktemp("written-here")
    made = {one.name: one for one in subjects()}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # Whole numbers that cannot be missing are among what is tried.
        warnings.simplefilter("ignore", SignatureWarning)
        patch.setenv("MODELPACK_HOME", str(tmp_path_factory.mktemp("home")))
        for name, one in made.items():
            modelpack.save(one.model, folder / name, **one.given)
        yield SavedHere(folder, made)
