"""A registry of its own for every test of a verb."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelpack.cli import cli, run


@dataclass(frozen=True)
class Answer:
    """What a verb left: its exit *code*, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


Verb = Callable[..., Answer]


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs ``modelpack`` with the given words, in a home of its own."""
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELPACK_USER", "ada")
    for variable in (
        "MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI", "MODELPACK_ARTIFACT_ROOT"
    ):  # fmt: skip
        monkeypatch.delenv(variable, raising=False)

    def answer(*words: object) -> Answer:
        capsys.readouterr()
        code = run(cli, [str(word) for word in words], name="modelpack")
        return Answer(code, *capsys.readouterr())

    return answer
