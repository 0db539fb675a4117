"""Directories that exist are certified in one step; registered versions stay as they are."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import modelpack
from modelpack import Registry, Trust, certifying
from modelpack.certifying import certify_version
from modelpack.directory.manifest import Manifest
from modelpack.directory.reader import findings
from modelpack.errors import DamagedModel, InvalidModel, InvalidUri, StoreUnavailable, Untrusted
from modelpack.files import STAGING, exchanged
from modelpack.proof import Effort
from tests.modelpack.proved import customers, forest, proved
from tests.modelpack.small import Doubler, frame, saved

FEW = Effort(rows=400, seed=2)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return proved(tmp_path / "model", certify=False)


def contents(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.iterdir()}


def test_a_directory_gets_its_second_form(model: Path) -> None:
    before = contents(model)
    report = modelpack.certify(model, effort=FEW, reference_data=customers(), trust=Trust())
    assert report.certified == ("predict", "predict_proba")
    assert findings(model) == []
    after = contents(model)
    assert set(after) - set(before) == {"model.onnx", "modelpack.parity.json"}
    assert after["model.skops"] == before["model.skops"]
    predictor = modelpack.load_predictor(model, engine="onnx", trust=Trust())
    assert predictor.predict(customers()).tolist() == forest().predict(customers()).tolist()
    assert [path.name for path in model.parent.iterdir() if path.name.startswith(STAGING)] == []


def test_it_may_be_certified_again(model: Path) -> None:
    modelpack.certify(model, effort=FEW, trust=Trust())
    report = modelpack.certify(model, effort=FEW, methods=["predict"], trust=Trust())
    assert report.certified == ("predict",)
    assert findings(model) == []


def test_a_model_without_a_manifest_gets_none(model: Path) -> None:
    (model / "modelpack.manifest.json").unlink()
    document = (model / "MLmodel").read_text()
    (model / "MLmodel").write_text(document.replace("modelpack:", "other:"))
    modelpack.certify(model, effort=FEW, trust=Trust())
    assert not (model / "modelpack.manifest.json").exists()
    assert modelpack.load_predictor(model, engine="onnx", trust=Trust()).engine == "onnx"


def test_what_is_not_whole_is_not_certified(model: Path) -> None:
    (model / "conda.yaml").write_text("x")
    before = contents(model)
    with pytest.raises(DamagedModel, match=str(model)):
        modelpack.certify(model, effort=FEW, trust=Trust())
    assert contents(model) == before


def test_the_native_model_is_loaded_only_as_far_as_it_is_trusted(tmp_path: Path) -> None:
    path = proved(tmp_path / "m", format="cloudpickle", certify=False)
    before = contents(path)
    with pytest.raises(Untrusted):
        modelpack.certify(path, effort=FEW, trust=Trust())
    assert contents(path) == before
    assert modelpack.certify(path, effort=FEW, trust=Trust(pickle=True)).certified


def test_what_has_no_other_form_is_said_to_and_stays_as_it_is(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", model=Doubler(), input_example=frame().head(2))
    before = contents(path)
    with pytest.raises(InvalidModel, match="nothing here writes this model"):
        modelpack.certify(path, effort=FEW, trust=Trust(pickle=True))
    assert contents(path) == before


def test_a_failure_in_between_changes_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(model)

    def fails(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(certifying, "with_proof", fails)
    with pytest.raises(KeyboardInterrupt):
        modelpack.certify(model, effort=FEW, trust=Trust())
    assert contents(model) == before
    assert [path.name for path in model.parent.iterdir() if path.name.startswith(STAGING)] == []


def test_a_registered_version_never_changes_and_a_new_one_is_made(model: Path, tmp_path: Path) -> None:
    with Registry(f"sqlite:///{tmp_path}/r.db", artifacts=tmp_path / "artifacts") as registry:
        first = registry.register(model, "churn", description="first", tags={"team": "risk"})
        registry.set_alias("churn", "live", 1)
        before = contents(registry.path(first))
        with pytest.raises(InvalidUri, match="--register"):
            modelpack.certify("models:/churn/1")
        report, second = certify_version(registry, "models:/churn@live", effort=FEW, trust=Trust())
        assert report.certified == ("predict", "predict_proba")
        assert (second.version, second.description, dict(second.tags)) == (2, "first", {"team": "risk"})
        assert second.source == "models:/churn/1"
        assert contents(registry.path(first)) == before
        assert registry.get_version_by_alias("churn", "live").version == 1
        assert modelpack.load_predictor(registry.path(second), engine="onnx", trust=Trust()).engine == "onnx"


def test_a_file_system_that_cannot_exchange_says_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        """A C library without the call."""

    before = contents(model)
    monkeypatch.setattr("ctypes.CDLL", lambda *arguments, **options: Old())
    with pytest.raises(StoreUnavailable, match="cannot be exchanged"), exchanged(model) as copy:
        (copy / "new").write_text("x")
    assert contents(model) == before


WRITER = """
import sys, shutil
from pathlib import Path
from modelpack.directory.manifest import Manifest
from modelpack.files import exchanged

path, kind = Path(sys.argv[1]), sys.argv[2]

def write(folder, number):
    for name in ("conda.yaml", "model.skops", "python_env.yaml"):
        (folder / name).write_text(f"{number}" * 20_000)
    Manifest.of(folder).write(folder)

print("ready", flush=True)
for number in range(100_000):
    if kind == "in place":
        write(path, number)
    else:
        with exchanged(path) as copy:
            write(copy, number)
"""


def _killed(path: Path, kind: str, after: float) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(after)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait(timeout=30)
    writer.stdout.close()


@pytest.mark.crash
def test_a_writer_that_is_killed_leaves_the_old_files_or_the_new_ones(model: Path) -> None:
    seed = int(os.environ.get("MODELPACK_TEST_SEED") or time.time_ns() % 2**32)
    print(f"MODELPACK_TEST_SEED={seed}")
    chance = random.Random(seed)
    (model / "MLmodel").write_text("flavors: {sklearn: {}}\n")
    Manifest.of(model).write(model)
    for _ in range(12):
        _killed(model, "exchanged", chance.uniform(0.0, 0.15))
        assert findings(model) == []
    # What the dead left behind goes when the next one writes.
    with exchanged(model):
        pass
    assert [path.name for path in model.parent.iterdir() if path.name.startswith(STAGING)] == []
    # And a writer without the exchange is caught by the same kills.
    broken = 0
    for number in range(12):
        place = shutil.copytree(model, model.parent / f"in place {number}")
        _killed(place, "in place", chance.uniform(0.0, 0.15))
        broken += bool(findings(place))
    assert broken > 0
