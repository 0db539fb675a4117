"""What OpenTelemetry says in the log: seldom, in few words, and without secrets."""

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping

from modelpack.cli.doctor.variables import scrubbed, secrets
from modelpack.errors import shorten

_THEIRS = ("opentelemetry", "urllib3", "requests")
_FRESH_SECONDS = 60.0
_MOST_KINDS = 256


class Hushed(logging.Filter):
    """For a handler: of OpenTelemetry's records one of a kind in a minute, without any of *secrets*.

    A collector that does not answer would be news every few seconds, and each time with a traceback. The
    next record of a kind tells how many there were in between.
    """

    def __init__(self, secrets: Iterable[str], *, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._seconds = seconds
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* may be seen; what is theirs is made short."""
        if record.name.partition(".")[0] not in _THEIRS:
            return True
        kind, now = (record.name, record.levelno, str(record.msg)[:200]), self._seconds()
        told, unsaid = self._kinds.get(kind, (now - _FRESH_SECONDS, 0))
        if now - told < _FRESH_SECONDS:
            self._kinds[kind] = told, unsaid + 1
            return False
        if kind not in self._kinds and not self._has_room(now):
            return False
        self._kinds[kind] = now, 0
        words = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            words = f"{words} {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        record.msg, record.args = shorten(self.scrub(words)), ()
        record.exc_info = record.exc_text = None
        if unsaid:
            record.unsaid = unsaid
        return True

    def _has_room(self, now: float) -> bool:
        """Whether one more kind can be kept in mind; old ones are forgotten for it."""
        if len(self._kinds) >= _MOST_KINDS:
            fresh = {kind: known for kind, known in self._kinds.items() if now - known[0] < _FRESH_SECONDS}
            self._kinds = fresh
        return len(self._kinds) < _MOST_KINDS

    def scrub(self, text: str) -> str:
        """*text* without a secret, and without passwords and queries of addresses."""
        return re.sub(r"\?\S*", "?…", re.sub(r"//[^\s/]*@", "//…@", scrubbed(text, self._secrets)))


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Every text in OpenTelemetry's variables that must not be shown: passwords, headers and their parts."""
    return secrets({name: value for name, value in environ.items() if name.startswith("OTEL_")})
