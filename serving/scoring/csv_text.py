"""Answers as CSV: a line of names, then a line for each row (RFC 4180, but for plain line feeds)."""

import base64
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np
import orjson

from modelpack.schema import Schema
from serving.codecs._answer import simplify
from serving.codecs._named import Named, named
from serving.errors import UnencodableResult

_SPECIAL = re.compile(r'[",\r\n]')


class CsvSheet:
    """Writes to *file*. A number that is missing is an empty cell, as is a text; moments are ISO 8601."""

    def __init__(self, file: BinaryIO, outputs: Schema | None) -> None:
        self._file, self._outputs = file, outputs
        self._names: list[str] | None = None

    def add(self, result: Any) -> None:
        """Write *result* below what was written; raises UnencodableResult."""
        columns = [column for part in named(result, self._outputs, _naming) for column in _flat(part)]
        if len({len(column.values) for column in columns}) > 1:
            raise UnencodableResult("the model's answer has no form in CSV: its parts are of several lengths")
        names = [column.name for column in columns]
        if self._names is None:
            self._write([names])
        elif names != self._names:
            raise UnencodableResult("the model's answers to parts of the file have several sets of columns")
        self._names = names
        self._write(zip(*(_cells(column.values) for column in columns), strict=True))

    def close(self) -> None:
        """Nothing comes last."""

    def _write(self, rows: Iterable[Iterable[str]]) -> None:
        self._file.write("".join(f"{','.join(map(_quoted, row))}\n" for row in rows).encode())


def _naming(place: int, count: int) -> str:
    return "predictions" if count < 2 else str(place)


def _flat(part: Named) -> list[Named]:
    """The columns of *part*, of which a matrix has several: ``predictions_0``, ``predictions_1``, …"""
    if part.values.ndim == 1:
        return [part]
    if part.values.ndim > 2:
        raise UnencodableResult(
            f"the model's answer has {part.values.ndim} dimensions, and no form in CSV; write JSON or Arrow"
        )
    return [Named(f"{part.name}_{place}", part.values[:, place]) for place in range(part.values.shape[1])]


def _quoted(text: str) -> str:
    if not _SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _cells(values: np.ndarray) -> list[str]:
    if values.dtype.kind == "M":
        return ["" if text == "NaT" else str(text) for text in np.datetime_as_string(values)]
    write = _WRITERS.get(values.dtype.kind, _object)
    # A masked array gives None for what is missing.
    return ["" if cell is None else write(cell) for cell in values.tolist()]


def _float(cell: float) -> str:
    return "" if math.isnan(cell) else repr(cell)


def _object(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode("ascii")
    try:
        return orjson.dumps(cell, default=simplify, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError as error:
        raise UnencodableResult(f"the model's answer has no form in CSV: {error}") from error


_WRITERS: dict[str, Callable[[Any], str]] = {
    "f": _float,
    "b": lambda cell: "true" if cell else "false",
    "i": str,
    "u": str,
}
