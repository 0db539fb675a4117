"""What is found once a run about the corpora, and shared by all that ask."""

import pytest

from tests.compat.reading import scoring
from tests.compat.reading.corpus import Corpus, Model
from tests.compat.reading.findings import Finding, findings, untrusting
from tests.compat.reading.scoring import Comparison


@pytest.fixture(scope="session")
def unasked(corpora: dict[str, Corpus]) -> dict[Model, list[str]]:
    """How each model failed to ask for trust; before anything of the corpora is trusted."""
    return untrusting(model for corpus in corpora.values() for model in corpus.models.values())


@pytest.fixture(scope="session")
def marks_before(corpora: dict[str, Corpus], unasked: dict[Model, list[str]]) -> dict[str, list[str]]:
    """What the models had left behind by then, by version."""
    return {version: corpus.marked() for version, corpus in corpora.items()}


@pytest.fixture(scope="session")
def found(corpora: dict[str, Corpus], marks_before: dict[str, list[str]]) -> list[Finding]:
    """What became of each model, with trust."""
    return findings(corpora)


@pytest.fixture(scope="session")
def compared(
    corpora: dict[str, Corpus], marks_before: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> list[Comparison]:
    """Every body, asked of our application and of MLflow's."""
    return scoring.compare(corpora, tmp_path_factory.mktemp("scoring"))
