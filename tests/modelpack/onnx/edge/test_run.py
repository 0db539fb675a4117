"""The runner of a bundle: what it reads, what it refuses, and how it says so."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from modelpack.errors import SchemaMismatch
from modelpack.exporting import export
from modelpack.onnx.edge import run, write_bundle
from modelpack.schema import ColumnSpec, DataType, Schema, Table, wire
from modelpack.trust import Trust
from tests.modelpack.onnx.data import mixed
from tests.modelpack.proved import customers, forest, proved

ROW = {"city": "Oslo", "member": True, "visits": 2.0, "plan": "pro"}


@pytest.fixture(scope="module")
def model(small: Path) -> run.Model:
    return run.Model(small)


def ask(model: run.Model, rows: Sequence[dict[str, Any]], method: str = "") -> list[Any]:
    answers: list[Any] = model.predict(run.read_json(json.dumps(rows)), method).tolist()
    return answers


def test_csv_and_every_form_of_json_are_answered_alike(model: run.Model) -> None:
    frame = customers()
    wanted = forest().predict(frame).tolist()
    records = json.loads(frame.to_json(orient="records"))
    split = {"columns": list(frame.columns), "data": frame.to_numpy(dtype=object).tolist()}
    texts = [
        json.dumps(records),
        json.dumps({"dataframe_records": records}),
        json.dumps({"dataframe_split": split}),
        json.dumps({"inputs": records}),
        json.dumps({"instances": records}),
    ]
    for text in texts:
        assert model.predict(run.read_json(text)).tolist() == wanted
    assert model.predict(run.read_csv(frame.to_csv(index=False))).tolist() == wanted
    turned = frame[["plan", "visits", "member", "city"]].assign(more=1)
    assert model.predict(run.read_csv(turned.to_csv(index=False))).tolist() == wanted


def test_more_rows_than_one_call_takes_are_answered_in_order(model: run.Model) -> None:
    frame = pd.concat([customers()] * 40, ignore_index=True)
    assert len(frame) > 2 * 4096
    found = model.predict(run.read_csv(frame.to_csv(index=False)), "predict_proba")
    np.testing.assert_array_equal(found, forest().predict_proba(frame))


def test_no_rows_are_no_answers(model: run.Model) -> None:
    assert model.predict(run.read_csv("city,member,visits,plan\n")).tolist() == []
    assert model.predict(run.read_json("[]")).tolist() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visits": "many"}, "row 1, column 'visits': expected double, got 'many'"),
        ({"visits": True}, "row 1, column 'visits': expected double, got True"),
        ({"visits": 2**53 + 1}, "row 1, column 'visits': expected a number that double can hold exactly"),
        ({"member": 1}, "row 1, column 'member': expected boolean, got 1"),
        ({"member": "true"}, "row 1, column 'member': expected boolean, got 'true'"),
        ({"member": None}, "row 1, column 'member': expected boolean, got a missing value"),
        ({"city": 7}, "row 1, column 'city': expected string, got 7"),
        ({"city": "\ud800"}, "row 1, column 'city': expected text, got half a surrogate pair"),
        ({"plan": ["pro"]}, "row 1, column 'plan': expected string, got ['pro']"),
    ],
)
def test_a_wrong_value_is_refused_with_row_column_expected_and_got(
    change: dict[str, Any], message: str, model: run.Model
) -> None:
    with pytest.raises(run.Refused) as caught:
        ask(model, [ROW, {**ROW, **change}])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("city,member,visits\nOslo,true,1\n", "column 'plan': expected string, got no such column"),
        ("city,member,visits,plan\nOslo,true,1\n", "row 0: expected 4 cells, got 3"),
        ("city,city,visits,plan\nOslo,true,1,pro\n", "column 'city': expected once, got twice"),
        ("city,member,visits,plan\nOslo,yes,1,pro\n", "row 0, column 'member': expected boolean, got 'yes'"),
        (
            "city,member,visits,plan\nOslo,true,1_0,pro\n",
            "row 0, column 'visits': expected double, got '1_0'",
        ),
        ('city,member,visits,plan\n"Oslo,true,1,pro\n', "this is not CSV"),
        ("", "this is not CSV: its first line must hold the names of the columns"),
    ],
)
def test_a_wrong_table_is_refused(text: str, message: str, model: run.Model) -> None:
    with pytest.raises(run.Refused) as caught:
        model.predict(run.read_csv(text))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("[NaN]", "this is not JSON: NaN is not in JSON's standard"),
        ('{"rows": []}', "expected an object with one of dataframe_split"),
        ('{"inputs": [], "instances": []}', "expected an object with one of dataframe_split"),
        ('{"dataframe_split": {"columns": ["a"]}}', "expected dataframe_split to be an object"),
        ('{"dataframe_split": {"columns": [1], "data": []}}', "expected columns to be a list of names"),
        ("3", "expected a list of rows, got 3"),
        ('[{"city": "Oslo"}, 3]', "row 1: expected an object, as the first is, got 3"),
        ('[{"city": "Oslo", "city": "Bergen"}]', "this is not JSON: an object names something twice"),
        ("[1, 2]", "row 0: expected a list, got 1"),
        ("[" * 100_000, "this is no table: it is nested too deep"),
    ],
)
def test_other_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(run.Refused) as caught:
        run.read_json(text)
    assert str(caught.value).startswith(message)


def test_a_name_that_is_absent_in_one_record_is_refused(model: run.Model) -> None:
    short = {name: value for name, value in ROW.items() if name != "plan"}
    with pytest.raises(run.Refused, match=r"row 1, column 'plan': expected string, got nothing"):
        ask(model, [ROW, short])


def test_a_category_that_the_model_refuses_is_told_with_its_row(tmp_path: Path) -> None:
    frame = customers()[["city", "visits"]]
    before = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    model = make_pipeline(before, DecisionTreeClassifier(max_depth=3)).fit(frame, mixed()[1])
    made = export(
        proved(tmp_path / "m", model=model, input_example=frame.head(4)), trust=Trust(), measure=False
    )
    assert made.uncertified == ()
    write_bundle(tmp_path / "b", made.model, made.report, made.signature)
    rows = frame.head(100).copy()
    rows.loc[71, "city"] = "Rome"
    with pytest.raises(run.Refused, match=r"^row 71: the model refuses a value; a category"):
        run.Model(tmp_path / "b").predict(run.read_csv(rows.to_csv(index=False)))


def test_numbers_beyond_what_was_compared_are_refused(small: Path, tmp_path: Path) -> None:
    told = json.loads((small / "signature.json").read_text())
    told["domain"] |= {"limit": 1e6, "refuses_infinite": ["visits"]}
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    before = hashlib.sha256((folder / "signature.json").read_bytes()).hexdigest()
    (folder / "signature.json").write_text(json.dumps(told))
    after = hashlib.sha256((folder / "signature.json").read_bytes()).hexdigest()
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace(before, after))
    model = run.Model(folder)
    with pytest.raises(run.Refused, match=r"row 1, column 'visits': expected a number up to 1e\+06, beyond"):
        ask(model, [ROW, {**ROW, "visits": 2e6}])
    with pytest.raises(run.Refused, match=r"row 0, column 'visits': expected what the model takes, got inf"):
        model.predict(run.read_csv("city,member,visits,plan\nOslo,true,inf,pro\n"))


@pytest.mark.parametrize("name", ["model.onnx", "signature.json", "run.py", "parity.json"])
def test_a_byte_that_was_changed_is_found_before_anything_runs(
    name: str, small: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(run.Refused, match=f"{name} was changed: expected sha256"):
        run.Model(folder)


def test_what_only_people_read_may_be_left_out(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    (folder / "model.h").unlink()
    (folder / "parity.json").unlink()
    assert run.Model(folder).methods == ["predict", "predict_proba"]


@pytest.mark.parametrize("name", ["model.onnx", "signature.json", "SHA256SUMS"])
def test_what_it_needs_must_be_there(name: str, small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    (folder / name).unlink()
    with pytest.raises(run.Refused, match=f"{name} cannot be read"):
        run.Model(folder)


@pytest.mark.parametrize("line", ["../model.onnx", "/etc/passwd", "", ".."])
def test_sums_of_files_elsewhere_are_refused(line: str, small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  {line}\n")
    with pytest.raises(run.Refused, match="which is no file of this folder"):
        run.Model(folder)


def test_sums_that_leave_the_model_out_are_refused(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "b"))
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in lines if "model.onnx" not in line))
    with pytest.raises(run.Refused, match=r"does not name model\.onnx"):
        run.Model(folder)


CELLS: dict[str, list[Any]] = {
    "json": [
        None, True, False, 0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, 10**400,
        1.0, 1.5, -0.0, 0.1, 1e308, 3.5e38, 1e-320, "", "1", "true", "x", "NaN", "\ud800", [], {}, [1],
    ],
    "text": [
        "", " ", "0", "1", " 1 ", "+1", "1.0", "1.5", ".5", "1.", "1e3", "1e999999999", "-0.0", "0.1",
        "1e400", "3.5e38", "2147483648", "9223372036854775807", "9223372036854775808", "9007199254740993",
        "1_0", "0x10", "true", "True", "TRUE", "tRuE", "false", "nan", "NaN", "-nan", "inf", "-Infinity",
        "infinit", "NA", "None", "x", " x ", "1,5", "٣", "1e", "e1", "--1",
    ],
}  # fmt: skip


@pytest.mark.parametrize("source", ["json", "text"])
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string"])
def test_every_value_is_taken_or_refused_as_the_server_does(kind: str, required: bool, source: str) -> None:
    schema = Schema((ColumnSpec(DataType(kind), "x", required=required),))
    column = run._Column("x", kind, required)
    for cell in CELLS[source]:
        try:
            read = wire.table_from_text if source == "text" else wire.table_from_rows
            held = read([[cell]], ["x"], schema)
        except SchemaMismatch:
            with pytest.raises(run.Refused):
                run._values(column, [cell], 0, is_text=source == "text")
            continue
        assert isinstance(held, Table)
        wanted = held.columns["x"]
        got = run._values(column, [cell], 0, is_text=source == "text")
        assert got.dtype == wanted.dtype, cell
        assert repr(got.tolist()) == repr(wanted.tolist()), cell


def test_floats_come_back_from_csv_and_json_as_they_were() -> None:
    values = np.array([0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e22])
    assert [float(one) for one in run.as_csv(values, "predict", []).split()[1:]] == values.tolist()
    assert json.loads(run.as_json(values))["predictions"] == values.tolist()
    single = np.array([0.1, 16777216.0], dtype=np.float32)
    assert np.array(json.loads(run.as_json(single))["predictions"], np.float32).tolist() == single.tolist()


def test_what_json_cannot_say_is_refused_and_csv_says_it() -> None:
    with pytest.raises(run.Refused, match="write CSV"):
        run.as_json(np.array([np.nan]))
    assert run.as_csv(np.array([np.inf]), "predict", []) == "predict\ninf\n"


def test_probabilities_have_a_column_for_each_class(model: run.Model) -> None:
    answers = model.predict(run.read_json(json.dumps([ROW])), "predict_proba")
    first = run.as_csv(answers, "predict_proba", model.classes(2)).splitlines()[0]
    assert first == "predict_proba_goes,predict_proba_stays"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--check"], 0, "Every file is as it was written. Methods: predict, predict_proba.\n"),
        (["absent.csv"], 1, ""),
        (["--method", "transform", "rows.csv"], 1, ""),
        (["rows.csv"], 0, "predict\ngoes\n"),
        (["rows.csv", "--output-format", "json"], 0, '{"predictions": ["goes"]}\n'),
        (["rows.json"], 0, '{"predictions": ["goes"]}\n'),
        (["rows.txt", "--output-format", "csv"], 0, "predict\ngoes\n"),
        (["wrong.csv"], 1, ""),
    ],
)
def test_the_command(
    words: list[str],
    code: int,
    said: str,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = pd.DataFrame([{"city": "Bergen", "member": False, "visits": 0.0, "plan": "free"}])
    assert forest().predict(row).tolist() == ["goes"]
    (tmp_path / "rows.csv").write_text(row.to_csv(index=False))
    (tmp_path / "wrong.csv").write_text(row.to_csv(index=False).replace("0.0", "none"))
    (tmp_path / "rows.json").write_text(row.to_json(orient="records"))
    (tmp_path / "rows.txt").write_text(row.to_json(orient="records"))
    monkeypatch.chdir(tmp_path)
    assert run.main([*words, "--bundle", str(small)]) == code
    told = capsys.readouterr()
    assert told.out == said
    assert told.err.startswith("Error: ") == (code == 1)


def test_a_refusal_leaves_the_output_as_it_was(small: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("city,member,visits,plan\nOslo,true,x,pro\n")
    (tmp_path / "out.csv").write_text("before")
    assert run.main([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--bundle", str(small)]) == 1
    assert (tmp_path / "out.csv").read_text() == "before"
    (tmp_path / "in.csv").write_text("city,member,visits,plan\nOslo,true,1,pro\n")
    assert run.main([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--bundle", str(small)]) == 0
    assert (tmp_path / "out.csv").read_text().startswith("predict\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
