"""A registry with the guide's model, the verb that is asked about it, and a stand-in for ``kubectl``."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import modelpack
from modelpack.cli import cli, run
from tests.modelpack.cli.conftest import Answer
from tests.modelpack.small import saved

Verb = Callable[..., Answer]

NAME = "churn-prediction-model"


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's model: ``model``, and a registry where it is in production."""
    home = tmp_path_factory.mktemp("k8s")
    model = saved(home / "model")
    with modelpack.Registry(f"sqlite:///{home}/registry.db", artifacts=home / "artifacts") as registry:
        registry.promote(NAME, registry.register(model, NAME).version, "Production")
    return home


@pytest.fixture
def verb(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs ``modelpack k8s`` with the given words."""
    monkeypatch.setenv("MODELPACK_HOME", str(home))
    for variable in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(home / "artifacts"))

    def answer(*words: object) -> Answer:
        capsys.readouterr()
        code = run(cli, ["k8s", *(str(word) for word in words)], name="modelpack")
        return Answer(code, *capsys.readouterr())

    return answer


class Stand:
    """A program called kubectl that notes its words and its input, and says what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer()

    def answer(self, *, out: str = "", err: str = "", code: int = 0) -> None:
        (self.folder / "out").write_text(out)
        (self.folder / "err").write_text(err)
        program = self.folder / "kubectl"
        program.write_text(
            '#!/bin/sh\nhere=${0%/*}\nprintf "%s\\n" "$@" >"$here/words"\n'
            f'cat >"$here/in"\ncat "$here/out"\ncat "$here/err" >&2\nexit {code}\n'
        )
        program.chmod(stat.S_IRWXU)

    @property
    def words(self) -> list[str]:
        return (self.folder / "words").read_text().splitlines()

    @property
    def input(self) -> str:
        return (self.folder / "in").read_text()


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Stand(tmp_path)
