"""What a model answers, part by part, as a file of one of the kinds, or on standard output."""

import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from modelpack.errors import ModelpackError, StoreUnavailable, shorten
from modelpack.files import replacing
from modelpack.schema import Schema
from serving._rows import has_rows
from serving.codecs._encode import encode
from serving.errors import UnencodableResult
from serving.scoring import csv_text
from serving.scoring.kinds import COLUMNAR, Kind
from serving.scoring.parts import columns_module
from serving.scoring.reading import STANDARD

_SPOOLED = 64 << 20
"""Bytes of an answer that wait in memory before they go to standard output; more wait in a file."""

_HEAD, _TAIL = b'{"predictions":[', b"]}"


class Sheet(Protocol):
    """Writes parts of one answer, one after another."""

    def add(self, result: Any) -> None:
        """Write *result*; raises UnencodableResult."""

    def close(self) -> None:
        """Write what comes last."""


class Answers:
    """The answer of a model to the parts of its input."""

    def __init__(self, file: BinaryIO, kind: Kind) -> None:
        self._file, self._kind = file, kind
        self._sheet: Sheet | None = None
        self._is_only = True

    def begin(self, outputs: Schema | None, *, parts: int) -> None:
        """The model promises *outputs*, and is asked in so many parts: 2 stands for more."""
        self._is_only = parts == 1
        if self._kind.format in COLUMNAR:
            self._sheet = columns_module().sheet(self._file, outputs, self._kind)
        elif self._kind.format == "csv":
            self._sheet = csv_text.CsvSheet(self._file, outputs)
        else:
            self._sheet = _Whole(self._file) if self._is_only else _Listed(self._file)

    def add(self, result: Any, rows: int) -> None:
        """Write what the model said to so many *rows*. Raises UnencodableResult."""
        if not self._is_only and not has_rows(result, rows):
            raise UnencodableResult(
                f"the model's answer to {rows} rows does not have {rows} rows: it cannot be asked in parts; "
                "--chunk-rows 0 asks for all of the file at once"
            )
        if self._sheet is not None:
            self._sheet.add(result)

    def close(self) -> None:
        """Write what comes last."""
        if self._sheet is not None:
            self._sheet.close()


class _Whole:
    """JSON as ``/invocations`` answers."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, result: Any) -> None:
        self._file.write(encode(result))

    def close(self) -> None:
        self._file.write(b"\n")


class _Listed:
    """The same, from several lists."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lead = _HEAD

    def add(self, result: Any) -> None:
        body = encode(result)
        if not body.startswith(_HEAD):
            raise UnencodableResult(
                "the model's answers to parts of the file cannot be put together in JSON: they are no lists; "
                "--chunk-rows 0 asks for all of it at once"
            )
        content = memoryview(body)[len(_HEAD) : -len(_TAIL)]
        if content:
            self._file.write(self._lead)
            self._file.write(content)
            self._lead = b","

    def close(self) -> None:
        self._file.write((_HEAD if self._lead == _HEAD else b"") + _TAIL + b"\n")


@contextmanager
def answers_to(target: str, kind: Kind) -> Iterator[Answers]:
    """What writes to the file *target*, whole or not at all. Raises StoreUnavailable where that fails."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(_standard() if target == STANDARD else replacing(Path(target)))
            if kind.packed:
                # No name and no time: the same answer is the same bytes.
                packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
                file = cast("BinaryIO", stack.enter_context(packed))
            answers = Answers(file, kind)
            try:
                yield answers
            except BaseException:
                # A writer of columns would speak up when it is forgotten while it is open.
                with suppress(OSError, ValueError):
                    answers.close()
                raise
            answers.close()
    except BrokenPipeError:
        raise
    except OSError as error:
        if isinstance(error, ModelpackError):
            raise
        where = "standard output" if target == STANDARD else shorten(target, 160)
        raise StoreUnavailable(f"{where} cannot be written: {error.strerror or error}") from error


@contextmanager
def _standard() -> Iterator[BinaryIO]:
    """A file whose content goes to standard output at the end of the block, if it ends well."""
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as file:
        yield cast("BinaryIO", file)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
