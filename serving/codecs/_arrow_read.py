"""Arrow streams and Parquet files as tables of Arrow, checked before they are believed."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from modelpack.errors import shorten
from serving.codecs._arrow_bounds import check_stream
from serving.codecs._limits import Limits
from serving.codecs._parquet_bounds import check_file
from serving.errors import InvalidRequest

_MOST_LIST = 10_000
"""The longest list in the metadata of a Parquet file, and with it the most columns and the deepest schema."""

_LONGEST_TEXT = 1 << 20
_FILE_MAGIC = b"ARROW1"


def read_stream(body: bytes, wanted: Collection[str] | int | None, limits: Limits) -> pa.Table:
    """The columns of an Arrow stream: those named, or the first so many, or all.

    Raises BodyTooLarge when it is over *limits* unpacked, and InvalidRequest.
    """
    if body.startswith(_FILE_MAGIC):
        raise InvalidRequest("the body is an Arrow file; send Arrow's stream format")
    check_stream(body, limits)
    with refused("Arrow stream"):
        options = ipc.IpcReadOptions(use_threads=False)
        table = ipc.open_stream(pa.py_buffer(body), options=options).read_all()
        return checked(table.select(chosen(table.schema, wanted)))


def read_parquet(body: bytes, wanted: Collection[str] | int | None, limits: Limits) -> pa.Table:
    """The columns of a Parquet file: those named, or the first so many, or all.

    Raises BodyTooLarge when they are over *limits* unpacked, and InvalidRequest.
    """
    with refused("Parquet"):
        plan = Plan.of(open_parquet(pa.BufferReader(body)), wanted)
        check_file(body, plan.metadata, plan.leaves, limits)
        file = open_parquet(pa.BufferReader(body), plan.texts)
        return checked(file.read(columns=plan.names, use_threads=False).select(plan.names))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read of a Parquet file: the columns *names*, which are the *leaves* of its schema.

    *texts* are read as dictionaries: one that stands in every row is then kept once.
    """

    metadata: Any
    names: list[str]
    leaves: list[int]
    texts: list[str]

    @classmethod
    def of(cls, file: parquet.ParquetFile, wanted: Collection[str] | int | None) -> "Plan":
        """For the *wanted* columns of *file*: those named, or the first so many, or all."""
        names = [file.schema_arrow.names[place] for place in chosen(file.schema_arrow, wanted)]
        leaves = [file.schema.column(number) for number in range(len(file.schema.names))]
        numbers = [number for number, leaf in enumerate(leaves) if _top(leaf.path, set(names))]
        texts = [leaves[number].path for number in numbers if leaves[number].physical_type == "BYTE_ARRAY"]
        return cls(file.metadata, names, numbers, texts)


def open_parquet(source: pa.NativeFile, dictionaries: Collection[str] = ()) -> parquet.ParquetFile:
    """The Parquet file *source*, whose columns *dictionaries* are read as such."""
    return parquet.ParquetFile(
        source,
        read_dictionary=list(dictionaries),
        thrift_string_size_limit=_LONGEST_TEXT,
        thrift_container_size_limit=_MOST_LIST,
        pre_buffer=False,
    )


def _top(path: str, names: Collection[str]) -> bool:
    """Whether the leaf *path* belongs to one of the columns *names*, whose names may have dots in them."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def chosen(schema: pa.Schema, wanted: Collection[str] | int | None) -> list[int]:
    """The places in *schema* of the *wanted* columns: those named, or the first so many, or all."""
    if wanted is None:
        return list(range(len(schema)))
    if isinstance(wanted, int):
        return list(range(min(wanted, len(schema))))
    return [place for place, name in enumerate(schema.names) if name in wanted]


def checked(table: pa.Table) -> pa.Table:
    """*table*, whose offsets, indices and UTF-8 are right: a body may say anything, and Arrow goes by it."""
    table.validate(full=True)
    return table


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Whatever Arrow says of a body is the caller's to hear, in short."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not {what}: {shorten(str(error), 160)}") from None
