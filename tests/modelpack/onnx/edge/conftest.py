"""A bundle of a small model, and an environment with next to nothing."""

from pathlib import Path

import pytest

from modelpack.exporting import export
from modelpack.onnx.edge import write_bundle
from modelpack.trust import Trust
from tests.modelpack.onnx.edge import bare
from tests.modelpack.proved import proved


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with numpy and onnxruntime alone."""
    return bare.make(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of ``proved.forest``; not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_HOME", str(folder / "home"))
        made = export(proved(folder / "model"), trust=Trust(), measure=False)
    write_bundle(folder / "bundle", made.model, made.report, made.signature, classes=made.classes)
    return folder / "bundle"
