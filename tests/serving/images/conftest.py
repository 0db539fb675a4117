"""The guide's model in a registry, and the verbs that make images of it."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import modelpack
from modelpack.cli import cli, run
from modelpack.directory import ModelDirectory
from serving.images.requirements import wanted
from serving.settings import EngineName
from tests.modelpack.cli.conftest import Answer
from tests.serving.images.making import NAME, saved

Verb = Callable[..., Answer]


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's model: ``model``, and a registry where it is in production."""
    home = tmp_path_factory.mktemp("images")
    model = saved(home / "model")
    with modelpack.Registry(f"sqlite:///{home}/registry.db", artifacts=home / "artifacts") as registry:
        version = registry.register(model, NAME).version
        registry.promote(NAME, version, "Production")
        registry.set_alias(NAME, "champion", version)
    return home


@pytest.fixture(scope="package")
def model(home: Path) -> ModelDirectory:
    """The guide's model."""
    return modelpack.open_model(home / "model")


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The registry of ``home`` is the one that verbs ask."""
    monkeypatch.setenv("MODELPACK_HOME", str(home))
    for variable in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(home / "artifacts"))
    return home


@pytest.fixture
def verb(at_home: Path, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs ``modelpack`` with the given words."""
    del at_home

    def answer(*words: object) -> Answer:
        capsys.readouterr()
        code = run(cli, [str(word) for word in words], name="modelpack")
        return Answer(code, *capsys.readouterr())

    return answer


@pytest.fixture(scope="package")
def locks(tmp_path_factory: pytest.TempPathFactory, model: ModelDirectory) -> Mapping[str, Path]:
    """Locks for ``model`` by engine, with versions from here and digests from nowhere: no index is asked."""
    folder = tmp_path_factory.mktemp("locks")
    found: dict[str, Path] = {}
    for engine in ENGINES:
        names = {canonicalize_name(Requirement(line).name) for line in _lines(model, engine)}
        text = "".join(f"{name}=={version(name)} --hash=sha256:{'a' * 64}\n" for name in sorted(names))
        found[engine] = folder / f"{engine}.lock"
        found[engine].write_text(text)
    return found


ENGINES: tuple[EngineName, ...] = ("auto", "native", "onnx")


def _lines(model: ModelDirectory, engine: EngineName) -> tuple[str, ...]:
    return wanted(model, engine=engine, python="3.11", at_start=True).lines
