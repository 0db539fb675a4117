"""Values as people read them: times, spans, sizes, numbers, and text that anyone may have written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from modelpack.errors import shorten

_UNITS: Final = (
    ("year", 31_557_600_000),
    ("month", 2_629_800_000),
    ("day", 86_400_000),
    ("hour", 3_600_000),
    ("minute", 60_000),
)
MOST_PAIRS: Final = 300
"""Params or tags that a page tells of."""
DASH: Final = "\u2013"
"""Stands where there is nothing."""
_LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_VISIBLE: Final = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
    # They let "exe.gnp" be read as a picture.
    | {code: f"\\u{code:x}" for code in (0x202D, 0x202E)}
)
"""What can be seen, for characters that nobody sees, or that turn others about."""


def visible(value: object) -> str:
    """*value* as text in which nothing hides: control characters and overrides of direction are shown."""
    return str(value).translate(_VISIBLE)


def segment(text: object) -> str:
    """*text* as one segment of an address."""
    return quote(str(text), safe="")


def segments(path: object) -> str:
    """*path*, whose parts are segments of an address."""
    return quote(str(path), safe="/")


def when(moment: int | None, now: int) -> Markup:
    """*moment*, in milliseconds since 1970, as ``3 hours ago``, with the date and time on it; or a dash."""
    if not moment:
        return Markup('<span class="none">{}</span>').format(DASH)
    at = datetime.fromtimestamp(min(max(moment, 0), _LATEST) / 1000, UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M:%S"), _ago(now - moment)
    )


def _ago(passed: int) -> str:
    for unit, length in _UNITS:
        count = abs(passed) // length
        if count:
            told = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{told} ago" if passed > 0 else f"in {told}"
    return "just now"


def lasting(begun: int, ended: int | None) -> str:
    """How long it took: ``1.2 s``, ``3 min 4 s``, ``2 h 5 min``; a dash where it has not ended."""
    if ended is None or ended < begun:
        return DASH
    seconds = (ended - begun) / 1000
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size(count: float | None) -> str:
    """Bytes: ``1.5 MiB``; nothing for what has no size."""
    if count is None:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def text(value: object, longest: int = 300) -> Markup:
    """*value* as text that nobody here wrote: on its own as to the direction of writing, and not too long.

    What is cut, up to a point, is told when one points at it.
    """
    whole = visible(value)
    if len(whole) <= longest:
        return Markup("<bdi>{}</bdi>").format(whole)
    return Markup('<bdi title="{}">{}…</bdi>').format(shorten(whole, 600), whole[: longest - 1])


def short(identifier: object) -> str:
    """The first digits of an id or a digest, as many as people compare."""
    return str(identifier).removeprefix("sha256:")[:10]


def lines(value: object, longest: int = 4_000) -> Markup:
    """*value* with its lines, as it was written."""
    whole = visible(value)
    cut = whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
    return Markup('<div class="prose"><bdi>{}</bdi></div>').format(escape(cut))


@dataclass(frozen=True, slots=True)
class Told:
    """Pairs in their order, and how many *more* there are than a page tells of."""

    pairs: Sequence[tuple[str, str]]
    more: int

    @classmethod
    def of(cls, pairs: Mapping[str, str]) -> "Told":
        """*pairs* by key."""
        return cls(sorted(pairs.items())[:MOST_PAIRS], max(0, len(pairs) - MOST_PAIRS))
