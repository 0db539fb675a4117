"""The page about a model: it says what ``inspect --json`` does, is never large, and loads what may be."""

import math
import pickle
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from modelpack.directory import Document, open_directory
from modelpack.directory.manifest import FileRecord, Manifest
from modelpack.examining import File, examine
from modelpack.flavors.importances import Importances
from modelpack.registry.records import ModelVersion
from modelpack.report.model import LARGEST, Subject, render
from modelpack.report.weighing import weigh
from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature
from modelpack.trust import Trust
from tests.modelpack.flavors.audit import forge
from tests.modelpack.flavors.audit.test_nodes import attacks
from tests.modelpack.onnx.data import telco
from tests.modelpack.proved import proved
from tests.modelpack.report.reading import Read, read
from tests.modelpack.report.test_page import HOSTILE
from tests.modelpack.small import Doubler, frame, labels, saved
from tests.shared import shared


def subject(path: Path, trust: Trust = Trust(), **more: Any) -> Subject:  # noqa: B008 - it is frozen
    directory = open_directory(path)
    facts = examine(directory)
    given: dict[str, Any] = {"importances": weigh(directory, facts, trust), "reference": str(path)} | more
    return Subject(directory=directory, facts=facts, **given)


def told(path: Path, trust: Trust = Trust(), **more: Any) -> Read:  # noqa: B008 - it is frozen
    return read(render(subject(path, trust, **more)))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trees on real customers, in both forms."""
    shared("data/telco-customer-churn.csv")
    data, left, _, _ = telco()
    numbers = data[["tenure", "MonthlyCharges", "SeniorCitizen"]].astype(float)
    model = RandomForestClassifier(5, max_depth=4, random_state=0).fit(numbers, left)
    options: dict[str, Any] = {"model": model, "input_example": numbers.head(30), "certify": {"rows": 200}}
    return proved(tmp_path_factory.mktemp("report") / "customers", metadata={"team": "risk"}, **options)


def test_the_page_says_what_inspect_says_to_programs(real: Path) -> None:
    one = subject(real)
    facts = msgspec.to_builtins(one.facts)
    page = read(render(one))
    assert page.facts["Digest"] == facts["digest"]
    assert page.facts["Path"] == facts["path"]
    assert page.facts["Flavor"] == facts["flavor"]
    assert page.facts["Trust that loading takes"] == "nothing beyond the default"
    assert facts["document"]["utc_time_created"] in page.facts["Saved"]
    assert [row[0] for row in page.tables["What it takes"][1:]] == [
        column["name"] for column in facts["signature"]["inputs"]
    ]
    listed = {row[0]: row[1:] for row in page.tables["Files"][1:]}
    assert listed == {
        name: [f"{one['size']:,}", one["state"], one["sha256"]] for name, one in facts["files"].items()
    }
    kept = page.tables["Requirements"][1:]
    assert kept[0] == ["Python", facts["python"]]
    assert [what for kind, what in kept if kind == "Requirement"] == list(facts["requirements"])
    assert [what for kind, what in kept if kind == "Bound by"] == list(facts["constraints"])
    assert ["team", "risk"] in page.tables["Metadata"]
    for name, found in facts["certificate"]["methods"].items():
        row = next(row for row in page.tables["Certificate by method"] if row[0] == name)
        assert row[1:4] == ["yes", f"{found['compared']:,}", f"{found['differing']:,}"]
    for name, version in facts["certificate"]["versions"].items():
        assert f"{name} {version}" in page.text
    asked = {row[0]: row[1] for row in page.tables["Rows asked, by kind"][1:]}
    assert asked["example"] == "30"


def test_the_page_says_what_features_weigh_and_what_the_example_is(real: Path) -> None:
    page = told(real)
    weights = page.tables["Feature importances, feature_importances_"][1:]
    assert {row[0] for row in weights} == {"tenure", "MonthlyCharges", "SeniorCitizen"}
    assert [float(row[1]) for row in weights] == sorted((float(row[1]) for row in weights), reverse=True)
    assert math.isclose(sum(float(row[1]) for row in weights), 1, abs_tol=1e-3)
    grid = page.tables["Input example"]
    assert grid[:2] == [["Row", "tenure", "MonthlyCharges", "SeniorCitizen"], ["0", "1.0", "29.85", "0.0"]]
    assert len(grid) == 11
    assert "The first 10 of 30 rows." in page.text


def test_where_the_two_forms_were_furthest_apart_is_told(real: Path, tmp_path: Path) -> None:
    copy = tmp_path / "m"
    copy.mkdir()
    for one in real.iterdir():
        (copy / one.name).write_bytes(one.read_bytes())
    report = msgspec.json.decode((copy / "modelpack.parity.json").read_bytes())
    report["methods"]["predict"] |= {
        "certified": False,
        "reason": "labels differ",
        "differing": 3,
        "worst": None,
        "kind": "edge",
        "row": {"tenure": "<b>"},
        "native": "Yes",
        "onnx": "No",
    }
    (copy / "modelpack.parity.json").write_bytes(msgspec.json.encode(report))
    page = told(copy)
    row = ["predict", "no", f"{report['methods']['predict']['compared']:,}", "3", "infinite", "labels differ"]
    assert row in page.tables["Certificate by method"]
    assert ["predict", "edge", "Yes", "No", "tenure: '<b>'"] in page.tables["Where they were furthest apart"]
    assert "modelpack.parity.json is changed" in page.text
    states = [row[2] for row in page.tables["Files"][1:]]
    assert states[0] == "changed", "what is not as it was saved comes first"
    assert set(states[1:]) == {"ok"}
    assert page.headings[0].split() == ["m", "has", "problems", "certified", "for", "ONNX"]


def test_a_version_of_the_registry_is_told_with_who_registered_it(real: Path) -> None:
    version = ModelVersion(
        name="churn",
        version=3,
        stage="Production",
        source="",
        digest="",
        location="",
        run_id="0a1b2c",
        description="better",
        tags={"team": "<i>"},
        aliases=("champion",),
        created=1_700_000_000_000,
        updated=0,
        status="READY",
        user="ada",
    )
    page = told(real, version=version, reference="models:/churn@champion")
    assert page.headings[0].split() == [
        "churn",
        "version",
        "3",
        "Production",
        "@champion",
        "certified",
        "for",
        "ONNX",
    ]
    assert page.facts["Registered"] == "2023-11-14 22:13:20 UTC by ada"
    assert page.facts["Reference"] == "models:/churn@champion"
    assert page.facts["Run"] == "0a1b2c"
    assert ["tag team", "<i>"] in page.tables["Metadata"]


def test_a_model_that_says_nothing_of_itself_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {spark: {}}")
    page = told(tmp_path)
    assert "no flavor 'spark'" in page.text
    assert "It is not known how this model is loaded" in page.text
    assert page.facts["Trust that loading takes"] == "not known"
    for sentence in ("without saying what it takes", "without an example", "does not say what it needs"):
        assert sentence in page.text


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{sklearn: {pickled_model: m, serialization_format: pickle}}", "is a pickle"),
        ("{sklearn: {pickled_model: m, serialization_format: skops}}", "would build subprocess.Popen"),
        ("{lightgbm: {data: m, model_class: lightgbm.sklearn.LGBMClassifier}}", "is a pickle"),
        ("{xgboost: {data: m, model_class: evil.Own}}", "would be imported"),
        ("{sklearn: {pickled_model: m, serialization_format: skops, code: c}}", "code of its own"),
        ("{python_function: {loader_module: mlflow.pyfunc.model, python_model: m}}", "flavor python do not"),
    ],
    ids=["pickle", "skops", "lightgbm", "class", "code", "python"],
)  # fmt: skip
def test_nothing_is_loaded_that_the_operator_has_not_allowed(
    document: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    model = tmp_path / "model"
    (model / "c").mkdir(parents=True)
    for module in ("evil.py", "sitecustomize.py", "c/evil.py", "c/sitecustomize.py"):
        (model / module).write_text(f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n")
    (model / "MLmodel").write_text(f"flavors: {document}")
    if "skops" in document:
        forge.write(model / "m", attacks(canary)["constructor"])
    else:
        (model / "m").write_bytes(pickle.dumps(Evil(canary)))
    monkeypatch.chdir(model)
    page = told(model)
    assert said in page.text
    assert not canary.exists()


def test_what_the_operator_allows_is_asked(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", format="cloudpickle")
    assert "Feature importances, coefficient for 1" not in told(path).tables
    assert "Feature importances, coefficient for 1" in told(path, Trust(pickle=True)).tables


def test_a_framework_that_is_missing_is_named_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = XGBClassifier(n_estimators=2, n_jobs=1).fit(frame(), labels())
    path = saved(tmp_path / "model", model=model, requirements=["xgboost-cpu"])
    monkeypatch.setitem(sys.modules, "xgboost", None)
    page = told(path)
    assert "The model was not asked: this model needs xgboost-cpu, which is not installed" in page.text
    assert len(page.tables["What it takes"]) == 4


def test_a_model_that_its_library_cannot_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: m, serialization_format: pickle}}")
    (tmp_path / "m").write_bytes(pickle.dumps(frozenset({1})))
    assert "does not say what its features weigh" in told(tmp_path, Trust(pickle=True)).text
    (tmp_path / "m").write_bytes(b"\x80\x04nonsense")
    assert "The model" in told(tmp_path, Trust(pickle=True)).text


def test_functions_do_not_say(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", model=Doubler())
    assert "Models of the flavor python do not say" in told(path, Trust(pickle=True)).text


def hostile(folder: Path, text: str) -> Subject:
    """A model all of whose texts are *text*, as far as files and schemas let them be."""
    safe = (
        text.replace("\0", "").replace("/", "_").replace("\ud800", "").replace("\a", "").replace("\x1b", "")
    )
    name = safe.replace("\u202e", "")[:60]
    document = Document(
        flavors={"sklearn": {text: [text]}, safe[:200]: {"data": text}},
        signature=Signature(
            inputs=Schema((ColumnSpec(DataType.double, text),)),
            params=(ParamSpec(text, DataType.string, safe),),
        ),
        metadata={text: {text: text}},
        saved_input_example_info={"artifact_path": "e.json", "type": "dataframe"},
        run_id=text,
        utc_time_created=text,
    )
    (folder / name).write_text("x")
    (folder / "requirements.txt").write_text(f"{safe}\n", encoding="utf-8")
    (folder / "e.json").write_bytes(msgspec.json.encode({"columns": [safe], "data": [[safe]]}))
    (folder / "MLmodel").write_text("flavors: {sklearn: {}}")
    directory = type(open_directory(folder))(folder, document)
    facts = examine(directory)
    facts.problems.append(text)
    facts.files[text] = File(1, text, text)
    return Subject(
        directory=directory,
        facts=facts,
        importances=(Importances(text, ((text, 1.0),), text),),
        reference=text,
        version=ModelVersion(
            *(text, 1, text, text, text, text, text, text, {text: text}, (text,), 10**20, 0, text, text)
        ),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_model_says_stays_text(text: str, tmp_path: Path) -> None:
    page = render(hostile(tmp_path, text))
    found = read(page)
    assert not found.tags & {"script", "img", "link", "iframe", "form", "input", "object", "embed"}
    assert not {name for name, _ in found.attributes if name.startswith("on") or name in ("src", "style")}
    assert {value for name, value in found.attributes if name == "href"} <= {
        *("#main", "#signature", "#example", "#importances", "#certificate", "#environment", "#document"),
        "#files",
    }
    assert "".join(page.split()).isprintable()
    assert len(page.encode()) < LARGEST


def many(folder: Path, name: str, cell: str) -> Subject:
    """A model of 5,000 columns and 2,000 files, named *name* and a number."""
    columns = tuple(ColumnSpec(DataType.double, f"{name}{place}") for place in range(5_000))
    document = Document(
        flavors={"sklearn": {f"{name}{place}": cell for place in range(500)}},
        signature=Signature(inputs=Schema(columns), outputs=Schema(columns)),
        metadata={f"{name}{place}": cell for place in range(2_000)},
        saved_input_example_info={"artifact_path": "e.json", "type": "dataframe"},
    )
    example = {"columns": [one.name for one in columns], "data": [[cell] * 5_000] * 12}
    (folder / "e.json").write_bytes(msgspec.json.encode(example))
    (folder / "MLmodel").write_text("flavors: {sklearn: {}}")
    manifest = Manifest({f"{name}{place}": FileRecord(place, f"{place:064x}") for place in range(2_000)})
    directory = type(open_directory(folder))(folder, document)
    facts = examine(directory)
    facts.digest = manifest.digest
    facts.files = {key: File(one.size, one.sha256) for key, one in manifest.files.items()}
    facts.requirements = tuple(f"{name}{place}=={cell}" for place in range(2_000))
    facts.problems += [f"{name}{place}" for place in range(2_000)]
    weights = tuple((f"{name}{place}", float(np.sin(place))) for place in range(5_000))
    groups = tuple(Importances("coefficient", weights, f"class {place}") for place in range(50))
    return Subject(directory=directory, facts=facts, importances=groups, reference=name)


@pytest.mark.parametrize(
    ("name", "cell"), [("column ", "value"), ("'<" * 400, '"&' * 50)], ids=["plain", "hostile"]
)
def test_a_page_is_never_large_and_says_what_it_leaves_out(name: str, cell: str, tmp_path: Path) -> None:
    page = render(many(tmp_path, name, cell))
    assert len(page.encode()) <= LARGEST
    found = read(page)
    for what in (
        "of 5,000 lines.",
        "of 2,000 files.",
        "of 5,000 columns.",
        "of 12 rows.",
        "of 5,000 features.",
    ):
        assert what in found.text
    for what in ("of 50 classes.", "problems.", "of 2,000 entries."):
        assert what in found.text


def test_passwords_of_addresses_are_left_out(real: Path) -> None:
    one = subject(real, reference="s3://ada:secret@bucket/model")
    one.facts.requirements = ("churn @ git+https://ada:secret@example.org/churn",)
    one.facts.constraints = ("numpy @ https://ada:secret@example.org/numpy.whl",)
    page = render(one)
    assert "secret" not in page
    assert page.count("//…@") == 3


def test_a_page_is_the_same_for_the_same_model(real: Path) -> None:
    assert render(subject(real)) == render(subject(real))


def test_documents_are_read_as_they_are(tmp_path: Path) -> None:
    text = yaml.safe_dump({"flavors": {"sklearn": {"a": 0.5, "b": ["x"], "c": None}}})
    (tmp_path / "MLmodel").write_text(text)
    rows = told(tmp_path).tables["Flavors"]
    assert rows == [["Key", "Value"], ["sklearn.a", "0.5"], ["sklearn.b", "['x']"]]
