"""``modelpack inspect``: all the facts, and nothing of the model runs."""

import hashlib
import pickle
import re
import shutil
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from modelpack.directory import Document
from modelpack.schema import Array, ColumnSpec, DataType, Map, Object, ParamSpec, Property, Schema, Signature
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.flavors.audit import forge
from tests.modelpack.flavors.audit.test_nodes import attacks
from tests.modelpack.proved import proved
from tests.modelpack.small import Doubler, frame, saved


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("inspect") / "model", metadata={"team": "risk"})


def test_a_person_sees_all_there_is_to_know(verb: Verb, model: Path) -> None:
    told = verb("inspect", model)
    assert told.code == 0
    for fact in (
        f"path     {model}",
        "digest   sha256:",
        "by modelpack",
        "size     ",
        "python_function  -        -       model.skops",
        "skops   model.skops",
        "trust    nothing beyond the default",
        "requires scikit-learn",
        "metadata team: 'risk'",
        "input   age        double",
        "output  0          tensor int64 [-1]  yes",
        "example  input_example.json (dataframe)",
        "MLmodel                     ",
    ):
        assert fact in told.out, fact


def test_a_program_gets_json(verb: Verb, model: Path) -> None:
    told = verb("inspect", model, "--json").json
    assert told["path"] == str(model)
    assert told["flavor"] == "sklearn"
    assert told["needs"] == []
    assert told["problems"] == []
    assert told["requirements"] == ["scikit-learn"]
    assert [one["name"] for one in told["signature"]["inputs"]] == ["age", "charges", "paperless"]
    assert told["signature"]["params"] is None
    content = (model / "model.skops").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert told["files"]["model.skops"] == {"size": len(content), "sha256": digest, "state": "ok"}
    assert told["size"] == sum(one["size"] for one in told["files"].values())
    assert told["flavors"][1] == {
        "name": "sklearn",
        "version": sklearn.__version__,
        "format": "skops",
        "file": "model.skops",
    }
    assert set(told) == {
        *("path", "digest", "has_manifest", "size", "flavor", "needs", "certified", "certificate", "python"),
        *("requirements", "constraints", "sources", "problems", "flavors", "files", "signature", "document"),
    }
    assert told["document"]["metadata"]["team"] == "risk"


def test_params_and_words_of_trust_are_shown(verb: Verb, tmp_path: Path) -> None:
    path = saved(tmp_path / "model", model=Doubler(), input_example=(frame().head(1), {"plus": 2.5}))
    told = verb("inspect", path).out
    assert "trust    --trust pickle" in told
    assert "param   plus" in told
    assert "default 2.5" in told


def test_a_type_that_would_have_to_be_trusted_is_named(verb: Verb, tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression()).fit(np.eye(2), [0, 1])
    path = saved(tmp_path / "model", model=model, input_example=np.eye(2))
    assert "trust    --trust numpy.nan_to_num" in verb("inspect", path).out


def test_a_model_of_mlflow_without_a_manifest_is_shown(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mlflow.pyfunc.model, python_model: m.pkl}}\n"
        "mlflow_version: 2.10.2\n"
    )
    told = verb("inspect", tmp_path).out
    assert "(computed now; there is no manifest)" in " ".join(told.split())
    assert "by MLflow 2.10.2" in told
    assert "python   not said" in told


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("flavors: {python_function: {loader_module: os}}", "no loader module 'os'"),
        ("flavors: {spark: {}}", "no flavor 'spark'"),
        ("flavors: {sklearn: {pickled_model: ../x, serialization_format: skops}}", "not the name of a file"),
    ],
)
def test_what_is_wrong_with_a_model_is_shown_beside_the_facts(
    document: str, said: str, verb: Verb, tmp_path: Path
) -> None:
    (tmp_path / "MLmodel").write_text(document)
    (tmp_path / "requirements.txt").write_text("-r /etc/passwd\n")
    told = verb("inspect", tmp_path)
    assert told.code == 0
    assert said in told.out
    assert "says where packages come from, in '-r /etc/passwd'" in told.out
    assert "trust    not known" in told.out
    assert len(verb("inspect", tmp_path, "--json").json["problems"]) == 2


