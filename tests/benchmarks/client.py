"""A caller that knows the right answers."""

import http.client
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.benchmarks.protocols import Protocol

PATIENCE = 60.0
"""Seconds for one answer."""

_NEVER = {405, 411, 413, 415, 422}
"""A start is not waited for behind these; behind others it is, as with MLServer's 400 for "not ready yet"."""


class Failure(Exception):
    """A server that did not answer, or not rightly; the run does not count."""


@dataclass(frozen=True, slots=True)
class Question:
    """A body, and the right *labels* for its rows; None for a server that computes nothing."""

    body: bytes
    labels: list[Any] | None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens on this machine, and how it is spoken to."""

    port: int
    path: str
    protocol: Protocol

    def ask(self, connection: http.client.HTTPConnection, question: Question) -> None:
        """Post *question*; raises Failure when the answer is not 200 with its labels, or does not come."""
        try:
            status, answer = self._post(connection, question.body)
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"no answer: {type(error).__name__}: {error}") from None
        if status != 200:
            raise Failure(f"status {status}: {_shown(answer)}")
        self._compare(answer, question)

    def wait_for_first_answer(self, question: Question, *, seconds: float, died: Callable[[], bool]) -> None:
        """Until *question* is answered rightly for the first time; raises Failure after *seconds*."""
        deadline = time.monotonic() + seconds
        met = "no connection"
        while time.monotonic() < deadline:
            if died():
                raise Failure("it ended before it answered")
            try:
                with closing(self.connect()) as connection:
                    status, answer = self._post(connection, question.body)
            except (OSError, http.client.HTTPException) as error:
                met = f"{type(error).__name__}: {error}"
            else:
                if status == 200:
                    return self._compare(answer, question)
                met = f"status {status}: {_shown(answer)}"
                if status in _NEVER:
                    break
            time.sleep(0.01)
        raise Failure(f"no first answer; last met {met}")

    def check(self, questions: Sequence[Question], *, concurrency: int) -> None:
        """Ask every question at least once, *concurrency* at a time; raises Failure when an answer is wrong.

        At the same time, because that is when a server could give one caller's rows to another.
        """
        numbers = count()
        last = max(len(questions), concurrency)

        def ask_some() -> None:
            with closing(self.connect()) as connection:
                while (number := next(numbers)) < last:
                    self.ask(connection, questions[number % len(questions)])

        with ThreadPoolExecutor(concurrency) as pool:
            for asked in [pool.submit(ask_some) for _ in range(concurrency)]:
                asked.result()

    def connect(self) -> http.client.HTTPConnection:
        """A connection, opened on first use and kept after that."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, bytes]:
        connection.request("POST", self.path, body, {"Content-Type": self.protocol.media_type})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _compare(self, answer: bytes, question: Question) -> None:
        if question.labels is None:
            return
        try:
            labels = self.protocol.read(answer)
        except ValueError as error:
            raise Failure(f"not an answer: {error}: {_shown(answer)}") from None
        if labels != question.labels:
            wrong = sum(one != other for one, other in zip(labels, question.labels, strict=False))
            raise Failure(
                f"wrong answer: {len(labels)} labels for {len(question.labels)} rows, {wrong} of them wrong"
            )


def _shown(answer: bytes) -> str:
    return answer[:200].decode(errors="replace")
