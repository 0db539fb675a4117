"""Input examples: a Python value as JSON, and back."""

import base64
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np

from modelpack.directory import layout
from modelpack.errors import InvalidModel, SchemaMismatch, shorten
from modelpack.schema import Schema, Signature, Table, wire

_SPARSE = {"csr": "sparse_matrix_csr", "csc": "sparse_matrix_csc"}


@dataclass(frozen=True)
class Example:
    """An example as MLflow 3.17 writes it: *value* for ``input_example.json``, *serving* a body of
    ``/invocations``, *info* the document's ``saved_input_example_info``."""

    value: Any
    serving: Any
    info: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Put the two files into *folder*."""
        (folder / layout.INPUT_EXAMPLE).write_text(json.dumps(self.value), encoding="utf-8")
        (folder / layout.SERVING_EXAMPLE).write_text(json.dumps(self.serving, indent=2), encoding="utf-8")


def split(given: Any) -> tuple[Any, dict[str, Any] | None]:
    """The data of an example, and the params when it is a tuple ``(data, params)``."""
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping):
        return given[0], dict(given[1])
    return given, None


def encode(given: Any) -> Example:
    """*given*: a DataFrame, Series, array, sparse matrix, dict, list or scalar, or ``(data, params)``.

    NaN becomes null, bytes base64, points in time ISO 8601. Raises InvalidModel for what JSON cannot say.
    """
    data, params = split(given)
    info = {"artifact_path": layout.INPUT_EXAMPLE, "serving_input_path": layout.SERVING_EXAMPLE}
    value, kind, serving = _encode(data)
    if params is not None:
        written = _plain(params, "the params of the example")
        value = {"inputs": value, "params": written}
        serving = {**serving, "params": written}
        info["params"] = "true"
    return Example(value, serving, info | kind)


def decode(value: Any, info: Mapping[str, Any], signature: Signature | None) -> Any:
    """What ``encode`` was given, from its JSON and *info*; with params a tuple ``(data, params)``.

    The types come from *signature*, where there is one. Raises InvalidModel.
    """
    try:
        if str(info.get("params", "")).lower() == "true":
            return _decode(value["inputs"], info, signature), value["params"]
        return _decode(value, info, signature)
    except (SchemaMismatch, KeyError, TypeError, ValueError) as error:
        raise InvalidModel(shorten(f"{layout.INPUT_EXAMPLE} is not what it is said to be: {error}")) from None


def _encode(data: Any) -> tuple[Any, dict[str, str], dict[str, Any]]:
    if _is_pandas(data, "Series"):
        data = data.to_frame()
    if _is_pandas(data, "DataFrame"):
        return _encode_frame(data)
    if (form := getattr(data, "format", None)) in _SPARSE and hasattr(data, "indptr"):
        value = {name: getattr(data, name).tolist() for name in ("data", "indices", "indptr")}
        value = _plain({**value, "shape": list(data.shape)})
        return value, {"type": _SPARSE[form]}, {"inputs": _plain(data.toarray())}
    value = _plain(data)
    is_arrays = isinstance(data, dict) and data and all(isinstance(one, np.ndarray) for one in data.values())
    kind = "ndarray" if isinstance(data, np.ndarray) or is_arrays else "json_object"
    return value, {"type": kind}, {"inputs": value}


def _encode_frame(frame: Any) -> tuple[Any, dict[str, str], dict[str, Any]]:
    cells = frame.astype(object).to_numpy().tolist()
    finest = [_timespec(column) for column in zip(*cells, strict=True)]
    rows = [[_plain_cell(cell, fine) for cell, fine in zip(row, finest, strict=True)] for row in cells]
    names = [_plain(name) for name in frame.columns]
    is_range = names == list(range(len(names)))
    value = {"data": rows} if is_range else {"columns": names, "data": rows}
    kind = {"type": "dataframe", "pandas_orient": "values" if is_range else "split"}
    return value, kind, {"dataframe_split": value}


def _timespec(column: Iterable[Any]) -> str:
    """How fine all points in time of *column* are written: pandas 3 refuses fractions in some rows alone."""
    moments = [cell for cell in column if isinstance(cell, datetime) and not _is_missing(cell)]
    if any(getattr(one, "nanosecond", 0) for one in moments):
        return "nanoseconds"
    return "microseconds" if any(one.microsecond for one in moments) else "auto"


def _plain_cell(value: Any, timespec: str) -> Any:
    if isinstance(value, datetime) and not _is_missing(value):
        # Only pandas' own moments know nanoseconds.
        known = timespec if timespec != "nanoseconds" or hasattr(value, "nanosecond") else "auto"
        return value.isoformat(timespec=known)
    return _plain(value)


def _plain(value: Any, where: str = "the input example") -> Any:
    if value is None or isinstance(value, str | bool | int) or _is_missing(value):
        return None if _is_missing(value) else value
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        return _plain(value.item(), where)
    if isinstance(value, float):
        if math.isinf(value):
            raise InvalidModel(f"{where} holds infinity, which JSON cannot say; choose other rows")
        return value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.ndarray):
        # tolist() would turn nanoseconds into whole numbers.
        return _plain(value.astype(str).tolist() if value.dtype.kind == "M" else value.tolist(), where)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, where) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, where) for one in value]
    raise InvalidModel(
        f"{where} holds a {type(value).__name__}; give a DataFrame, an array, or what JSON can say"
    )


def _is_missing(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NAType", "NaTType")


def _is_pandas(value: Any, name: str) -> bool:
    # Whoever holds a DataFrame has imported pandas.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, getattr(pandas, name))


def _decode(value: Any, info: Mapping[str, Any], signature: Signature | None) -> Any:
    kind = info.get("type")
    if info.get("format") == "tf-serving":
        # So MLflow wrote arrays before 2.12.
        value = value["inputs"]
    schema = signature.inputs if signature else None
    if kind == "dataframe":
        return _decode_frame(value, schema)
    if kind == "ndarray":
        return _decode_arrays(value, schema)
    if kind in _SPARSE.values():
        return _decode_sparse(value, by_row=kind == _SPARSE["csr"])
    return value


def _decode_frame(value: dict[str, Any], schema: Schema | None) -> Any:
    table = wire.table_from_rows(value["data"], value.get("columns"), schema)
    return table.frame() if isinstance(table, Table) else table


def _decode_arrays(value: Any, schema: Schema | None) -> Any:
    if schema is not None and schema.is_tensor:
        # The lenient rules know missing numbers in a tensor.
        return wire.tensors_from_json(value, schema, coerce="mlflow")
    if isinstance(value, dict):
        return {name: np.array(one) for name, one in value.items()}
    return np.array(value)


def _decode_sparse(value: dict[str, Any], *, by_row: bool) -> Any:
    from scipy import sparse

    parts = tuple(np.array(value[name]) for name in ("data", "indices", "indptr"))
    matrix = (sparse.csr_matrix if by_row else sparse.csc_matrix)(parts, shape=value["shape"])
    # Indices out of range would be read by compiled code.
    matrix.check_format(full_check=True)
    return matrix
