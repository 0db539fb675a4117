"""What was found out about a model on this machine, kept for the next start where that is possible."""

import contextlib
import json
import os
import secrets
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from modelpack.engines.choose import Measured

_LARGEST = 1 << 16


class Measurements:
    """How long the engines took for one model, kept in *folder* under the model's *digest* and *key*."""

    def __init__(self, folder: Path, digest: str, key: str) -> None:
        self._path = folder / "measured" / f"{digest.removeprefix('sha256:')}.json"
        self._key = key

    def read(self) -> Measured | None:
        """What was kept, if it can be read."""
        try:
            found = _read(self._path)[self._key]
            times = [
                {int(count): float(seconds) for count, seconds in found[name].items()}
                for name in ("onnx", "native")
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return Measured(*times)

    def write(self, measured: Measured) -> None:
        """Keep *measured*, if that is possible."""
        try:
            known = _read(self._path)
        except (OSError, ValueError, RecursionError):
            known = {}
        known[self._key] = {"onnx": measured.onnx, "native": measured.native}
        _write(self._path, json.dumps(known))


def has_opened(folder: Path, digest: str) -> bool:
    """Whether the ONNX file *digest* is known to open in the runtime that is installed here."""
    return _opened(folder, digest).is_file()


def note_opened(folder: Path, digest: str) -> None:
    """Remember that the ONNX file *digest* opens here."""
    _write(_opened(folder, digest), "")


def _opened(folder: Path, digest: str) -> Path:
    try:
        runtime = version("onnxruntime")
    except PackageNotFoundError:
        runtime = "none"
    return folder / "opened" / f"{digest.removeprefix('sha256:')}-{runtime}"


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        found = json.loads(file.read(_LARGEST))
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, path)  # noqa: PTH105 - one step, seen whole or not at all
        finally:
            beside.unlink(missing_ok=True)
