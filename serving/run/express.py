"""The short way of ordinary predictions: one read from the socket, the work, one write to it."""

import asyncio
import re
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from modelpack.logs import Lines
from serving import contract
from serving.codecs import Codec
from serving.dataplane import INLINE_BYTES, Answer, DataPlane, Question, Stage
from serving.errors import Leaving
from serving.metrics import UNREAD, place_of
from serving.middleware.access_log import Line, subject_of
from serving.middleware.answers import log_failure
from serving.middleware.request_id import new_request_id
from serving.middleware.state import Exchange, find_exchange
from serving.problems import problem_of
from serving.run.protocol import Protocol
from serving.tracing import Subject, Tracing

_NOTHING = nullcontext()

_LONGEST_HEAD = 2 << 10
_MOST_HEADS = 1024
_MOST_EARLY = 64 << 10
"""Bytes of a next request that are kept while one is being answered; then reading waits."""

_END = b"\r\n\r\n"
_TARGET = contract.INVOCATIONS.encode()
_ROUTE, _UNREAD = place_of(contract.INVOCATIONS), place_of(UNREAD)
_SUBJECT = subject_of("POST", contract.INVOCATIONS)
_UNUSUAL = frozenset(
    {
        b"connection",
        b"content-encoding",
        b"expect",
        b"transfer-encoding",
        b"upgrade",
        contract.REQUEST_ID.lower().encode(),
    }
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is known of a head: how long the body behind it is, which codec reads that, what is followed."""

    codec: Codec
    length: int
    subject: Subject | None = None


class Express:
    """The heads of requests that the application has answered, and the same answers without it.

    A caller sends the same head again and again. Once the application has answered a request (with 200, after
    all of its checks), another one whose head is the same in every byte needs none of them a second time. It
    goes straight to *plane*; whatever turns out not to be ordinary there goes to the application after all.
    """

    def __init__(self, plane: DataPlane, lines: Lines, tracing: Tracing | None = None) -> None:
        self.plane = plane
        self.tracing = tracing
        self._lines = lines
        self._tickets: dict[bytes, Ticket] = {}
        self._taken: list[tuple[ExpressProtocol, Question, Exchange]] = []
        self._defaults: Any = None
        self._default_text = b""

    @property
    def is_open(self) -> bool:
        """Whether all is as usual; on the way out every answer says more than that."""
        return self.plane.stage is Stage.SERVING

    def find(self, head: bytes) -> Ticket | None:
        """What is known of *head*."""
        ticket = self._tickets.get(head)
        return ticket if ticket is not None or self.tracing is None else self._find_followed(head)

    def _find_followed(self, head: bytes) -> Ticket | None:
        """The same of one with another context of a trace in it, which is another one each time."""
        rest, context = _parted(head)
        ticket = self._tickets.get(rest) if context else None
        if ticket is None or ticket.subject is None or self.tracing is None:
            return None
        return replace(ticket, subject=self.tracing.again(ticket.subject, context))

    def learn(self, head: bytes, scope: Any, length: int) -> None:
        """Remember *head*, which the application has seen as *scope*, when a body of *length* followed it."""
        exchange = find_exchange(scope)
        if exchange is None or exchange.status != HTTPStatus.OK or exchange.codec is None:
            return
        if not _is_usual(head, scope, length):
            return
        if self.tracing is not None:
            head = _parted(head)[0]
        if len(self._tickets) >= _MOST_HEADS:
            del self._tickets[next(iter(self._tickets))]
        self._tickets[head] = Ticket(exchange.codec, length, exchange.subject)

    def response(
        self, status: int, body: bytes, request_id: str, *, defaults: Any, more: tuple[bytes, ...] = ()
    ) -> bytes:
        """An answer in bytes, as the application and uvicorn write it; *defaults* are uvicorn's headers."""
        if defaults is not self._defaults:
            self._defaults = defaults
            self._default_text = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
        return b"".join(
            (
                _STATUS_LINES[status],
                self._default_text,
                b"content-length: %d\r\ncontent-type: application/json\r\n" % len(body),
                *more,
                b"x-content-type-options: nosniff\r\nx-request-id: ",
                request_id.encode(),
                _END,
                body,
            )
        )

    def take(self, connection: "ExpressProtocol", question: Question, exchange: Exchange) -> None:
        """Answer *question* when all that has come by now is read, together with the others among that."""
        if not self._taken:
            asyncio.get_running_loop().call_soon(self._work)
        self._taken.append((connection, question, exchange))

    def _work(self) -> None:
        taken, self._taken = self._taken, []
        metrics = self.plane.metrics
        metrics.entered(len(taken))
        outcomes = self.plane.answer_at_once([question for _, question, _ in taken])
        over = 0
        for (connection, question, exchange), outcome in zip(taken, outcomes, strict=True):
            over += connection.settle(question, exchange, outcome)
        metrics.left(over)

    def inside(self, exchange: Exchange) -> AbstractContextManager[None]:
        """What is done in the block is done for *exchange*."""
        if exchange.trace is None or self.tracing is None:
            return _NOTHING
        return self.tracing.inside(exchange.trace)

    def note(self, exchange: Exchange) -> None:
        """Count a request that came this way, and write its line."""
        line = Line(exchange, _SUBJECT)
        self._lines.put(line)
        self.plane.metrics.answered(_ROUTE, exchange.status, line.seconds, exchange.rows)
        if exchange.trace is not None and self.tracing is not None:
            self.tracing.end(exchange.trace, exchange)


_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def _parted(head: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """*head* without its lines of a trace's context, and those; any that are not well-formed stay in it."""
    context = [(name.lower(), value) for name, value in _CONTEXT.findall(head)]
    return (_CONTEXT.sub(b"", head), context) if context else (head, context)


def _is_usual(head: bytes, scope: Any, length: int) -> bool:
    """Whether *head* is a whole head of a plain prediction, and nothing that the parser read otherwise."""
    headers = scope["headers"]
    names = [name for name, _ in headers]
    lengths = [value for name, value in headers if name == b"content-length"]
    lines = len(headers) + 2
    return (
        len(head) <= _LONGEST_HEAD
        and length <= INLINE_BYTES
        and head.startswith(b"POST " + _TARGET + b" HTTP/1.1\r\n")
        and head.count(b"\n") == head.count(b"\r\n") == lines
        and lengths == [b"%d" % length]
        and _UNUSUAL.isdisjoint(names)
    )


_CONTEXT = re.compile(
    # A line that is whole: what begins with a space would belong to the one before it.
    rb"\r\n((?i:traceparent)(?=: 00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\r)|(?i:tracestate)): "
    rb"([!-~]{1,512})(?=\r\n[^ \t])"
)


class ExpressProtocol(Protocol):
    """One connection, with the short way before the long one."""

    express: Express

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._head = b""
        """That of the request which came last, if it came in one piece with its body."""
        self._body_length = 0
        self._is_busy = False
        """Whether a request is being answered here."""
        self._task: asyncio.Task[None] | None = None
        self._early = b""
        self._is_last = False
        self._active = 0.0

    def data_received(self, data: bytes) -> None:
        """Take *data* on as a whole request, or let the parser have it."""
        if self._is_busy:
            self._early += data
            if len(self._early) > _MOST_EARLY:
                self.flow.pause_reading()
            return
        self._head = b""
        if self._is_between:
            end = data.find(_END) + len(_END)
            head, length = data[:end], len(data) - end
            ticket = self.express.find(head)
            if ticket is not None and ticket.length == length and self._begin(ticket, data[end:]):
                return
            self._head, self._body_length = head, length
        super().data_received(data)

    def count_refusal(self, status: int) -> None:
        """Among those that never became requests of a route."""
        self.express.plane.metrics.answered(_UNREAD, status, 0.0, None)
        if self.express.tracing is not None:
            self.express.tracing.refused(status)

    @property
    def _is_between(self) -> bool:
        """Whether one request is over, in both directions, and nothing of the next one has come."""
        return (
            self._in_head
            and not self._begun
            and not self._head_bytes
            and (self._exchange is None or self._has_answered)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _begin(self, ticket: Ticket, body: bytes) -> bool:
        """Take *body* on; False to leave it to the application."""
        express, started = self.express, time.perf_counter()
        if not express.is_open:
            return False
        trace = passage = None
        if express.tracing is not None and ticket.subject is not None:
            trace = express.tracing.begin(ticket.subject, started)
            passage = trace.passage
        try:
            question = express.plane.read(body, ticket.codec, passage)
        except Exception:  # noqa: BLE001 - the application finds the same, and says what is wrong
            return False
        if self._sender_timer is not None:
            self._unwatch_sender()
        self._is_busy = True
        exchange = Exchange(new_request_id(), rows=question.payload.rows, bytes_in=len(body), started=started)
        if trace is not None:
            exchange.trace, exchange.route = trace, _ROUTE
        express.take(self, question, exchange)
        return True

    def settle(self, question: Question, exchange: Exchange, outcome: Answer | Exception | None) -> bool:
        """Take what became of *question* on the event loop; None: it has to wait for a thread.

        Answers whether it is over.
        """
        if self.transport.is_closing():
            self._is_busy = False
            self.express.note(exchange)
        elif outcome is None:
            self._task = self.loop.create_task(self._answer(question, exchange))
            self._task.add_done_callback(partial(self._end, exchange))
            self.tasks.add(self._task)
            return False
        else:
            if isinstance(outcome, Exception):
                self._refuse_after_all(outcome, exchange)
            else:
                exchange.batch, exchange.engine = outcome.batch, outcome.engine
                self._write(200, outcome.body, exchange)
            self._is_busy = False
            self.express.note(exchange)
            self._rest()
        return True

    def _end(self, exchange: Exchange, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        self.express.plane.metrics.left()
        if self._task is task:
            # The caller hung up before it began.
            self._task, self._is_busy = None, False
            self.express.note(exchange)

    async def _answer(self, question: Question, exchange: Exchange) -> None:
        try:
            with self.express.inside(exchange):
                answer = await self.express.plane.answer(question)
            exchange.batch, exchange.engine = answer.batch, answer.engine
            self._write(200, answer.body, exchange)
        except asyncio.CancelledError:
            # Nobody is there any more, or the runner gives up waiting; then who asked should know.
            self._is_last = True
            self._refuse_after_all(Leaving("this server is shutting down"), exchange)
            self.transport.close()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told as the table says
            self._refuse_after_all(error, exchange)
        finally:
            self._task, self._is_busy = None, False
            self.express.note(exchange)
        self._rest()

    def _refuse_after_all(self, error: Exception, exchange: Exchange) -> None:
        log_failure(error, exchange)
        problem = problem_of(error)
        more = tuple(
            f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in problem.headers.items()
        )
        self._write(problem.status, problem.body(exchange.request_id), exchange, more)

    def _write(self, status: int, body: bytes, exchange: Exchange, more: tuple[bytes, ...] = ()) -> None:
        if self.transport.is_closing():
            return
        self._is_last = self._is_last or not self.express.is_open
        if self._is_last:
            more = (*more, b"connection: close\r\n")
        exchange.status, exchange.bytes_out = status, len(body)
        response = self.express.response(
            status, body, exchange.request_id, defaults=self.server_state.default_headers, more=more
        )
        self.transport.write(response)

    def _rest(self) -> None:
        """One request is answered: wait for the next, for as long as an idle connection may."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._is_last:
            self.transport.close()
            return
        self._active = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_for_next(self.timeout_keep_alive)
        if self._early:
            early, self._early = self._early, b""
            self.flow.resume_reading()
            self.data_received(early)

    def _wait_for_next(self, seconds: float) -> None:
        # One timer that looks when it rings is cheaper than one for each request.
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long enough."""
        self.timeout_keep_alive_task = None
        left = self._active + self.timeout_keep_alive - self.loop.time()
        if self._is_busy:
            return  # the clock starts when it is answered
        if left > 0:
            self._wait_for_next(left)
        else:
            super().timeout_keep_alive_handler()

    def on_response_complete(self) -> None:
        """The application has answered: the next request with this head may take the short way."""
        if self._head and not self.pipeline:
            self.express.learn(self._head, self.cycle.scope, self._body_length)
        self._head = b""
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more: what has not begun is not computed."""
        if self._task is not None:
            self._task.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close, once what is being answered is answered."""
        if self._is_busy:
            self._is_last = True
        else:
            super().shutdown()
