"""``text/csv``: a line of names, then a line for each row (RFC 4180)."""

import csv
import io
import sys
from typing import Any, ClassVar

from modelpack.errors import shorten
from modelpack.schema import Signature, enforce_params, wire
from serving import contract
from serving.codecs import Payload, count_rows
from serving.codecs._answer import encode
from serving.codecs._csv_fast import read_ordinary
from serving.errors import InvalidRequest
from serving.settings import Coerce


class CsvCodec:
    """UTF-8 text with commas; the answer is JSON, as with MLflow 3.17.

    Rows of another length than the first line are refused, and so are empty lines, but not those at the end.
    """

    media_types: ClassVar[tuple[str, ...]] = (contract.CSV, "application/csv")

    def __init__(self, *, coerce: Coerce, depth_limit: int) -> None:
        del depth_limit  # a table has no depth
        self._coerce = coerce
        # One setting for the whole process; the body limit is what bounds a cell.
        csv.field_size_limit(sys.maxsize)

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body* and hold it to *signature*; raises InvalidRequest or SchemaMismatch."""
        data: Any = read_ordinary(body, signature.inputs)
        if data is None:
            names, rows = _read(body)
            data = wire.table_from_text(rows, names, signature.inputs, coerce=self._coerce)
        params = enforce_params(None, signature.params, coerce=self._coerce)
        return Payload(data, params, count_rows(data))

    def encode(self, result: Any) -> bytes:
        """``{"predictions": …}``; raises UnencodableResult."""
        return encode(result)


def _read(body: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8: byte {error.start} fits no character") from None
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(lines, [])
        rows = list(lines)
    except csv.Error as error:
        raise InvalidRequest(f"the body is not CSV: {error} at line {lines.line_num}") from None
    if not names:
        raise InvalidRequest("the body is not CSV: its first line must hold the names of the columns")
    # In a table of one column an empty line might be an empty cell.
    while rows and not rows[-1] and len(names) > 1:
        rows.pop()
    for number, row in enumerate(rows):
        if len(row) != len(names):
            names_in = shorten(", ".join(names), 80)
            raise InvalidRequest(f"row {number} has {len(row)} cells for {len(names)} columns ({names_in})")
    return names, rows
