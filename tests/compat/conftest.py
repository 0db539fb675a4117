"""Corpora written by real MLflow, made once a run."""

import pytest

from tests.compat.reading import corpus as written
from tests.compat.reading.corpus import Corpus
from tests.compat.real_mlflow import NEWEST


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Corpus]:
    """By version; the test is skipped, or fails, where an environment of MLflow's is not set up."""
    return written.write(tmp_path_factory.mktemp("written-by-mlflow"))


@pytest.fixture(scope="session")
def corpus(corpora: dict[str, Corpus]) -> Corpus:
    """That of the newest MLflow."""
    return corpora[NEWEST]
