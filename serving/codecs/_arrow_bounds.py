"""How much an Arrow stream will hold once unpacked, told from its messages before they are read."""

import struct
from collections.abc import Iterator

from serving.codecs import _flatbuffers as flat
from serving.codecs._limits import Limits
from serving.errors import InvalidRequest

_INT32 = struct.Struct("<i")
_CONTINUES = -1
_MOST_MESSAGES = 10_000

_DICTIONARY, _BATCH = 2, 3
_IN_PLAIN = -1


def check_stream(body: bytes, limits: Limits) -> None:
    """Raise BodyTooLarge when *body* would be over *limits*; InvalidRequest for nonsense.

    The format is Arrow's IPC streaming format, version 5 of its metadata: each message tells the lengths of
    its buffers, and a packed buffer begins with its length unpacked, which the reader trusts and never
    exceeds. A buffer may be in use many times.
    """
    content = memoryview(body)
    size = cells = rows = 0
    for head, inside in _messages(content):
        batch = _batch(head)
        if batch is None:
            continue
        rows += _some(batch.long(0))
        cells += sum(_some(length) for length, _ in batch.pairs(1))
        packed = batch.table(3) is not None
        for offset, length in batch.pairs(2):
            size += _unpacked(inside, offset, length) if packed else _some(length)
        # A batch may have rows without any column.
        limits.check(size=size, cells=max(cells, rows))


def _messages(content: memoryview) -> Iterator[tuple[flat.Table, memoryview]]:
    place = count = 0
    while place < len(content):
        length = flat.read(_INT32, content, place)
        place += 4
        if length == _CONTINUES:
            length = flat.read(_INT32, content, place)
            place += 4
        if length == 0:
            if place != len(content):
                raise InvalidRequest(f"{len(content) - place} bytes stand behind the end of the Arrow stream")
            return
        count += 1
        if count > _MOST_MESSAGES:
            raise InvalidRequest(
                f"the Arrow stream has more than {_MOST_MESSAGES} messages; send larger batches"
            )
        start = place + length
        if length < 0 or start > len(content):
            raise InvalidRequest("the body is not Arrow: a message is cut off")
        head = flat.Table.root(content[place:start])
        place = start + head.long(3)
        if not start <= place <= len(content):
            raise InvalidRequest("the body is not Arrow: the data of a message is cut off")
        yield head, content[start:place]


def _batch(message: flat.Table) -> flat.Table | None:
    """The record batch in *message*, also that of a dictionary; None for a schema."""
    kind = message.byte(1)
    inner = message.table(2)
    if inner is None or kind not in (_DICTIONARY, _BATCH):
        return None
    return inner.table(1) if kind == _DICTIONARY else inner


def _some(count: int) -> int:
    if count < 0:
        raise InvalidRequest("the body is not Arrow: a length is below 0")
    return count


def _unpacked(inside: memoryview, offset: int, length: int) -> int:
    if length == 0:
        return 0
    told = flat.read(flat.INT64, inside, offset) if _some(length) else 0
    if told < _IN_PLAIN:
        raise InvalidRequest("the body is not Arrow: a packed buffer has no length")
    return length if told == _IN_PLAIN else told
