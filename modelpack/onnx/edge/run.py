"""Asks the ONNX model that lies beside this file: rows as CSV or JSON in, predictions as CSV or JSON out.

It needs Python 3.10, numpy and onnxruntime, and nothing else:

    python run.py rows.csv -o predictions.csv

Before anything runs, the model and its signature are held against SHA256SUMS. A value that the signature does
not take is refused with its row (from 0), its column, what was expected and what came. To ask from a program:

    import run

    model = run.Model(folder)
    model.predict(run.read_csv(text))
"""

import argparse
import csv
import hashlib
import io
import json
import math
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or it calls its makers
import onnxruntime

SUMS, SIGNATURE, MODEL = "SHA256SUMS", "signature.json", "model.onnx"
FORMAT = 1

_MISSING_WORD = "\ufdd0"
"""What the graph knows missing text by."""

_ROWS_AT_ONCE = 4096
_BOUNDS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_DTYPES: Mapping[str, Any] = {
    "boolean": np.bool_,
    "integer": np.int32,
    "long": np.int64,
    "float": np.float32,
    "double": np.float64,
}
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DIGITS = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_LONGEST_NUMBER = 400


class Refused(ValueError):
    """What cannot be taken, and why."""


@dataclass(frozen=True)
class Rows:
    """Cells as they came, and the *names* of their columns, if they have any; *is_text* for a CSV's."""

    cells: Sequence[Sequence[Any]]
    names: Sequence[str] | None = None
    is_text: bool = False


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
"""Stands where a JSON object has no such name."""


def read_csv(text: str) -> Rows:
    """A line of names, then a line for each row. Raises Refused."""
    csv.field_size_limit(sys.maxsize)
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = next(lines, [])
        cells = list(lines)
    except csv.Error as error:
        raise Refused(f"this is not CSV: {error} at line {lines.line_num}") from None
    if not names:
        raise Refused("this is not CSV: its first line must hold the names of the columns")
    # In a table of one column an empty line might be an empty cell.
    while cells and not cells[-1] and len(names) > 1:
        cells.pop()
    return Rows([row or [""] if len(names) == 1 else row for row in cells], names, is_text=True)


def read_json(text: str) -> Rows:
    """Rows in a form that the server takes, or a plain list of objects or of lists. Raises Refused."""
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except RecursionError:
        raise Refused("this is no table: it is nested too deep") from None
    except ValueError as error:
        raise Refused(f"this is not JSON: {error}") from None
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in _FORMS:
            raise Refused(f"expected an object with one of {', '.join(_FORMS)}, got {_told(list(value))}")
        form, value = next(iter(value.items()))
        if form == "dataframe_split":
            return _split(value)
    if not isinstance(value, list):
        raise Refused(f"expected a list of rows, got {_told(value)}")
    if value and isinstance(value[0], dict):
        return _records(value)
    for row, one in enumerate(value):
        if not isinstance(one, list):
            raise Refused(f"row {row}: expected a list, got {_told(one)}")
    return Rows(value)


_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not in JSON's standard")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names something twice")
    return found


def _split(value: Any) -> Rows:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise Refused("expected dataframe_split to be an object with columns and data")
    names = value.get("columns")
    if names is not None and not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
        raise Refused(f"expected columns to be a list of names, got {_told(names)}")
    for row, one in enumerate(value["data"]):
        if not isinstance(one, list):
            raise Refused(f"row {row}: expected a list, got {_told(one)}")
    return Rows(value["data"], names)


def _records(records: list[Any]) -> Rows:
    names: dict[str, None] = {}
    for row, one in enumerate(records):
        if not isinstance(one, dict):
            raise Refused(f"row {row}: expected an object, as the first is, got {_told(one)}")
        names.update(dict.fromkeys(one))
    return Rows([[one.get(name, _ABSENT) for name in names] for one in records], list(names))


