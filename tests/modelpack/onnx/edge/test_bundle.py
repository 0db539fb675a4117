"""What a bundle holds, and that it runs where there is nothing but numpy and onnxruntime."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelpack
from modelpack.errors import AlreadyExists, InvalidModel
from modelpack.exporting import Export, export
from modelpack.onnx.edge import contents, write_bundle
from modelpack.onnx.edge.header import header
from modelpack.trust import Trust
from tests.modelpack.onnx.data import churn, signature_of, telco
from tests.modelpack.proved import FEW, proved
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[4]
FILES = {"model.onnx", "signature.json", "parity.json", "run.py", "model.h", "SHA256SUMS"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))


def run(python: Path, bundle: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-I", str(bundle / "run.py"), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def guide(tmp_path: Path) -> tuple[Any, pd.DataFrame, Path]:
    """The guide's churn model, its data, and these as a file."""
    data, left = churn()
    model = make_pipeline(StandardScaler(), RandomForestClassifier(100, max_depth=10, random_state=42))
    path = tmp_path / "churn.csv"
    data.to_csv(path, index=False)
    return model.fit(data, left), data, path


def real(tmp_path: Path) -> tuple[Any, pd.DataFrame, Path]:
    """A model of real customers, their data, and the file as it was published, blanks and all."""
    data, left, words, amounts = telco()
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), amounts),
        remainder="passthrough",
    )
    model = make_pipeline(before, GradientBoostingClassifier(n_estimators=20, random_state=0))
    return model.fit(data, left), data, shared("data/telco-customer-churn.csv")


@pytest.mark.parametrize("make", [pytest.param(guide, marks=pytest.mark.long), real])
def test_every_row_is_answered_as_the_model_does_where_nothing_else_is_installed(
    make: Callable[[Path], tuple[Any, pd.DataFrame, Path]], python: Path, tmp_path: Path
) -> None:
    model, data, path = make(tmp_path)
    options: dict[str, Any] = {"requirements": ["scikit-learn"], "certify": FEW}
    signature = signature_of(data)
    saved = modelpack.save(model, tmp_path / "m", input_example=data.head(3), signature=signature, **options)
    made = export(saved.path, trust=Trust(), measure=False)
    assert made.uncertified == ()
    bundle = tmp_path / "bundle"
    write_bundle(bundle, made.model, made.report, made.signature, classes=made.classes)

    told = run(python, bundle, path, "-o", tmp_path / "labels.csv")
    assert (told.returncode, told.stderr) == (0, "")
    with (tmp_path / "labels.csv").open(newline="") as file:
        name, *labels = [line[0] for line in csv.reader(file)]
    assert name == "predict"
    assert labels == [str(one) for one in model.predict(data)]

    told = run(python, bundle, path, "--method", "predict_proba", "-o", tmp_path / "shares.json")
    assert (told.returncode, told.stderr) == (0, "")
    shares = np.array(json.loads((tmp_path / "shares.json").read_text())["predictions"])
    wanted = model.predict_proba(data)
    assert shares.shape == wanted.shape
    np.testing.assert_allclose(shares, wanted, rtol=1e-6, atol=0)


def test_the_empty_environment_is_empty(python: Path) -> None:
    code = "import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    names = ["modelpack", "onnx", "sklearn", "pandas", "scipy", "click", "numpy", "onnxruntime"]
    told = subprocess.run(
        [str(python), "-I", "-c", code.format(names=names)], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "['numpy', 'onnxruntime']"


def test_a_bundle_has_six_files_and_the_sums_of_five(small: Path) -> None:
    assert {path.name for path in small.iterdir()} == FILES
    lines = {line[66:]: line[:64] for line in (small / "SHA256SUMS").read_text().splitlines()}
    assert set(lines) == FILES - {"SHA256SUMS"}
    assert all(hashlib.sha256((small / name).read_bytes()).hexdigest() == one for name, one in lines.items())


def test_the_same_model_gives_the_same_bytes(model_path: Path, small: Path, tmp_path: Path) -> None:
    written = {path.name: path.read_bytes() for path in small.iterdir()}
    again = export(model_path, trust=Trust(), measure=False)
    assert contents(again.model, again.report, again.signature, again.classes) == written
    anew = export(proved(tmp_path / "m"), trust=Trust(), measure=False)
    other = contents(anew.model, anew.report, anew.signature, anew.classes)
    # It is the same but for the digest of the native file, into which skops writes the time.
    assert {name for name in FILES if other[name] != written[name]} <= {"parity.json", "SHA256SUMS"}


def test_a_folder_with_something_in_it_stays_as_it_is(made: Export, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("x")
    with pytest.raises(AlreadyExists):
        write_bundle(tmp_path / "b", made.model, made.report, made.signature)
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine"]


def test_a_report_about_another_file_makes_no_bundle(made: Export, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="about another ONNX file"):
        write_bundle(tmp_path / "b", made.model + b"\0", made.report, made.signature)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("standard", ["c99", "c11"])
def test_the_header_is_c_whatever_the_names_are(standard: str, made: Export, tmp_path: Path) -> None:
    compiler = _compiler()
    odd = ['a "quoted" name', "back\\slash", "trigraph ??/", "*/ ends it", "Bodø 漢\n", "%s", ""]
    text = header(made.model, made.report, odd)
    (tmp_path / "model.h").write_text(text)
    source = tmp_path / "main.c"
    checks = [
        f"  if (strcmp(MODEL_CLASSES[{place}], {_hex(name)}) != 0) return {place + 1};"
        for place, name in enumerate(odd)
    ]
    source.write_text(
        '#include <string.h>\n#include "model.h"\nint main(void) {\n'
        + "\n".join(checks)
        + "\n  return MODEL_INPUTS[0].rank == 2 && MODEL_OUTPUTS[0].shape[0] == -1\n"
        + "    && MODEL_INPUT_0_COLUMNS_COUNT > 0 && MODEL_OUTPUT_CERTIFIED[0] == 1 ? 0 : 100;\n}\n"
    )
    flags = [f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable"]
    program = tmp_path / "main"
    subprocess.run([compiler, *flags, "-o", program, source], check=True, timeout=60)
    assert subprocess.run([program], check=False, timeout=10).returncode == 0


def _compiler() -> str:
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        pytest.skip("there is no C compiler here")
    return found


def _hex(text: str) -> str:
    """*text* as a C string in another way than the header writes it: a piece for each byte."""
    return " ".join(f'"\\x{byte:02x}"' for byte in text.encode()) or '""'


def test_the_readmes_way_to_the_edge_works_as_it_stands_there(tmp_path: Path) -> None:
    rows, kinds = load_wine(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, kinds)
    options: dict[str, Any] = {"requirements": ["scikit-learn"], "certify": FEW}
    modelpack.save(model, tmp_path / "wine-model", input_example=rows.head(2), **options)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^## To the edge\n+```bash\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert block is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-ec", block[1]], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, timeout=120
    )
    answers = (tmp_path / "kinds.csv").read_text().split()
    assert answers == ["predict", *map(str, model.predict(rows))]
