"""Files in a bucket: Amazon's S3 and what speaks like it, Google's, Azure's; reached by fsspec."""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from modelpack.artifacts import carrier
from modelpack.artifacts.store import Entry
from modelpack.errors import Conflict, InvalidUri, MissingDependency, NotFound, StoreUnavailable, shorten
from modelpack.files import relative
from modelpack.remote.patience import PATIENCE, Passing, Patience
from modelpack.uris import ModelRef

PACKAGES: Final = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"),
    "abfss": ("adlfs", "azure"),
    "abfs": ("adlfs", "azure"),
}
"""The package that reaches each kind of bucket, and the extra that brings it."""

# Each is asked for in one call, which has to end in time: the clouds' libraries try again by themselves.
_PIECE: Final = 4 << 20
_REST = re.compile(r"//([^/?#\\]+)/(.+)")
_TAGS: Final = (
    "ETag",
    "etag",
    "md5Hash",
    "generation",
    "content_md5",
    "LastModified",
    "last_modified",
    "mtime",
)
_TIMES: Final = ("LastModified", "last_modified", "mtime", "updated")
_TRUE: Final = ("true", "1")
_PASSING: Final = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class BucketPath:
    """The place *path* in the bucket *root*: ``s3://bucket`` or ``abfss://container@account.dfs.core.windows.net``."""

    root: str
    path: str

    @classmethod
    def parse(cls, ref: ModelRef) -> "BucketPath":
        """Read a reference; raises InvalidUri for what leads outside, and for what a server might read so."""
        found = _REST.fullmatch(ref.rest)
        path = found[2].strip("/") if found else ""
        # A percent sign may stand for a dot or a slash to whoever decodes it later; none of ours are needed.
        if found is None or not path or any(mark in path for mark in "?#%*[]\\"):
            raise InvalidUri(
                f"{shorten(str(ref), 120)} is no place in a bucket; write {ref.scheme}://BUCKET/FOLDER, in "
                "plain characters"
            )
        if any(part in ("", ".", "..") for part in path.split("/")) or not path.isprintable():
            raise InvalidUri(
                f"{shorten(str(ref), 120)} leads out of its folder; write {ref.scheme}://BUCKET/FOLDER"
            )
        return cls(f"{ref.scheme}://{found[1]}", path)


@dataclass(frozen=True, slots=True)
class _Run:
    start: int
    tag: str
    chunks: Iterator[bytes]


