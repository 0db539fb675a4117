"""Points in time as nanoseconds since 1970, UTC, without loss."""

import re
from datetime import UTC, date, datetime, time

import numpy as np

_ISO_8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 10**9
_LATEST = 2**63 - 1


def from_text(text: str) -> int | None:
    """The moment that an ISO 8601 *text* names; None when it is none, or outside the years 1677 to 2262.

    Without an offset it is taken as it stands; with one it is moved to UTC.
    """
    found = _ISO_8601.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups(default="")
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    shift = _offset(offset)
    if shift is None:
        return None
    return _within(_nanoseconds(moment) + int(fraction.ljust(9, "0") or 0) - shift * _SECOND)


def from_date(value: date) -> int | None:
    """The moment of a ``datetime`` (moved to UTC when it knows its zone) or of the start of a ``date``.

    None when it is outside the years 1677 to 2262. The nanoseconds of a pandas Timestamp are kept.
    """
    if not isinstance(value, datetime):
        return _within(_nanoseconds(datetime.combine(value, time(), UTC)))
    fine = int(getattr(value, "nanosecond", 0))
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    whole = datetime(
        aware.year, aware.month, aware.day, aware.hour, aware.minute, aware.second, aware.microsecond, UTC
    )
    # Not astimezone(): it would step over the year 1 or 9999, and lose a Timestamp's nanoseconds.
    shift = aware.utcoffset()
    behind = (
        0 if shift is None else (shift.days * 86400 + shift.seconds) * _SECOND + shift.microseconds * 1000
    )
    return _within(_nanoseconds(whole) + fine - behind)


def from_numpy(values: np.ndarray) -> np.ndarray | None:
    """*values* of any ``datetime64`` unit as ``datetime64[ns]``, NaT kept; None when one does not fit."""
    if np.datetime_data(values.dtype)[0] == "generic":
        return values.astype("datetime64[ns]") if bool(np.isnat(values).all()) else None
    try:
        fine = values.astype("datetime64[ns]")
        # numpy wraps what is out of range, and cuts what is finer: going back tells.
        same = (fine.astype(values.dtype) == values) | (np.isnat(values) & np.isnat(fine))
    except (OverflowError, ValueError):
        return None
    return fine if bool(same.all()) and bool(_is_near(values).all()) else None


def _is_near(values: np.ndarray) -> np.ndarray:
    if np.datetime_data(values.dtype)[0] in ("ps", "fs", "as"):
        # 64 bits of them last a few months, and numpy cannot count them in years.
        return np.ones(values.shape, dtype=bool)
    # A wrap can come back to where it was; the year cannot lie by that much.
    years = values.astype("datetime64[Y]").astype(np.int64)
    near: np.ndarray = np.isnat(values) | ((years >= 1677 - 1970) & (years <= 2262 - 1970))
    return near


def _nanoseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * _SECOND + since.microseconds * 1000


def _within(nanoseconds: int) -> int | None:
    # The lowest number means NaT.
    return nanoseconds if -_LATEST <= nanoseconds <= _LATEST else None


def _offset(text: str) -> int | None:
    """Seconds east of UTC."""
    if text in ("", "Z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    seconds = hours * 3600 + minutes * 60
    return -seconds if text[0] == "-" else seconds
