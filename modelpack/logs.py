"""Lines for a pipe that may be slow, full or closed: nobody waits for it."""

import json
import logging
import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

WAITING_LINES = 10_000
"""How many lines may wait before new ones are dropped, and counted."""

_CLOSING_SECONDS = 1.0
_GATHERING_SECONDS = 0.005
_BATCH = 256


class Lines:
    """Writes lines to the descriptor *fd* in a thread of its own, which starts with the first line.

    What does not fit is dropped; how much was lost is the next line that gets through.
    """

    def __init__(self, fd: int, *, limit: int = WAITING_LINES) -> None:
        self._fd = fd
        self._limit = limit
        self._waiting: deque[object] = deque()
        self._news = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.dropped = 0

    def put(self, line: object) -> None:
        """Take *line*, whose text is one line without its end, or drop it. Never waits.

        The text is asked for when it is written.
        """
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            return
        self._waiting.append(line)
        if not self._news.is_set():
            self._news.set()
        if self._thread is None:
            self._start()

    def close(self, timeout: float = _CLOSING_SECONDS) -> None:
        """Give what is waiting *timeout* seconds to get out."""
        self._closing = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a pipe that nobody empties must not keep the process from ending.
                self._thread = threading.Thread(target=self._write, name="lines", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        told = 0
        while not (self._closing and not self._waiting):
            self._news.wait()
            if not self._closing:
                # Lines come in crowds; waking for each of them would take the processor from requests.
                time.sleep(_GATHERING_SECONDS)
            self._news.clear()
            lines = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
            if self._waiting:
                self._news.set()
            told = self._write_lines(lines, told)

    def _write_lines(self, lines: list[object], told: int) -> int:
        """Write *lines*; answers how many lost ones the reader knows of by now."""
        lost = self.dropped
        if lost > told:
            lines.append(as_line({"event": "lines dropped", "count": lost - told}))
        try:
            _write_all(self._fd, "".join(f"{line}\n" for line in lines).encode())
        except OSError:
            # The reader has gone for good. Going on costs little, and a new one may open the pipe.
            self.dropped += len(lines)
            return told
        return lost


def _write_all(fd: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            select.select([], [fd], [])


_encode = json.JSONEncoder(default=repr, separators=(",", ":")).encode


def as_line(facts: Mapping[str, Any] | str) -> str:
    """*facts* as one line of JSON in plain ASCII; every control character is escaped."""
    # JSON leaves DEL as it is, and some terminals act on it.
    return _encode(facts).replace("\x7f", "\\u007f")


_HARMLESS = re.compile(r"[A-Za-z0-9 ._~:/+=@-]*")


def quoted(text: str) -> str:
    """*text* as a JSON string in plain ASCII."""
    is_harmless = (text.isascii() and text.isalnum()) or _HARMLESS.fullmatch(text)
    return f'"{text}"' if is_harmless else as_line(text)


def now() -> str:
    """This instant in UTC, to the millisecond."""
    return instant(time.time())


def instant(seconds: float) -> str:
    """*seconds* since 1970 in UTC, to the millisecond."""
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON with its facts and, if it has one, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": now(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **{name: value for name, value in vars(record).items() if name not in _USUAL},
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return as_line(facts)


class Events(logging.Handler):
    """Hands log records to *lines*."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        try:
            self._lines.put(self.format(record))
        except Exception:  # noqa: BLE001 - what logging asks of a handler: an event must not end a request
            self.handleError(record)


def send_events_to(lines: Lines) -> None:
    """From now on all of this process's log records and warnings go to *lines*."""
    root = logging.getLogger()
    root.handlers[:] = [Events(lines)]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
