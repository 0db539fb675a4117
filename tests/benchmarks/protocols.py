"""The bodies that servers take, and the labels in their answers."""

import base64
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Protocol:
    """*encode* writes rows as a body; *read* takes the labels out of an answer, and raises ValueError."""

    encode: Callable[[pd.DataFrame], bytes]
    read: Callable[[bytes], list[Any]]
    media_type: str = "application/json"


def _split(rows: pd.DataFrame) -> bytes:
    return _json({"dataframe_split": rows.to_dict(orient="split", index=False)})


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _predictions(answer: bytes) -> list[Any]:
    return _taken(answer, "predictions")


def _taken(answer: bytes, *path: str | int) -> list[Any]:
    value = json.loads(answer)
    try:
        for step in path:
            value = value[step]
        return list(value)
    except (LookupError, TypeError):
        raise ValueError(f"no {path[0]} in it") from None


def _v2_columns(rows: pd.DataFrame) -> bytes:
    """One tensor a column, and a word that tells MLServer to make a DataFrame of them."""
    inputs = [_v2_column(name, rows[name]) for name in rows]
    return _json({"parameters": {"content_type": "pd"}, "inputs": inputs})


def _v2_column(name: Any, column: "pd.Series[Any]") -> dict[str, Any]:
    tensor: dict[str, Any] = {"name": name, "shape": [len(column), 1], "data": column.tolist()}
    if pd.api.types.is_numeric_dtype(column):
        whole = pd.api.types.is_integer_dtype(column)
        return {**tensor, "datatype": "INT64" if whole else "FP64"}
    return {**tensor, "datatype": "BYTES", "parameters": {"content_type": "str"}}


def _v2_tensor(rows: pd.DataFrame) -> bytes:
    """All rows as one tensor, which is as fast as MLServer goes; for numeric columns only."""
    data = rows.to_numpy(np.float64).ravel().tolist()
    return _json({"inputs": [{"name": "rows", "shape": list(rows.shape), "datatype": "FP64", "data": data}]})


def _v2_labels(answer: bytes) -> list[Any]:
    labels = _taken(answer, "outputs", 0, "data")
    kind = json.loads(answer)["outputs"][0]
    if kind.get("parameters", {}).get("content_type") == "base64":
        return [base64.b64decode(label).decode() for label in labels]
    return labels


def _arrow(rows: pd.DataFrame) -> bytes:
    arrow = importlib.import_module("pyarrow")
    table = arrow.Table.from_pandas(rows, preserve_index=False)
    sink = arrow.BufferOutputStream()
    with importlib.import_module("pyarrow.ipc").new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


PROTOCOLS = {
    "split": Protocol(_split, _predictions),
    "v2-columns": Protocol(_v2_columns, _v2_labels),
    "v2-tensor": Protocol(_v2_tensor, _v2_labels),
    "arrow": Protocol(_arrow, _predictions, "application/vnd.apache.arrow.stream"),
}
