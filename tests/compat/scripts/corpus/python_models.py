"""Functions, and objects of classes of MLflow's ``PythonModel``; their code goes into the pickle."""

import datetime as dt
import os
import sys
from pathlib import Path

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Object, Property

from corpus import QUICK, VERSION, Entry, data

cloudpickle.register_pickle_by_value(sys.modules[__name__])

CHARGES = Schema([ColSpec("double", "charges")])
CODE = "code_paths" if VERSION >= (2, 12) else "code_path"

LOOKUP = """\
\"\"\"What a customer of a plan pays.\"\"\"

from pathlib import Path

Path({mark!r}).write_text("imported")

PRICES = {{"basic": 10.0, "plus": 20.5, "pro": 41.25}}


def price(plan):
    return PRICES[plan]
"""

SCRIPT = """\
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Scaled(PythonModel):
    def load_context(self, context):
        self.factor = (context.model_config or {}).get("factor", 2.0)

    def predict(self, context, model_input, params=None):
        return model_input["charges"] * self.factor + (params or {}).get("plus", 0.0)


set_model(Scaled())
"""


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["charges"] * (params or {}).get("factor", 2.0)


class Reader(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text())

    def predict(self, context, model_input):
        return model_input["charges"] + self.offset


class Marked(mlflow.pyfunc.PythonModel):
    """Leaves a mark in a file as soon as its pickle is read, and another when its context is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __setstate__(self, state):
        self.__dict__.update(state)
        Path(self.folder, "unpickled").write_text("unpickled")

    def load_context(self, context):
        Path(self.folder, "loaded").write_text("loaded")

    def predict(self, context, model_input):
        return model_input["charges"]


class Priced(mlflow.pyfunc.PythonModel):
    def __init__(self, module):
        self.module = module

    def load_context(self, context):
        import importlib

        self.price = importlib.import_module(self.module).price

    def predict(self, context, model_input):
        return [self.price(plan) for plan in model_input["plan"]]


class Cells(mlflow.pyfunc.PythonModel):
    """Tells of each column what came: a slip of a row, a column, a type or a value shows."""

    def predict(self, context, model_input):
        frame = model_input
        return pd.DataFrame(
            {
                "flag": ~frame["flag"],
                "small": frame["small"] + 1,
                "large": frame["large"] * 2,
                "single": frame["single"] / 3,
                "double": frame["double"] / 3,
                "word": frame["word"] + "!",
                "length": [len(one) for one in frame["bytes"]],
                "bytes": [one[::-1].hex() for one in frame["bytes"]],
                "moment": frame["moment"] + pd.Timedelta(days=1),
                "year": frame["moment"].dt.year,
            }
        )


class Optional(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        columns = {"rows": [len(model_input)] * len(model_input)}
        for name in model_input:
            columns[name] = ["nothing" if one else "there" for one in model_input[name].isna()]
        return pd.DataFrame(columns)


class Composite(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        answers = []
        for row in model_input.to_dict("records"):
            person = row["person"]
            answers.append(
                {
                    "sum": float(sum(row["scores"])),
                    "name": person["name"].upper(),
                    "tags": sorted(person.get("tags") or []),
                    "points": [float(point["x"]) for point in row["points"]],
                }
            )
        return answers


class Loose(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        rows = model_input.to_dict("records")
        return [{"sum": int(sum(row["counts"].values())), "any": repr(row["extra"])} for row in rows]


class Tensors(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        if isinstance(model_input, dict):
            return {
                "sum": model_input["left"].sum(axis=1) + model_input["right"],
                "twice": model_input["right"] * 2,
            }
        return model_input * 2


class Telling(mlflow.pyfunc.PythonModel):
    """Tells what came, for models without a signature."""

    def predict(self, context, model_input):
        if isinstance(model_input, dict):
            return {name: np.asarray(one).shape for name, one in model_input.items()}
        if isinstance(model_input, pd.DataFrame):
            return model_input.sum(axis=1, numeric_only=True).tolist()
        if isinstance(model_input, np.ndarray):
            return model_input.tolist()
        return [type(model_input).__name__, model_input]


class Answers(mlflow.pyfunc.PythonModel):
    """Answers what the word in the first row wants: each a shape that JSON has to say somehow."""

    def predict(self, context, model_input):
        moment = dt.datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001 - as most times are
        kinds = {
            "number": 1.5,
            "nothing": None,
            "texts": ["a", "ü", ""],
            "nested": {"a": [1, {"b": [True, None]}], "c": "d"},
            "numpy": [np.float32(0.1), np.int64(7), np.bool_(True)],
            "nan": [float("nan"), 1.0],
            "infinity": np.array([np.inf, -np.inf]),
            "moment": [moment, moment.date()],
            "bytes": [b"\x00\xff", b"abc" * 40],
            "series": pd.Series([1.5, 2.5]),
            "named-series": pd.Series([1, 2], name="score"),
            "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, np.nan]}),
            "moments-frame": pd.DataFrame({"t": pd.to_datetime([moment, None])}),
            "moments-array": np.array(["2024-02-29T12:30"], "datetime64[ns]"),
            "booleans": np.array([True, False]),
            "single": np.array([0.1, 16777217], np.float32),
            "long": np.array([2**53 + 1, -(2**63)]),
            "cube": np.arange(8).reshape(2, 2, 2),
            "objects": np.array(["a", 1, None], dtype=object),
            "tuple": (1, "a"),
            "keys": {1: "a", 2: "b"},
            "empty": [],
            "empty-frame": pd.DataFrame({"a": []}),
        }
        return kinds[model_input["kind"].iloc[0]]


class Sized(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str], params=None) -> list[int]:
        return [len(one) for one in model_input]


def halve(model_input):
    return model_input["charges"] / 2


def shout(model_input: list[str]) -> list[str]:
    return [one.upper() for one in model_input]


def entries():
    yield from _plain()
    yield from _by_signature()
    yield from _newer()


def _plain():
    work = Path.cwd()
    charges = data.people_asked[["charges"]]
    signed = ModelSignature(CHARGES, CHARGES)
    params = data.with_params(
        signed, ("factor", "double", 3.0), ("names", "string", ["a"], (-1,)), ("times", "long", 1)
    )
    yield _entry(
        "params", charges, "params", params, model=Doubler(), params={"factor": 10.0}, example="params"
    )
    yield _entry("params-default", charges, "params", params, model=Doubler())
    offset = work / "offset.txt"
    offset.write_text("41.5")
    yield _entry("artifacts", charges, "columns", signed, model=Reader(), artifacts={"offset": str(offset)},
                 example="frame")  # fmt: skip
    yield _entry("function", charges, "columns", signed, model=halve)
    marks = work / "marks"
    marks.mkdir()
    yield _entry("marked", charges, "columns", signed, model=Marked(str(marks)))
    module = f"prices_of_mlflow_{VERSION[0]}_{VERSION[1]}"
    (work / f"{module}.py").write_text(LOOKUP.format(mark=str(marks / "imported")))
    # MLflow 2.22 tries the example before the model has its code.
    sys.path.append(str(work))
    plans = data.people_asked[["plan"]]
    plan = ModelSignature(Schema([ColSpec("string", "plan")]), data.one_double)
    yield _entry("code", plans, "columns", plan, model=Priced(module), code=[str(work / f"{module}.py")],
                 example="frame", needs=("pickle", "code"))  # fmt: skip
    yield _entry("unsigned-dict", {"a": 1, "b": "x"}, "none", False, model=Telling(), example="dict")
    yield _entry("unsigned-list", [1, 2, 3], "none", False, model=Telling())
    yield _entry("unsigned-frame", data.numbers_asked, "none", False, model=Telling(), example="frame")
    yield _entry("unsigned-array", data.matrix_asked, "none", False, model=Telling(), example="array")
    words = pd.DataFrame({"kind": ["number"]})
    yield _entry(
        "answers", words, "columns", ModelSignature(Schema([ColSpec("string", "kind")])), model=Answers()
    )


def _by_signature():
    cells = pd.DataFrame(
        {
            "flag": [True, False],
            "small": np.array([-7, 2**31 - 2], np.int32),
            "large": [2**53 + 1, -5],
            "single": np.array([0.1, 3.0], np.float32),
            "double": [0.1, -2.5e300],
            "word": ["", "naïve"],
            "bytes": [b"\x00\xffab", b""],
            "moment": np.array(["2024-02-29T12:30:00.123456", "1999-12-31T00:00:00.5"], "datetime64[ns]"),
        }
    )
    kinds = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
    scalars = Schema([ColSpec(kind, name) for kind, name in zip(kinds, cells, strict=True)])
    yield _entry("cells", cells, "columns", ModelSignature(scalars), model=Cells(), example="frame")
    optional = Schema([ColSpec(kind, name, required=False) for kind, name in zip(kinds, cells, strict=True)])
    some = cells[["double", "word", "moment"]].copy()
    some.loc[0, "double"], some.loc[1, "word"], some.loc[0, "moment"] = np.nan, None, pd.NaT
    yield _entry("optional", some, "columns", ModelSignature(optional), model=Optional())
    composite = Schema(
        [
            ColSpec(Array("double"), "scores"),
            ColSpec(
                Object([Property("name", "string"), Property("tags", Array("string"), required=False)]),
                "person",
            ),
            ColSpec(Array(Object([Property("x", "double")])), "points"),
        ]
    )
    people = pd.DataFrame(
        {
            "scores": [[1.5, 2.0], []],
            "person": [{"name": "ann", "tags": ["b", "a"]}, {"name": "bob"}],
            "points": [[{"x": 0.5}], [{"x": 1.0}, {"x": -1.0}]],
        }
    )
    yield _entry("composite", people, "arrays and objects", ModelSignature(composite), model=Composite(),
                 example="frame")  # fmt: skip
    float32, long = np.dtype("float32"), np.dtype("int64")
    cube = Schema([TensorSpec(float32, (-1, 2, 2))])
    asked = data.matrix_asked[:4].astype(np.float32).reshape(3, 2, 2)
    yield _entry("tensor", asked, "tensors", ModelSignature(cube, cube), model=Tensors(), example="array")
    named = Schema([TensorSpec(float32, (-1, 2), "left"), TensorSpec(long, (-1,), "right")])
    pair = {"left": data.matrix_asked[:, :2].astype(np.float32), "right": np.arange(5)}
    yield _entry("tensors", pair, "tensors", ModelSignature(named), model=Tensors(), example="dict")
    yield _entry(
        "inferred", data.people_asked[["charges"]], "columns", None, model=Doubler(), example="frame"
    )


def _newer():
    """What MLflow 2.10 does not have."""
    charges = data.people_asked[["charges"]]
    signed = ModelSignature(CHARGES, CHARGES)
    if VERSION >= (2, 22):
        from mlflow.types.schema import AnyType, Map

        loose = Schema([ColSpec(Map("long"), "counts"), ColSpec(AnyType(), "extra")])
        rows = pd.DataFrame({"counts": [{"a": 1, "b": 2}, {}], "extra": ["x", 5]})
        yield _entry("map", rows, "arrays and objects", ModelSignature(loose), model=Loose())
        yield _entry("hints", ["ab", "cd"], "type hints", None, model=shout, example="list")
        yield _entry("hints-class", ["ab", "cde"], "type hints", None, model=Sized())
        script = Path.cwd() / "scaled.py"
        script.write_text(SCRIPT)
        params = data.with_params(signed, ("plus", "double", 0.5))
        yield _entry("script", charges, "params", params, model=str(script), form="code", needs=("code",),
                     config={"factor": 4.0}, params={"plus": 1.0}, example="frame")  # fmt: skip
    if VERSION >= (3, 0):
        for compression in ("gzip", "bzip2", "lzma"):
            yield _entry(f"compressed-{compression}", charges, "columns", signed, model=Doubler(),
                         form=compression)  # fmt: skip


def _entry(
    name, asked, kind, signature, *, model, form="cloudpickle", params=None, example="none", artifacts=None,
    code=None, config=None, needs=("pickle",),
):  # fmt: skip
    shown = (
        {key: value[:2] if hasattr(value, "shape") else value for key, value in asked.items()}
        if isinstance(asked, dict)
        else asked[:2]
    )

    def save(path):
        if form in ("gzip", "bzip2", "lzma"):
            os.environ["MLFLOW_LOG_MODEL_COMPRESSION"] = form
        more = {"model_config": config} if config else {}
        try:
            mlflow.pyfunc.save_model(
                path, python_model=model, artifacts=artifacts, signature=signature,
                input_example={"none": None, "params": (shown, params)}.get(example, shown),
                **{CODE: code}, **QUICK, **more,
            )  # fmt: skip
        finally:
            os.environ.pop("MLFLOW_LOG_MODEL_COMPRESSION", None)

    return Entry(f"python-{name}", form, kind, save, asked, params, example, needs)
