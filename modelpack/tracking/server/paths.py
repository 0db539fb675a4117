"""What clients may call places below an artifact root: plain relative paths, and no tricks."""

from typing import Final
from urllib.parse import unquote

from modelpack.errors import InvalidName, shorten

LONGEST: Final = 4_096
"""Characters of a path."""
LONGEST_NAME: Final = 255
"""Bytes of a name in it, as file systems have it."""
RESERVED: Final = ".modelpack-"
"""Begins the names of what is being written; no client may name it, and no listing shows it."""
KEPT: Final = "models"
"""Holds the files of registered versions, which never change."""

_MOST_DECODINGS: Final = 8


def require_path(path: str) -> str:
    """*path*, which the framework has decoded once, if it names something below the root.

    Raises InvalidName for one that is empty or absolute, that climbs, that is longer than any file system
    takes, and for one that would do so if it were decoded once more, as some proxy or store may.
    """
    if _is_plain(path) and _stays_plain(path):
        return path
    raise InvalidName(
        f"Invalid path {shorten(repr(path), 120)}: give a path below the artifact root, of plain names"
    )


def require_folder(path: str) -> str:
    """*path* without the slash that it may end with; empty for the root itself."""
    return require_path(path.removesuffix("/")) if path else ""


def is_kept(path: str) -> bool:
    """Whether *path* is one of the files of registered versions, in whatever letter case."""
    return path.partition("/")[0].casefold() == KEPT


def is_reserved(name: str) -> bool:
    """Whether *name* is one of those of what is being written."""
    return name.startswith(RESERVED)


def _is_plain(path: str) -> bool:
    # isprintable() is False for control characters and for lone surrogates.
    if not path or len(path) > LONGEST or "\\" in path or not path.isprintable():
        return False
    names = path.split("/")
    if len(names[0]) > 1 and names[0][1] == ":":
        return False
    return all(_is_name(name) for name in names)


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and not is_reserved(name) and len(name.encode()) <= LONGEST_NAME


def _stays_plain(path: str) -> bool:
    slashes = path.count("/")
    for _ in range(_MOST_DECODINGS):
        try:
            decoded = unquote(path, errors="strict")
        except UnicodeDecodeError:
            return False
        if decoded == path:
            return True
        if not _is_plain(decoded) or decoded.count("/") != slashes:
            return False
        path = decoded
    return False
