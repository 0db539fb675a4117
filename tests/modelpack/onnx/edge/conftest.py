"""A bundle of a small model, and an environment with next to nothing."""

from pathlib import Path

import pytest

from modelpack.exporting import Export, export
from modelpack.onnx.edge import write_bundle
from modelpack.trust import Trust
from tests.modelpack.onnx.edge import bare
from tests.modelpack.proved import proved


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with numpy and onnxruntime alone."""
    return bare.make(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with ``proved.forest`` in it; not to be changed."""
    folder = tmp_path_factory.mktemp("proved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_HOME", str(folder / "home"))
        return proved(folder / "model")


@pytest.fixture(scope="session")
def made(model_path: Path) -> Export:
    """That model on its way out."""
    return export(model_path, trust=Trust(), measure=False)


@pytest.fixture(scope="session")
def small(made: Export, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of it; not to be changed."""
    bundle = tmp_path_factory.mktemp("small") / "bundle"
    write_bundle(bundle, made.model, made.report, made.signature, classes=made.classes)
    return bundle
