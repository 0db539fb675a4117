"""HTTP to one server: every call answered, refused, or given up in time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from modelpack._version import __version__
from modelpack.errors import MissingDependency, ModelpackError, StoreUnavailable, shorten
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Piece, Refused
from modelpack.remote.credentials import Credentials
from modelpack.remote.following import Step, following
from modelpack.remote.patience import PATIENCE, Again, Passing, Patience

try:
    import httpx2
except ModuleNotFoundError as error:
    raise MissingDependency("a remote MLflow server", package="httpx2", extra="remote") from error

Params = Mapping[str, str | Sequence[str]]

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another one in a moment; MLflow's own client sees them so too."""
UNDONE: Final = frozenset({408, 425, 429})
"""Those of them that say that nothing was done: what must not be done twice can be tried again as well."""

_LARGEST_REFUSAL: Final = 64 << 10
_LONGEST_STAY: Final = 60.0
"""Seconds; a server that asks for more is asked again sooner, or given up."""
_REACHING: Final = 10.0
_SILENCE: Final = 30.0


class Http:
    """Calls of the server at *address*, as whom MLflow's variables in *environ* say.

    What they say goes to that server and nowhere else: no redirect is followed. A call that fails in passing
    is tried again, with *patience*; then it raises StoreUnavailable. A no of the server raises Refused.
    """

    def __init__(
        self, address: ServerAddress, environ: Mapping[str, str], *, patience: Patience | None = None
    ) -> None:
        self.address = address
        self.patience = patience or Patience.read(environ, PATIENCE, 30.0)
        credentials = Credentials.read(environ, address)
        headers = {"User-Agent": f"modelpack/{__version__}", "Accept-Encoding": "identity"}
        if credentials.header:
            headers["Authorization"] = credentials.header
        self._client = httpx2.Client(
            headers=headers,
            verify=credentials.tls(),
            timeout=httpx2.Timeout(_SILENCE, connect=_REACHING),
            follow_redirects=False,
        )

    def ask(
        self,
        verb: str,
        path: str,
        *,
        params: Params | None = None,
        message: Any = None,
        again: Again | None = None,
    ) -> bytes:
        """The body that answers *verb* for *path*; *message* is sent as JSON.

        *again* tells after which failures it may be tried again; None means after every one that passes.
        """
        content = None if message is None else msgspec.json.encode(message)
        headers = {} if content is None else {"Content-Type": "application/json"}
        query = {
            key: [value] if isinstance(value, str) else list(value) for key, value in (params or {}).items()
        }

        def act() -> bytes:
            with self._seam(verb, path) as step:
                answer = self._client.request(
                    verb,
                    self._url(path),
                    params=query or None,
                    content=content,
                    headers={**headers, **step.headers},
                )
                step.status = answer.status_code
            if not answer.is_success:
                raise self._refusal(answer, answer.content, f"{verb} {path}")
            return answer.content

        try:
            return self.patience.insist(act, again)
        except Passing as failure:
            raise StoreUnavailable(f"{failure}; look whether it was done before you try again") from failure

    def send(self, path: str, file: Path) -> None:
        """PUT the bytes of *file* to *path*."""

        def act() -> None:
            with file.open("rb") as content, self._seam("PUT", path) as step:
                answer = self._client.put(self._url(path), content=content, headers=step.headers)
                step.status = answer.status_code
            if not answer.is_success:
                raise self._refusal(answer, answer.content, f"PUT {path}")

        self.patience.insist(act)

    @contextmanager
    def read(self, path: str, *, start: int = 0, tag: str = "") -> Iterator[Piece]:
        """Bytes of *path* from *start* on, if it still bears *tag*; from 0 on where the server so decides.

        One try: raises Passing when that fails, also in the middle.
        """
        headers = {}
        if start:
            headers["Range"] = f"bytes={start}-"
            if tag:
                headers["If-Range"] = tag
        with (
            self._seam("GET", path) as step,
            self._client.stream("GET", self._url(path), headers={**headers, **step.headers}) as answer,
        ):
            step.status = answer.status_code
            if not answer.is_success:
                raise self._refusal(answer, _head(answer), f"GET {path}")
            # As they come: what has arrived before a connection breaks is not fetched again.
            yield Piece(_start(answer, start), answer.headers.get("ETag", ""), answer.iter_bytes())

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _url(self, path: str) -> str:
        return self.address.url + path

    @contextmanager
    def _seam(self, verb: str, path: str) -> Iterator[Step]:
        """The HTTP library's errors become ours, and repeat no header and no password."""
        try:
            with following(verb, self._url(path)) as step:
                yield step
        except httpx2.TransportError as error:
            raise self._failure(error) from error
        except httpx2.InvalidURL as error:
            raise StoreUnavailable(f"{self.address} has no place {shorten(repr(path), 120)}") from error

    def _failure(self, error: Exception) -> StoreUnavailable:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return StoreUnavailable(
                f"{self.address} shows a certificate that nobody here vouches for; set "
                "MLFLOW_TRACKING_SERVER_CERT_PATH to those it may have been signed by"
            )
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return StoreUnavailable(f"{self.address} cannot be asked: {type(error).__name__}")
        undone = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        what = "cannot be reached" if undone else "broke off"
        return Passing(f"{self.address} {what} ({type(error).__name__})", undone=undone)

    def _refusal(self, answer: httpx2.Response, body: bytes, what: str) -> ModelpackError:
        status = answer.status_code
        code, message = _said(body)
        if status in PASSING:
            return Passing(
                shorten(f"{self.address} answered {status}{': ' if code else ''}{code}"),
                after=_stay(answer),
                said=message,
                undone=status in UNDONE,
            )
        if status in (401, 403):
            return StoreUnavailable(
                f"{self.address} answered {status}: it wants to know who asks, or does not let them; set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
        if 300 <= status < 400:
            return StoreUnavailable(
                f"{self.address} sends us to another place, which is not followed; write the address in full"
            )
        return Refused(self.address, shorten(what, 80), status=status, code=code, message=message)


def _start(answer: httpx2.Response, wanted: int) -> int:
    """Where the bytes of *answer* begin."""
    if answer.status_code != httpx2.codes.PARTIAL_CONTENT:
        return 0
    unit, _, told = answer.headers.get("Content-Range", "").partition(" ")
    begin = told.partition("-")[0]
    if unit != "bytes" or not (begin.isascii() and begin.isdigit()) or int(begin) != wanted:
        raise Passing("the server answered with another part of the file than was asked for")
    return wanted


def _head(answer: httpx2.Response) -> bytes:
    """The beginning of a body, which says why not: the rest may be of any length."""
    head = b""
    for chunk in answer.iter_bytes(_LARGEST_REFUSAL):
        head += chunk
        if len(head) >= _LARGEST_REFUSAL:
            break
    return head[:_LARGEST_REFUSAL]


def _stay(answer: httpx2.Response) -> float | None:
    """Seconds that the server asked us to stay away."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_STAY) if text.isascii() and text.isdigit() else None


class _Refusal(msgspec.Struct):
    error_code: str = ""
    message: str = ""


def _said(body: bytes) -> tuple[str, str]:
    """MLflow's error code and message, or nothing for what is no error of MLflow's."""
    try:
        told = msgspec.json.decode(body, type=_Refusal, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    return told.error_code, told.message