@dataclass(frozen=True)
class _Column:
    """One input of the model, as its signature has it."""

    name: str | int
    kind: str
    required: bool

    @property
    def missing(self) -> bool:
        """Whether a value may be missing."""
        return not self.required or self.kind in ("float", "double")

    def refuse(self, row: int, wanted: str, got: Any) -> NoReturn:
        told = got if isinstance(got, str) else _told(got)
        raise Refused(f"row {row}, column {self.name!r}: expected {wanted}, got {told}")


class Model:
    """The model in *folder*, ready to answer. Raises Refused for a folder that is not as it was written."""

    def __init__(self, folder: Path | str | None = None, *, threads: int = 1) -> None:
        folder = Path(__file__).resolve().parent if folder is None else Path(folder)
        held = _whole(folder, (MODEL, SIGNATURE))
        try:
            self._told: dict[str, Any] = json.loads(held[SIGNATURE])
        except ValueError:
            raise Refused(f"{SIGNATURE} is not JSON") from None
        if self._told.get("format") != FORMAT:
            raise Refused(
                f"{SIGNATURE} has the format {self._told.get('format')!r}; this file reads {FORMAT}"
            )
        graph = self._told["graph"]
        self._is_tensor = bool(graph["is_tensor"])
        self._blocks: list[dict[str, Any]] = graph["blocks"]
        self._outputs: dict[str, dict[str, Any]] = graph["outputs"]
        self._columns = [_Column(**one) for one in self._told["columns"]]
        options = onnxruntime.SessionOptions()
        # More were not compared: they add up in another order.
        options.intra_op_num_threads = max(1, min(threads, int(self._told["threads"])))
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(held[MODEL], options, providers=["CPUExecutionProvider"])

    @property
    def methods(self) -> list[str]:
        """What it can be asked."""
        return list(self._outputs)

    @property
    def certified(self) -> list[str]:
        """What was proved to be answered as by the model that it was made of."""
        return [str(one) for one in self._told["certified"]]

    def classes(self, width: int) -> list[str]:
        """The names of the columns of an answer of *width* numbers a row."""
        known = self._told["classes"]
        return [str(one) for one in (known if len(known) == width else range(width))]

    def predict(self, rows: Rows, method: str = "") -> np.ndarray:
        """What *method*, by default the first, answers for *rows*, in the dtype of the native model.

        Raises Refused for a value that the signature, or the model, does not take.
        """
        output = self._outputs.get(method or next(iter(self._outputs)))
        if output is None:
            raise Refused(f"this model has no {method}; it has {', '.join(self._outputs)}")
        answers = []
        for start in range(0, len(rows.cells), _ROWS_AT_ONCE):
            columns = self._read(rows, start, start + _ROWS_AT_ONCE)
            feeds = {block["name"]: self._fed(block, columns, start) for block in self._blocks}
            answers.append(self._asked(output, feeds, start))
        return np.concatenate(answers) if answers else np.zeros(0, dtype=output["dtype"])

    def _asked(self, output: Mapping[str, Any], feeds: Mapping[str, np.ndarray], start: int) -> np.ndarray:
        try:
            answer = np.asarray(self._session.run([output["name"]], dict(feeds))[0])
        except Exception as error:
            # A table that the graph looks into has no place for the value.
            if type(error).__name__ == "InvalidArgument":
                self._refuse_first(output, feeds, start)
            raise
        flat = answer.reshape(-1) if output["flat"] and answer.ndim > 1 else answer
        return flat if flat.dtype == output["dtype"] else flat.astype(output["dtype"])

    def _refuse_first(self, output: Mapping[str, Any], feeds: Mapping[str, np.ndarray], start: int) -> None:
        """Find the first row that the graph refuses, and say so."""
        count = len(next(iter(feeds.values())))
        if count == 1:
            raise Refused(
                f"row {start}: the model refuses a value; a category that it was not fitted on, most likely"
            ) from None
        for begin, end in ((0, count // 2), (count // 2, count)):
            self._asked(output, {name: feed[begin:end] for name, feed in feeds.items()}, start + begin)

    def _read(self, rows: Rows, start: int, stop: int) -> dict[str | int, np.ndarray]:
        """The columns that the model takes, of the rows from *start* to *stop*."""
        places = self._places(rows)
        cells = rows.cells[start:stop]
        width = len(rows.names) if rows.names is not None else None
        for number, row in enumerate(cells):
            if width is not None and len(row) != width:
                raise Refused(f"row {start + number}: expected {width} cells, got {len(row)}")
            if width is None and (len(row) < len(places) or (self._is_tensor and len(row) > len(places))):
                raise Refused(f"row {start + number}: expected {len(places)} values, got {len(row)}")
        return {
            column.name: _values(column, [row[place] for row in cells], start, is_text=rows.is_text)
            for column, place in zip(self._columns, places, strict=True)
        }

    def _places(self, rows: Rows) -> list[int]:
        """Where the columns of the model are among those of *rows*: by name, or one after another."""
        if rows.names is None or self._is_tensor:
            if rows.names is not None and len(rows.names) != len(self._columns):
                raise Refused(f"expected {len(self._columns)} columns, got {len(rows.names)}")
            return list(range(len(self._columns)))
        where: dict[str, int] = {}
        for place, name in enumerate(rows.names):
            if name in where:
                raise Refused(f"column {name!r}: expected once, got twice")
            where[name] = place
        if all(isinstance(column.name, int) for column in self._columns):
            if len(rows.names) < len(self._columns):
                raise Refused(f"expected {len(self._columns)} columns, got {len(rows.names)}")
            return list(range(len(self._columns)))
        for column in self._columns:
            if str(column.name) not in where:
                raise Refused(f"column {column.name!r}: expected {column.kind}, got no such column")
        return [where[str(column.name)] for column in self._columns]

    def _fed(
        self, block: Mapping[str, Any], columns: Mapping[str | int, np.ndarray], start: int
    ) -> np.ndarray:
        """One input of the graph, within what the model was compared for."""
        names: list[str | int] = block["columns"]
        rows = len(next(iter(columns.values())))
        if block["dtype"] == "str":
            words = np.empty((rows, len(names)), dtype=object)
            for place, name in enumerate(names):
                words[:, place] = [_MISSING_WORD if word is None else word for word in columns[name]]
            self._hold(words == _MISSING_WORD, words, names, start, ("refuses_missing", "unknown_missing"))
            return words
        with np.errstate(over="ignore"):
            numbers = np.empty((rows, len(names)), dtype=block["dtype"])
            for place, name in enumerate(names):
                column = columns[name]
                numbers[:, place] = (
                    np.ma.filled(column.astype(block["dtype"]), np.nan)
                    if isinstance(column, np.ma.MaskedArray)
                    else column
                )
        self._hold(np.isnan(numbers), numbers, names, start, ("refuses_missing",))
        self._hold(np.isinf(numbers), numbers, names, start, ("refuses_infinite",))
        limit = self._told["domain"]["limit"]
        if limit is not None:
            beyond = (np.abs(numbers) > limit) & ~np.isinf(numbers)
            if beyond.any():
                row, place = (int(one) for one in np.argwhere(beyond)[0])
                told = repr(float(numbers[row, place]))
                raise Refused(
                    f"row {start + row}, column {names[place]!r}: expected a number up to {limit:g}, beyond "
                    f"which this form of the model was not compared, got {told}"
                )
        return numbers

    def _hold(
        self,
        wrong: np.ndarray,
        values: np.ndarray,
        names: Sequence[str | int],
        start: int,
        keys: tuple[str, ...],
    ) -> None:
        for key in keys:
            for place, name in enumerate(names):
                if name in self._told["domain"][key] and wrong[:, place].any():
                    row = int(np.argmax(wrong[:, place]))
                    found = values[row, place]
                    got = (
                        "a missing value" if found == _MISSING_WORD or found != found else repr(float(found))
                    )
                    raise Refused(
                        f"row {start + row}, column {name!r}: expected what the model takes, got {got}"
                    )


def _whole(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The files *names*, after all files of *folder* that SHA256SUMS names were held against it."""
    listed: dict[str, str] = {}
    try:
        for line in (folder / SUMS).read_text(encoding="ascii").splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
    except (OSError, ValueError):
        raise Refused(f"{folder / SUMS} cannot be read") from None
    held: dict[str, bytes] = {}
    for name, digest in listed.items():
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise Refused(f"{SUMS} names {name!r}, which is no file of this folder")
        path = folder / name
        if name not in names and not path.exists():
            continue  # a device may do without the header and the certificate
        try:
            content = path.read_bytes()
        except OSError:
            raise Refused(f"{path} cannot be read") from None
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise Refused(f"{name} was changed: expected sha256 {digest}, got {found}; copy the bundle again")
        if name in names:
            held[name] = content
    if lacking := [name for name in names if name not in held]:
        raise Refused(f"{SUMS} does not name {', '.join(lacking)}")
    return held


def _values(column: _Column, cells: Sequence[Any], start: int, *, is_text: bool) -> np.ndarray:
    """*cells* as *column* takes them: numbers in its dtype, masked where missing; words, or None."""
    values: list[Any] = []
    missing = np.zeros(len(cells), dtype=bool)
    read = _READERS[column.kind]
    for number, cell in enumerate(cells):
        if is_text and isinstance(cell, str) and column.kind != "string":
            cell = cell.strip()
        if _is_missing(cell, column, is_text=is_text):
            if not column.missing:
                column.refuse(start + number, column.kind, "a missing value")
            missing[number] = True
            values.append(None)
        elif cell is _ABSENT:
            column.refuse(start + number, column.kind, "nothing (the name is absent)")
        else:
            values.append(read(column, start + number, cell, is_text))
    if column.kind == "string":
        words = np.empty(len(values), dtype=object)
        words[:] = values
        return words
    if column.kind in ("float", "double"):
        return np.array([math.nan if one is None else one for one in values], dtype=_DTYPES[column.kind])
    plain = np.array([0 if one is None else one for one in values], dtype=_DTYPES[column.kind])
    return np.ma.MaskedArray(plain, mask=missing) if not column.required else plain


def _is_missing(cell: Any, column: _Column, *, is_text: bool) -> bool:
    if cell is None:
        return True
    if not is_text:
        return False
    if column.kind in ("float", "double"):
        return bool(cell == "" or cell.lower() == "nan")
    # CSV has one word for the empty text and for nothing; a required column holds no nothing.
    return bool(cell == "" and not (column.kind == "string" and column.required))


def _boolean(column: _Column, row: int, cell: Any, is_text: bool) -> bool:
    if isinstance(cell, bool):
        return cell
    if not (is_text and cell in _TRUTHS):
        column.refuse(row, "boolean", _told(cell))
    return _TRUTHS[cell]


def _integer(column: _Column, row: int, cell: Any, is_text: bool) -> int:
    number: int | None = None
    if isinstance(cell, int) and not isinstance(cell, bool):
        number = cell
    elif isinstance(cell, float) and math.isfinite(cell) and cell.is_integer():
        number = int(cell)
    elif is_text and isinstance(cell, str) and len(cell) <= _LONGEST_NUMBER:
        number = _whole_number(cell)
    low, high = _BOUNDS[column.kind]
    if number is None:
        column.refuse(row, column.kind, _told(cell))
    if not low <= number <= high:
        column.refuse(row, f"{column.kind} ({low} to {high})", _told(cell))
    return number


def _whole_number(text: str) -> int | None:
    if _DIGITS.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text):
        return None
    value = Decimal(text)
    # 1e999999999 is a short text and an endless number.
    return int(value) if value.adjusted() <= 20 and value == value.to_integral_value() else None


def _real(column: _Column, row: int, cell: Any, is_text: bool) -> float:
    if is_text and isinstance(cell, str) and len(cell) <= _LONGEST_NUMBER:
        if _DIGITS.fullmatch(cell):
            cell = int(cell)
        elif _INFINITY.fullmatch(cell):
            return float(cell)
        elif _DECIMAL.fullmatch(cell) and math.isfinite(float(cell)):
            cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        column.refuse(row, column.kind, _told(cell))
    try:
        near = float(cell)
    except OverflowError:
        near = math.inf
    if column.kind == "float":
        with np.errstate(over="ignore"):
            near = float(np.float32(near))
    if not math.isfinite(near) or (isinstance(cell, int) and int(near) != cell):
        column.refuse(row, f"a number that {column.kind} can hold exactly", _told(cell))
    return near


def _word(column: _Column, row: int, cell: Any, is_text: bool) -> str:
    del is_text
    if not isinstance(cell, str):
        column.refuse(row, "string", _told(cell))
    if any("\ud800" <= one <= "\udfff" for one in cell):
        column.refuse(row, "text", "half a surrogate pair, which is no character")
    return cell


_READERS: Mapping[str, Any] = {
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _real,
    "double": _real,
    "string": _word,
}


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_json(answers: np.ndarray) -> str:
    """``{"predictions": …}``. Raises Refused for numbers that JSON has not."""
    try:
        return json.dumps({"predictions": answers.tolist()}, allow_nan=False, ensure_ascii=False) + "\n"
    except ValueError:
        raise Refused("an answer is NaN or infinite, which JSON cannot say; write CSV") from None


def as_csv(answers: np.ndarray, method: str, classes: Sequence[str]) -> str:
    """A line of names, then a line for each answer; floats so that they read back the same."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([method] if answers.ndim == 1 else [f"{method}_{one}" for one in classes])
    lines.writerows([one] if answers.ndim == 1 else one for one in answers.tolist())
    return text.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: 0 done, 1 refused with one line on stderr, 2 wrong usage."""
    given = _parser().parse_args(arguments)
    try:
        _answer(given, Model(given.bundle, threads=given.threads))
    except (Refused, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def _answer(given: argparse.Namespace, model: Model) -> None:
    method = given.method or model.methods[0]
    if method not in model.methods:
        raise Refused(f"this model has no {method}; it has {', '.join(model.methods)}")
    if given.check:
        sys.stdout.write(f"Every file is as it was written. Methods: {', '.join(model.methods)}.\n")
        return
    if method not in model.certified:
        sys.stderr.write(f"Warning: {method} is not certified to answer as the model does.\n")
    text = _input(given.input)
    is_csv = _is_csv(given.input_format, given.input, text)
    answers = model.predict(read_csv(text) if is_csv else read_json(text), method)
    as_table = _is_csv(given.output_format, given.output, "a" if is_csv else "{")
    width = answers.shape[1] if answers.ndim > 1 else 0
    _write(given.output, as_csv(answers, method, model.classes(width)) if as_table else as_json(answers))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Ask the ONNX model of this bundle.")
    parser.add_argument(
        "input", nargs="?", default="-", help="a CSV or JSON file; - reads the standard input"
    )
    parser.add_argument(
        "-o", "--output", default="-", help="where the predictions go; - is the standard output"
    )
    parser.add_argument("--method", default="", help="what to ask; by default the first that there is")
    parser.add_argument("--input-format", choices=("csv", "json"), help="by default by the name, or the text")
    parser.add_argument(
        "--output-format", choices=("csv", "json"), help="by default by the name, or as the input"
    )
    parser.add_argument("--threads", type=int, default=1, help="for one call (default: 1)")
    parser.add_argument("--check", action="store_true", help="hold the files against SHA256SUMS, and stop")
    parser.add_argument(
        "--bundle", type=Path, help="the folder of the bundle; by default where this file lies"
    )
    return parser


def _input(name: str) -> str:
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"the input is not UTF-8: byte {error.start} fits no character") from None


def _is_csv(asked: str | None, name: str, text: str) -> bool:
    if asked is not None:
        return asked == "csv"
    if name.lower().endswith((".csv", ".json")):
        return name.lower().endswith(".csv")
    return not text.lstrip().startswith(("{", "["))


def _write(name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    # Whole, or not at all.
    part = Path(f"{name}.part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(name)


if __name__ == "__main__":
    sys.exit(main())
