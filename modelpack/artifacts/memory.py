"""What references meant last, for when the machine that knows them cannot be reached."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from modelpack import settings
from modelpack.artifacts.leases import Leases
from modelpack.artifacts.private import write_private
from modelpack.directory import open_directory
from modelpack.errors import ModelpackError, StoreUnavailable

VARIABLE: Final = "MODELPACK_USE_CACHED"
"""``1``: what a reference meant last is used while the machine that knows it cannot be reached."""

T = TypeVar("T")

_KNOWN: Final = (
    "MODELPACK_REGISTRY_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_S3_ENDPOINT_URL",
)

logger = logging.getLogger(__name__)


class _Copy(msgspec.Struct):
    """A model on this disk."""

    path: str
    digest: str


class Memory:
    """Kept below ``$MODELPACK_HOME``, if the operator wants it; else all is asked, and nothing kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._cache = settings.home(environ) / "cache"
        self._is_wanted = environ.get(VARIABLE) == "1"
        # Of another server, the same reference means another model.
        self._context = "\n".join(environ.get(name, "") for name in _KNOWN)

    def path(self, reference: str, ask: Callable[[], Path]) -> Path:
        """The folder that *ask* answers for *reference*; the last one, verified, while it is unavailable."""
        if not self._is_wanted:
            return ask()

        def copy() -> _Copy:
            path = ask()
            return _Copy(str(path), open_directory(path).digest)

        asked = self.value(f"path of {reference}", copy, _Copy)
        path = Path(asked.path)
        try:
            directory = open_directory(path)
            is_whole = directory.digest == asked.digest and not directory.findings()
        except ModelpackError:
            is_whole = False
        if not is_whole:
            raise StoreUnavailable(f"nobody who knows {reference} can be asked, and its last copy is damaged")
        if path.is_relative_to(self._cache):
            Leases(self._cache / "leases").hold(asked.digest)
        return path

    def value(self, reference: str, ask: Callable[[], T], kind: type[T]) -> T:
        """What *ask* answers; the last answer, of the type *kind*, while it is unavailable."""
        if not self._is_wanted:
            return ask()
        key = hashlib.sha256(f"{self._context}\n{reference}".encode()).hexdigest()
        file = self._cache / "meanings" / f"{key}.json"
        try:
            answer = ask()
        except StoreUnavailable as error:
            try:
                last = msgspec.json.decode(file.read_bytes(), type=kind)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
                raise error from None
            logger.warning(
                "what a reference meant last is used", extra={"reference": reference, "reason": str(error)}
            )
            return last
        write_private(file, msgspec.json.encode(answer))
        return answer
