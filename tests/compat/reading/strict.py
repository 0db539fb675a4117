"""The closed list of where our ``/invocations`` answers otherwise than MLflow 3.17's, with the reasons."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from serving.settings import Coerce
from tests.compat.reading.asking import Reply

MODES: tuple[Coerce, ...] = ("lossless", "mlflow")
LOSSLESS: tuple[Coerce, ...] = ("lossless",)
LENIENT: tuple[Coerce, ...] = ("mlflow",)


@dataclass(frozen=True)
class Case:
    """A difference that is meant: MLflow answers *bodies* for *models* with *theirs*, and ours with *ours*.

    Names are patterns. Where both answer, *but* makes MLflow's value into ours; without it any other value
    is covered. *modes* are those in which it is seen.
    """

    name: str
    reason: str
    bodies: tuple[str, ...]
    theirs: int
    ours: tuple[int, ...]
    models: tuple[str, ...] = ("*",)
    modes: tuple[Coerce, ...] = MODES
    but: Callable[[Any], Any] | None = None

    def covers(self, model: str, body: str, mode: Coerce, theirs: Reply, ours: Reply) -> bool:
        """Whether this is the difference between the two."""
        if mode not in self.modes or theirs.status != self.theirs or ours.status not in self.ours:
            return False
        if not (_one_of(model, self.models) and _one_of(body, self.bodies)):
            return False
        if self.but is None or ours.status != theirs.status:
            return True
        return Reply(theirs.status, self.but(theirs.value)).text == ours.text


def case_of(model: str, body: str, mode: Coerce, theirs: Reply, ours: Reply) -> Case | None:
    """The first case that covers the difference, if there is one."""
    return next((case for case in CASES if case.covers(model, body, mode, theirs, ours)), None)


def _one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    if isinstance(value, dict):
        return {key: _each(one, change) for key, one in value.items()}
    return change(value)


def _missing(value: Any) -> Any:
    """NaN, the infinities and NaT as null."""
    return _each(value, lambda one: None if one == "NaT" or _is_no_number(one) else one)


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _one_line(value: Any) -> Any:
    return _each(value, lambda one: one.replace("\n", "") if isinstance(one, str) else one)


_BY_INPUTS = ("inputs by column", "inputs of objects", "instances of objects", "one row as inputs")
_FRAMES = ("dataframe_*", "CSV", "inputs by column", "inputs of objects", "instances of objects")

CASES: tuple[Case, ...] = (
    # What is answered.
    Case("missing in an answer", "NaN, infinities and `NaT` are null: MLflow's bare `NaN` is no JSON",
         ("*",), 200, (200,), but=_missing),
    Case("bytes in an answer", "base64 on one line; MLflow breaks lines, and ends with one",
         ("an answer: bytes",), 200, (200,), but=_one_line),
    Case("times in an array", "ISO 8601 text, as in a frame; MLflow writes nanoseconds",
         ("an answer: moments-array",), 200, (200,)),
    Case("texts for a vectorizer", "gets the texts; MLflow hands it a frame, whose column names it reads",
         _FRAMES, 200, (200,), models=("sklearn-words",)),
    Case("ONNX, several values a row", "answered as arrays; MLflow flattens them into rows that are none",
         (*_FRAMES, "an array as *"), 200, (200,), models=("onnx-wide", "onnx-unsigned")),
    # What is refused, or taken, whatever the model is.
    Case("a key twice", "which of the two is meant nobody knows", ("a key twice",), 200, (400,)),
    Case("capitals in the media type", "media types have no case (RFC 9110)",
         ("capitals in the media type",), 415, (200,)),
    Case("no media type", "415; MLflow fails with 500", ("no media type",), 500, (415,)),
    Case("NaN and Infinity in a body", "are no JSON",
         ("*: NaN", "*: Infinity", "an array with NaN"), 200, (400,)),
    Case("params as a list", "params have names; MLflow drops the list",
         ("params as a list",), 200, (400,)),
    Case("an unknown param", "would be dropped without a word",
         ("an unknown param",), 200, (400,), modes=LOSSLESS),
    # Tables.
    Case("rows of unequal length", "a cell is lost, nobody knows which; MLflow fills up with missing ones",
         ("a row too short", "CSV with a row too short"), 200, (400,)),
    Case("an index of another length", "a sign of a broken sender; MLflow repeats the row",
         ("an index too short",), 200, (400,)),
    Case("a name twice", "which column is meant nobody knows", ("a name twice",), 200, (400,)),
    Case("records of unequal keys, without a signature", "nothing says which keys there should be",
         ("a record with a cell more", "a record without its first cell"), 200, (400,),
         models=("*-unsigned*",)),
    Case("a record without a required cell", "required is required; MLflow reads it as missing",
         ("a record without its first cell",), 200, (400,), modes=LOSSLESS),
    Case("no rows", "are answered by no predictions; MLflow misses the columns, or their types",
         ("no records", "CSV without rows", "an empty array"), 400, (200,)),
    Case("no rows, without a signature", "an empty list is an array; for MLflow it is a list",
         ("an empty array",), 200, (200,), models=("python-unsigned-array",)),
    Case("rows without a known column", "stay that many rows; MLflow loses their number",
         ("no names of columns", "rows as *"), 200, (200,), models=("python-optional",)),
    Case("unnamed columns by inputs", "the names `0`, `1` are their positions",
         ("inputs by column", "inputs of objects"), 400, (200,), models=("sklearn-unnamed",)),
    Case("an array for a booster with names", "its columns are the booster's, in order",
         ("rows as *",), 400, (200,), models=("xgboost-booster-unsigned",)),
    Case("binary by inputs", "base64 as everywhere; MLflow hands the model the text itself",
         _BY_INPUTS, 200, (200,), models=("python-cells",)),
    Case("null in a text by inputs", "is missing; MLflow makes it the text `None`",
         _BY_INPUTS, 200, (200,), models=("python-optional",)),
    Case("instances of mixed cells", "each stays what it is; MLflow makes texts of them, or refuses lists",
         ("instances of objects",), 200, (200,), models=("python-map",)),
    Case("instances with lists and objects", "are rows; MLflow turns them into columns first, and refuses",
         ("instances of objects",), 400, (200,), models=("python-composite",)),
    Case("one row with an object in it", "is a row; MLflow takes the object for columns",
         ("one row as inputs",), 400, (200,), models=("python-map",)),
    # Cells.
    Case("fractions for whole numbers", "MLflow cuts 1.5 to 1", ("integer: 1.5", "long: 1.5"), 200, (400,)),
    Case("numbers out of range", "MLflow wraps 3000000000 around, and makes 1e39 an infinity",
         ("integer: 3000000000", "long: beyond 64 bits", "float: 1e39", "an array with 1e39"), 200, (400,)),
    Case("numbers that lose digits", "2^53 + 1 is no double; MLflow rounds",
         ("double: 2^53 + 1", "float: 2^24 + 1"), 200, (400,), modes=LOSSLESS),
    Case("other kinds for a text", "MLflow hands them to the model as they are",
         ("string: 5", "string: 1.5", "string: true"), 200, (400,), modes=LOSSLESS),
    Case("numbers and texts for a boolean", "MLflow reads 2, and `\"false\"`, as true",
         ("boolean: 0", "boolean: 1", "boolean: 2", "boolean: * in quotes"), 200, (400,), modes=LOSSLESS),
    Case("text for a number", "MLflow reads what stands in quotes",
         ("*: * in quotes", "an array with a number in quotes"), 200, (400,), modes=LOSSLESS),
    Case("true for a number", "MLflow reads it as 1",
         ("*: true", "an array with true"), 200, (400,), modes=LOSSLESS),
    Case("a list for a boolean", "MLflow reads it as true", ("boolean: a list",), 200, (400,)),
    Case("null where a value is required", "required is required",
         ("string: null", "boolean: null", "datetime: null"), 200, (400,), modes=LOSSLESS),
    Case("a missing boolean", "is pandas' NA, and stays it; MLflow's None is turned into true by `~`",
         ("boolean: null", "a record without its first cell"), 200, (200,), models=("python-cells",),
         modes=LENIENT),
    Case("broken base64", "MLflow decodes what it can", ("binary: no base64",), 200, (400,), modes=LOSSLESS),
    Case("dates and zones", "any ISO 8601, moved to UTC; MLflow refuses zones, and cells of unequal form",
         ("datetime: Z", "datetime: a date", "datetime: a zone"), 400, (200,)),
    Case("a number for a time", "its unit nobody knows; MLflow counts nanoseconds",
         ("datetime: a number",), 200, (400,), modes=LOSSLESS),
    Case("an empty text for a time", "is no time", ("datetime: an empty text",), 200, (400,)),
    Case("times in CSV", "are read; MLflow refuses every CSV for a model that takes times",
         ("CSV", "CSV in another order", "CSV with a column *"), 400, (200,), models=("python-optional",)),
    Case("booleans in CSV", "1 and nothing are read, as in JSON",
         ("boolean in CSV: 1", "boolean in CSV: nothing"), 400, (200,), modes=LENIENT),
    # Arrays.
    Case("null in an array", "a tensor has no missing values; MLflow makes them NaN",
         ("an array with null", "a tensor with null", "inputs", "instances"), 200, (400,), modes=LOSSLESS),
    Case("an array as CSV", "its columns in order, as in split; MLflow misses the array's name",
         ("an array as CSV",), 400, (200,)),
    Case("mixed lists without a signature", "stay what they are; MLflow makes texts, or numbers, of all",
         ("an array with text", "an array with a number in quotes", "an array with true"), 200, (200, 400),
         models=("python-unsigned-array", "onnx-unsigned")),
    Case("other numbers for ONNX, without a signature", "are made the graph's, where that loses no kind",
         ("an array with null", "an array of whole numbers"), 400, (200,), models=("onnx-unsigned",)),
    # Whose fault it is.
    Case("what the model raises", "500, unless it is a ValueError or TypeError: not the caller's fault",
         ("*",), 400, (500,),
         models=("catboost-*-unsigned", "onnx-*unsigned*", "lightgbm-booster-unsigned", "python-code",
                 "python-answers")),
)  # fmt: skip
