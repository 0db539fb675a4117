"""How much a Parquet file will hold once unpacked, told from its pages before they are read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serving.codecs import _thrift
from serving.codecs._limits import Limits
from serving.errors import InvalidRequest

_MOST_PAGES = 100_000

# What a value takes in memory; of texts the place in a dictionary, which is what they are read into.
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
_FIXED = "FIXED_LEN_BYTE_ARRAY"

# All but BIT_PACKED, which nobody has written for years, and DELTA_BYTE_ARRAY, where a value of one byte may
# stand for a megabyte that it shares with the one before.
_ENCODINGS = {0, 2, 3, 5, 6, 8, 9}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Where the pages of one column in one row group are."""

    start: int
    end: int
    cells: int
    width: int


def check_file(body: bytes, metadata: Any, columns: Iterable[int], limits: Limits) -> None:
    """Raise BodyTooLarge when the leaf *columns* of *body* would be over *limits*.

    *metadata* is pyarrow's FileMetaData of it. Each page tells its size unpacked, which the reader trusts and
    never exceeds; and how many values a column has stands in the metadata, for a page may say one value a
    million times. Raises InvalidRequest for nonsense.
    """
    columns = list(columns)
    size = cells = pages = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        for column in columns:
            chunk = _chunk(metadata, group, column)
            cells += max(0, chunk.cells, rows)
            size += max(0, chunk.cells, rows) * chunk.width
            place = chunk.start
            while place < chunk.end:
                page, head = _thrift.read_struct(body, place)
                inside, packed = _sizes(page)
                size += inside
                pages += 1
                place += head + packed
                limits.check(size=size, cells=cells)
                if pages > _MOST_PAGES:
                    raise InvalidRequest(
                        f"the Parquet file has more than {_MOST_PAGES} pages; write larger ones"
                    )
    limits.check(size=size, cells=max(cells, metadata.num_rows * max(1, len(columns))))


def _chunk(metadata: Any, group: int, column: int) -> _Chunk:
    facts = metadata.row_group(group).column(column)
    leaf = metadata.schema.column(column)
    if facts.file_path:
        raise InvalidRequest("the Parquet file refers to another file")
    start = facts.data_page_offset
    if facts.has_dictionary_page and 0 < facts.dictionary_page_offset < start:
        start = facts.dictionary_page_offset
    width = max(1, leaf.length) if facts.physical_type == _FIXED else _WIDTHS.get(facts.physical_type, 16)
    return _Chunk(start, start + facts.total_compressed_size, facts.num_values, width)


def _sizes(page: _thrift.Struct) -> tuple[int, int]:
    """The size of a page's content unpacked, and as it is; the fields are those of parquet.thrift."""
    inside, packed = page.get(2), page.get(3)
    if not isinstance(inside, int) or not isinstance(packed, int) or inside < 0 or packed < 0:
        raise InvalidRequest("the body is not Parquet: a page has no size")
    for number, encoding in ((5, 2), (7, 2), (8, 4)):
        described = page.get(number)
        if isinstance(described, dict) and described.get(encoding, 0) not in _ENCODINGS:
            raise InvalidRequest("a page of the Parquet file is encoded in a way that is not read here")
    return inside, packed
