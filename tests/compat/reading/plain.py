"""Values of Python, numpy and pandas as JSON and back, without loss: what passes between two environments.

Runs in the environments of all MLflow versions too, with their numpy and pandas.
"""

import json
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

_SPARSE = ("csr", "csc")


def encode(value: Any) -> Any:
    """*value* in JSON's own types. The index of a frame is left behind; text is text, whatever holds it."""
    if isinstance(value, np.generic):
        return {"scalar": _array(np.asarray(value))}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list | tuple):
        return [encode(one) for one in value]
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(one)] for key, one in value.items()]}
    if isinstance(value, bytes | bytearray):
        return {"bytes": value.hex()}
    if value is pd.NaT or value is pd.NA:
        return {"missing": type(value).__name__}
    if isinstance(value, datetime | date):
        return {"moment": value.isoformat()}
    return _encode_table(value)


def decode(form: Any) -> Any:
    """What ``encode`` was given, with the types of this environment's pandas."""
    if isinstance(form, list):
        return [decode(one) for one in form]
    if not isinstance(form, dict):
        return form
    kind, content = next(iter(form.items()))
    return _DECODERS[kind](form, content)


def text(form: Any) -> str:
    """One text for *form*: two are the same exactly when their texts are."""
    return json.dumps(form, sort_keys=True)


def _encode_table(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        names = list(value.columns)
        return {"frame": [[encode(name), _column(value.iloc[:, at])] for at, name in enumerate(names)]}
    if isinstance(value, pd.Series):
        return {"series": [encode(value.name), _column(value)]}
    if isinstance(value, np.ndarray):
        return _array(value)
    if getattr(value, "format", None) in _SPARSE and hasattr(value, "indptr"):
        parts = [encode(getattr(value, part)) for part in ("data", "indices", "indptr")]
        return {"sparse": value.format, "parts": parts, "shape": list(value.shape)}
    raise TypeError(f"a {type(value).__qualname__} has no plain form")


def _column(series: "pd.Series[Any]") -> Any:
    cells = series.tolist() if series.dtype == object or not isinstance(series.dtype, np.dtype) else None
    if cells is not None and all(isinstance(cell, str) or _is_missing(cell) for cell in cells):
        return {"text": [cell if isinstance(cell, str) else None for cell in cells]}
    if cells is not None:
        return {"array": [encode(cell) for cell in cells], "dtype": str(series.dtype), "shape": [len(cells)]}
    return _array(series.to_numpy())


def _array(array: "np.ndarray[Any, Any]") -> Any:
    shape = list(array.shape)
    if array.dtype.kind in "OU":
        return {"array": [encode(cell) for cell in array.ravel().tolist()], "dtype": "object", "shape": shape}
    if array.dtype.kind == "M":
        moments = array.astype("datetime64[ns]").astype("int64").ravel().tolist()
        return {"array": moments, "dtype": "datetime64[ns]", "shape": shape}
    return {"array": encode(array.ravel().tolist()), "dtype": str(array.dtype), "shape": shape}


def _values(column: Any) -> Any:
    if "text" in column:
        return column["text"]
    dtype = column["dtype"]
    if dtype in ("Int32", "Int64", "boolean"):
        return pd.array([None if isinstance(one, dict) else one for one in column["array"]], dtype=dtype)
    return _from_array(column)


def _from_array(form: Any) -> Any:
    cells: Iterable[Any] = decode(form["array"])
    if form["dtype"] == "object":
        made = np.empty(len(form["array"]), dtype=object)
        made[:] = cells
        return made.reshape(form["shape"])
    if form["dtype"] == "datetime64[ns]":
        return np.array(cells, dtype="int64").astype("datetime64[ns]").reshape(form["shape"])
    return np.array(cells, dtype=form["dtype"]).reshape(form["shape"])


def _from_sparse(form: Any) -> Any:
    from scipy import sparse

    made = sparse.csr_matrix if form["sparse"] == "csr" else sparse.csc_matrix
    return made(tuple(decode(part) for part in form["parts"]), shape=tuple(form["shape"]))


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


_DECODERS: dict[str, Callable[[Any, Any], Any]] = {
    "float": lambda _, content: float(content),
    "dict": lambda _, content: {decode(key): decode(one) for key, one in content},
    "bytes": lambda _, content: bytes.fromhex(content),
    "frame": lambda _, content: pd.DataFrame({decode(name): _values(column) for name, column in content}),
    "series": lambda _, content: pd.Series(_values(content[1]), name=decode(content[0])),
    "sparse": lambda form, _: _from_sparse(form),
    "array": lambda form, _: _from_array(form),
    "scalar": lambda _, content: _from_array(content)[()],
    "missing": lambda _, content: getattr(pd, content.removesuffix("Type")),
    "moment": lambda _, content: datetime.fromisoformat(content),
}
