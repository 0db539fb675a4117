"""Functions and objects that are models, with signatures of every kind.

They may use numpy and pandas alone: they are read where there is no modelpack.
"""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    DataType,
    Map,
    Object,
    ParamSpec,
    Property,
    Schema,
)

EVERY_TYPE = Schema(
    tuple(
        ColumnSpec(one, f"{'' if required else 'maybe_'}{one.value}", required)
        for required in (True, False)
        for one in DataType
    )
)
EVERY_CELL = pd.DataFrame(
    {
        "boolean": [True, False, True],
        "integer": np.array([1, -2, 2**31 - 1], np.int32),
        "long": [2**62, -7, 0],
        "float": np.array([0.1, -1.5, 3e38], np.float32),
        "double": [0.1, -2.5e-300, 1e300],
        "string": ["a", "", "ü\n'\""],
        "binary": [b"\x00\xff", b"", b"abc"],
        "datetime": np.array(
            ["2024-02-29T12:30:00", "1970-01-01", "1969-12-31T23:59:59.123456"], "datetime64[ns]"
        ),
    }
)
# Of each optional type: a column that is given with a gap, where both sides can say one, or is not there.
SOME_GAPS = EVERY_CELL.assign(
    maybe_long=[1, 2, 3],
    maybe_float=np.array([np.nan, 1.5, 2.5], np.float32),
    maybe_double=[1.5, np.nan, 2.5],
    maybe_string=np.array(["a", None, "c"], object),
    maybe_binary=[b"", b"x", b"y"],
    maybe_datetime=np.array(["2024-02-29", "NaT", "1970-01-01"], "datetime64[ns]"),
)
DEEP = Schema(
    (
        ColumnSpec(Array(DataType.long), "counts"),
        ColumnSpec(Array(Array(DataType.double)), "grid"),
        ColumnSpec(
            Object((Property("city", DataType.string), Property("zip", DataType.long, required=False))),
            "home",
        ),
        ColumnSpec(Map(DataType.double), "weights"),
        ColumnSpec(Array(Object((Property("when", DataType.string),))), "visits", required=False),
        ColumnSpec(AnyType(), "notes", required=False),
    )
)
DEEP_CELLS = pd.DataFrame(
    {
        "counts": [[1, 2], [], [3]],
        "grid": [[[0.5]], [[1.5, 2.5], []], [[], [3.5]]],
        "home": [{"city": "Bern", "zip": 3000}, {"city": "Basel"}, {"city": "", "zip": 1}],
        "weights": [{"a": 1.5}, {}, {"b": 2.5, "c": 0.0}],
        "visits": [[{"when": "now"}], [], [{"when": "then"}, {"when": "never"}]],
    }
)
PARAMS = (
    ParamSpec("flag", DataType.boolean, default=False),
    ParamSpec("small", DataType.integer, default=1),
    ParamSpec("large", DataType.long, default=2**40),
    ParamSpec("light", DataType.float, default=0.5),
    ParamSpec("plus", DataType.double, default=1.0),
    ParamSpec("word", DataType.string, default="none"),
    ParamSpec("when", DataType.datetime, default=datetime(2024, 2, 29)),  # noqa: DTZ001 - params bear no zone
    ParamSpec("list", DataType.long, default=[1, 2], shape=(-1,)),
    ParamSpec("absent", DataType.double, default=None),
)
GIVEN = {"flag": True, "small": 7, "plus": 2.5, "word": "hello", "list": [4, 5, 6]}


def described(model_input: pd.DataFrame) -> list[str]:
    """A line for each row: the names that came, and each cell with its type."""
    return [
        "; ".join(f"{name}: {_described(cell)}" for name, cell in zip(model_input.columns, row, strict=True))
        for row in model_input.itertuples(index=False, name=None)
    ]


def with_given(model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[str]:
    """A line for each row: its number, and every param with its type."""
    words = "; ".join(f"{name}: {_described(one)}" for name, one in sorted((params or {}).items()))
    return [f"{charges!r} {words}" for charges in model_input["charges"].tolist()]


def doubled(model_input: Any) -> Any:
    """Twice what came."""
    return model_input * 2


class Summing:
    """An object with ``predict``, of columns or of arrays by name."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, model_input: Any) -> np.ndarray:
        """The sums of the rows, times the factor."""
        if isinstance(model_input, pd.DataFrame):
            return np.asarray(model_input.sum(axis=1) * self.factor)
        points = model_input["points"].astype(np.float64).sum(axis=1)
        return np.asarray((points + model_input["counts"]) * self.factor * model_input["flags"][:, 0])


class Loaded:
    """A class in the shape of MLflow's ``PythonModel``, which is told its context first."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.loaded = 0.0

    def load_context(self, context: Any) -> None:
        """Remember that it was called."""
        self.loaded = self.factor + len(context.artifacts)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """The charges, times what was loaded, and the param ``plus``."""
        return model_input["charges"] * self.loaded + (params or {}).get("plus", 0.0)


def _described(cell: Any) -> str:
    if isinstance(cell, dict):
        return "{" + ", ".join(f"{key}: {_described(one)}" for key, one in sorted(cell.items())) + "}"
    if isinstance(cell, list | tuple | np.ndarray):
        return "[" + ", ".join(_described(one) for one in cell) + "]"
    if cell is None or cell is pd.NaT or cell != cell:
        return "missing"
    if isinstance(cell, datetime | np.datetime64):
        return str(np.datetime64(cell).astype("datetime64[ns]"))
    return repr(cell.item() if isinstance(cell, np.generic) else cell)