class BucketArtifacts:
    """An ArtifactStore in the bucket *root*, reached as the cloud's own variables in the environment say.

    *environ* gives ``MLFLOW_S3_ENDPOINT_URL`` and ``MLFLOW_S3_IGNORE_TLS``.
    """

    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        self.root, self._environ = root, environ
        scheme, _, rest = root.partition("://")
        self._files = file_system(scheme, root, environ)
        self._patience = Patience.read(environ, PATIENCE, 30.0)
        self._bucket = rest.partition("@")[0] if scheme.startswith("abfs") else rest
        # Else s3fs holds half a gigabyte of a large file at once.
        self._pieces_sent = {"chunksize": 4 * _PIECE, "max_concurrency": 4} if scheme == "s3" else {}

    def list(self, path: str = "") -> Iterator[Entry]:
        """See ArtifactStore. A bucket has no folders: one without files is not there."""
        place = self._place(relative(path).as_posix() if path else "")

        def act() -> Any:
            with _seam(path):
                return self._files.ls(place, detail=True, refresh=True, timeout=self._patience.total)

        for one in sorted(self._patience.insist(act), key=lambda info: str(info["name"])):
            name = str(one["name"]).rstrip("/")
            # Some tools leave an empty object behind that stands for the folder itself.
            if name != place:
                yield self._entry(name, one)

    def fetch(self, path: str, into: Path) -> Path:
        """See ArtifactStore."""
        return carrier.fetch(self, path, into, self._environ)

    @contextmanager
    def read(self, file: Entry, *, start: int = 0, tag: str = "") -> Iterator[_Run]:
        """See RemoteStore. Whether it still bears *tag* shows in the listing of the next try."""
        yield _Run(start, file.tag, self._pieces(file, start))

    def put(self, source: Path, path: str, *, prepare: Callable[[Path], None] | None = None) -> None:
        """See ArtifactStore; carrier.put() says what *whole* means here."""
        carrier.put(self, source, relative(path).as_posix(), self.send, prepare)

    def look(self, path: str) -> tuple[Entry, float]:
        """The file or folder *path* by itself, and when it changed, in seconds since 1970; 0 if unknown."""
        place = self._place(path)

        def act() -> Any:
            with _seam(path):
                return self._files.info(place)

        info = self._patience.insist(act)
        changed = next((info[key] for key in _TIMES if isinstance(info.get(key), datetime)), None)
        return self._entry(place, info), changed.timestamp() if changed else 0.0

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Let the library of S3 do *method* of the object *path*; what it answers. Only buckets of S3 can.

        Raises Conflict where what is asked contradicts what the bucket has.
        """

        def act() -> Any:
            with _seam(path):
                return self._files.call_s3(method, Bucket=self._bucket, Key=relative(path).as_posix(), **more)

        try:
            return self._patience.insist(act)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, Exception) and _status(error.__cause__) == 400:
                raise Conflict(str(error)) from error
            raise

    def signed(self, method: str, path: str, seconds: int, **more: Any) -> str:
        """An address under which anyone may do *method* of *path* for so long. Only buckets of S3 can."""
        with _seam(path):
            return str(self._files.url(self._place(path), expires=seconds, client_method=method, **more))

    def delete(self, path: str) -> None:
        """See ArtifactStore."""
        place = self._place(relative(path).as_posix())
        with _seam(path):
            self._files.rm(place, recursive=True)

    def _pieces(self, file: Entry, start: int) -> Iterator[bytes]:
        place, size = self._place(file.path), file.size or 0
        while start < size:
            end = min(start + _PIECE, size)
            with _seam(file.path):
                piece = bytes(self._files.cat_file(place, start=start, end=end, timeout=self._patience.total))
            yield piece
            if len(piece) != end - start:
                return
            start = end

    def send(self, file: Path, path: str) -> None:
        """See ArtifactStore."""

        def act() -> None:
            with _seam(path):
                self._files.put_file(str(file), self._place(path), **self._pieces_sent)

        self._patience.insist(act)

    def _place(self, path: str) -> str:
        return f"{self._bucket}/{relative(path).as_posix()}" if path else self._bucket

    def _entry(self, name: str, info: Mapping[str, Any]) -> Entry:
        size = None if info["type"] == "directory" else int(info.get("size") or 0)
        tag = next((str(info[key]) for key in _TAGS if info.get(key)), "")
        return Entry(name.removeprefix(f"{self._bucket}/"), size, tag)


def file_system(scheme: str, root: str, environ: Mapping[str, str]) -> Any:
    """What reaches buckets of *scheme*, such as that of *root*, with the credentials in *environ*."""
    package, extra = PACKAGES[scheme]
    try:
        importlib.import_module(package)
        fsspec = importlib.import_module("fsspec")
    except ModuleNotFoundError as error:
        raise MissingDependency(f"{scheme}://", package=package, extra=extra) from error
    # No cache of instances or listings: what is asked is what there is now.
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme == "s3":
        options |= _s3(environ)
    with _seam(root):
        if scheme == "gs":
            # What fsspec would take asks for the kind of the bucket besides: that takes a right of its own.
            return importlib.import_module("gcsfs.core").GCSFileSystem(**options)
        return fsspec.core.url_to_fs(root, **options)[0]


def _s3(environ: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "config_kwargs": {
            "connect_timeout": 10,
            "read_timeout": 30,
            "retries": {"max_attempts": 1},
            # Else signed addresses are of a kind that many servers no longer know.
            "signature_version": "s3v4",
        }
    }
    if environ.get("MLFLOW_S3_ENDPOINT_URL"):
        options["endpoint_url"] = environ["MLFLOW_S3_ENDPOINT_URL"]
    if environ.get("MLFLOW_S3_IGNORE_TLS", "").lower() in _TRUE:
        options["client_kwargs"] = {"verify": False}
    return options


@contextmanager
def _seam(path: str) -> Iterator[None]:
    """The clouds' errors become ours; their messages may hold signed addresses, and stay out."""
    named = shorten(repr(path), 120)
    try:
        yield
    except (GeneratorExit, StoreUnavailable):
        raise
    except FileNotFoundError as error:
        raise NotFound("artifact", path) from error
    except PermissionError as error:
        raise StoreUnavailable(
            f"the bucket does not let us at {named}: set the cloud's credentials, such as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except Exception as error:  # three clouds' libraries: their errors share no base
        kind, status = type(error).__name__, _status(error)
        if status in (401, 403) or any(word in kind for word in ("Credential", "Auth", "Signing")):
            raise StoreUnavailable(
                f"the bucket's credentials are missing or wrong ({kind}) at {named}"
            ) from error
        if status is not None and 400 <= status < 500 and status not in _PASSING:
            raise StoreUnavailable(
                f"the bucket refuses what is asked at {named} ({kind}, {status})"
            ) from error
        raise Passing(f"the bucket failed at {named} ({kind})") from error


def _status(error: Exception) -> int | None:
    """The status of HTTP behind *error*, as far as the cloud's library tells it."""
    # gcsfs says it in words alone.
    if isinstance(error, OSError) and str(error).startswith("Forbidden:"):
        return 403
    # Azure's name for it, and Google's.
    found = getattr(error, "status_code", None) or getattr(error, "code", None)
    # s3fs makes an OSError of it, and keeps what Amazon's library said.
    told = getattr(error.__cause__, "response", None)
    if found is None and isinstance(told, Mapping):
        found = told.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return found if isinstance(found, int) else None