def test_a_name_that_only_python_reads_is_a_problem_and_no_crash(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        """{flavors: {spark: {}}, signature: {inputs: '[{"name": "\\ud800", "type": "long"}]'}}\n"""
    )
    told = verb("inspect", tmp_path)
    assert "Problem: the signature holds half a surrogate pair" in told.out
    assert "input  \\ud800" in told.out
    assert verb("inspect", tmp_path, "--json").json["signature"] is None


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("verb_name", ["inspect", "verify", "register"])
def test_no_verb_that_tells_runs_a_model(
    verb_name: str, verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_TRUST", "pickle,code,pathlib.*,subprocess.*")
    canary = tmp_path / "canary"
    command = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    documents = {
        "pickle": "flavors: {sklearn: {pickled_model: m, serialization_format: pickle}}",
        "python": "flavors: {python_function: "
        "{loader_module: mlflow.pyfunc.model, python_model: m, code: c}}",
        "loader": "flavors: {python_function: {loader_module: evil, data: m, code: c}}",
        "skops": "flavors: {sklearn: {pickled_model: m, serialization_format: skops}}",
        "yaml": "a: !!python/object/apply:pathlib.Path.touch [x]",
    }
    for name, document in documents.items():
        folder = tmp_path / name
        (folder / "c").mkdir(parents=True)
        (folder / "c" / "evil.py").write_text(command)
        (folder / "c" / "sitecustomize.py").write_text(command)
        (folder / "MLmodel").write_text(document)
        if name == "skops":
            forge.write(folder / "m", attacks(canary)["constructor"])
        else:
            (folder / "m").write_bytes(pickle.dumps(Evil(canary)))
        words = [verb_name, folder, *(["hostile"] if verb_name == "register" else [])]
        told = verb(*words)
        assert told.code in (0, 1)
        assert len(told.err.splitlines()) <= 1
    assert not canary.exists()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return proved(tmp_path_factory.mktemp("proved") / "model", certify={"rows": 200})


def test_what_is_certified_is_told(verb: Verb, model: Path, certified: Path) -> None:
    told = verb("inspect", certified)
    assert "onnx     predict, predict_proba within 1e-06; compared 20" in told.out
    assert f"onnxruntime {version('onnxruntime')}" in " ".join(told.out.split())
    assert re.search(
        r"METHOD +BY ONNX +ROWS +DIFFER +WORST +REASON\npredict +yes +[\d,]+ +0 +[-+.e\d]+ +-\n", told.out
    )
    found = verb("inspect", certified, "--json").json
    assert found["certified"] == ["predict", "predict_proba"]
    made = datetime.fromisoformat(found["certificate"]["made"])
    assert timedelta(0) <= datetime.now(UTC) - made < timedelta(hours=1)
    assert found["certificate"]["versions"]["onnxruntime"] == version("onnxruntime")
    assert found["certificate"]["methods"]["predict"]["answers"] is True
    assert verb("inspect", model, "--json").json["certified"] is None


def test_a_certificate_about_other_files_certifies_nothing(
    verb: Verb, certified: Path, tmp_path: Path
) -> None:
    shutil.copytree(certified, tmp_path / "m")
    (tmp_path / "m" / "model.onnx").write_bytes(b"other")
    told = verb("inspect", tmp_path / "m")
    assert "onnx     not certified; compared 20" in told.out
    assert "the parity report is about other files" in told.out
    assert verb("inspect", tmp_path / "m", "--json").json["certified"] == []


@pytest.mark.parametrize(
    ("damage", "states", "said"),
    [
        ("change", {"model.skops": "changed"}, "model.skops is changed"),
        ("remove", {"model.skops": "missing"}, "model.skops is missing"),
        ("add", {"more.txt": "extra"}, "more.txt is extra"),
        ("manifest", {}, "modelpack.manifest.json is changed"),
        ("no manifest", {}, "modelpack.manifest.json is missing"),
        ("link", {}, "is a link or special file"),
    ],
)
def test_damage_is_shown_beside_the_facts(
    damage: str, states: dict[str, str], said: str, verb: Verb, model: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(model, tmp_path / "m"))
    if damage == "change":
        (copy / "model.skops").write_bytes(b"other")
    elif damage == "remove":
        (copy / "model.skops").unlink()
    elif damage == "add":
        (copy / "more.txt").write_text("x")
    elif damage == "manifest":
        (copy / "modelpack.manifest.json").write_text("{}")
    elif damage == "no manifest":
        (copy / "modelpack.manifest.json").unlink()
    else:
        (copy / "link").symlink_to("/etc/passwd")
    told = verb("inspect", copy)
    assert told.code == 0
    assert said in told.out
    assert "age        double" in told.out
    assert ("STATE" in told.out) == bool(states)
    found = verb("inspect", copy, "--json").json
    assert {name: one["state"] for name, one in found["files"].items() if one["state"] != "ok"} == states


def test_what_is_inside_of_objects_has_its_own_rows(verb: Verb, tmp_path: Path) -> None:
    order = Object((Property("price", DataType.double), Property("note", DataType.string, required=False)))
    signature = Signature(
        inputs=Schema(
            (
                ColumnSpec(order, "last"),
                ColumnSpec(Array(order), "orders", required=False),
                ColumnSpec(Map(Array(order)), "by_year"),
                ColumnSpec(Array(Array(DataType.long)), "grid"),
            )
        ),
        params=(
            ParamSpec("plain", DataType.double, 0.5),
            ParamSpec("several", DataType.string, ["a"], (-1,)),
            ParamSpec("nested", order, {"price": 1.0}),
        ),
    )
    (tmp_path / "MLmodel").write_text(Document(flavors={"sklearn": {}}, signature=signature).text())
    lines = verb("inspect", tmp_path).out.splitlines()
    assert [line for line in lines if line.startswith(("input", "param"))] == [
        "input  last          object                  yes",
        "input    .note       string                  no",
        "input    .price      double                  yes",
        "input  orders        array of object         no",
        "input    [].note     string                  no",
        "input    [].price    double                  yes",
        "input  by_year       map of array of object  yes",
        "input    {}[].note   string                  no",
        "input    {}[].price  double                  yes",
        "input  grid          array of array of long  yes",
        "param  plain         double                  no, default 0.5",
        "param  several       array of string         no, default ['a']",
        "param  nested        object                  no, default {'price': 1.0}",
        "param    .note       string                  no",
        "param    .price      double                  yes",
    ]


def test_a_model_without_a_signature_says_so(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {}}\nrun_id: abc\n")
    told = verb("inspect", tmp_path).out
    assert "takes    what it is given: there is no signature" in told
    assert "run      abc" in told


def test_a_password_in_a_line_of_the_requirements_is_not_repeated(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {}}\n")
    (tmp_path / "requirements.txt").write_text("--index-url https://me:hidden@host/simple\nsix\n")
    for words in ([], ["--json"]):
        told = verb("inspect", tmp_path, *words).out
        assert "hidden" not in told
        assert "--index-url https://…@host/simple" in told
