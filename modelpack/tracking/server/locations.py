"""Places that clients name: below this server's artifact root, or in a bucket that it never looks at."""

import re
from typing import Final
from urllib.parse import urlsplit

from modelpack.errors import InvalidUri, shorten
from modelpack.tracking.server.files import PROXY
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import LONGEST, is_kept, require_path
from modelpack.tracking.server.settings import ServerSettings

BUCKETS: Final = ("s3", "s3a", "r2", "gs", "wasb", "wasbs", "abfs", "abfss", "oss")
"""Schemes of stores that clients reach by themselves."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_BUCKET: Final = re.compile(r"[\w.-]+(?:@[\w.-]+)?", re.ASCII)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


def require_location(text: str, parts: Parts) -> str:
    """*text*, if an experiment may keep its files there: ``mlflow-artifacts:/PATH``, or a bucket.

    A place in a bucket that is not this server's is written down for clients, and never read here. Raises
    InvalidUri for any other, and for what a path may not be.
    """
    place = text.rstrip("/")
    path = path_of(place, parts, what="artifact_location")
    if path is None:
        return place
    if not path or is_kept(path):
        raise InvalidUri(
            f"Invalid artifact_location {shorten(repr(text), 80)}: give {PROXY}/PATH, but not the root, nor "
            "what is below models"
        )
    return f"{PROXY}/{path}"


def path_of(text: str, parts: Parts, *, what: str) -> str | None:
    """The path below the artifact root that *text* means; None for a place in a bucket that is not ours.

    *what* is the name of the parameter. Raises InvalidUri, and InvalidName for a path that climbs.
    """
    scheme = scheme_of(text)
    is_plain = text.isprintable() and len(text) <= LONGEST and not any(mark in text for mark in "\\?#")
    if is_plain and scheme == PROXY.rstrip(":"):
        authority, path = _split(text)
        if not authority or _is_ours(authority, parts.settings):
            return require_path(path) if path else ""
    if is_plain and scheme in BUCKETS:
        authority, path = _split(text)
        if _BUCKET.fullmatch(authority):
            if path:
                require_path(path)
            return parts.files.below(text)
    raise InvalidUri(
        f"Invalid {what} {shorten(repr(text), 80)}: give {PROXY}/PATH of this server, or a place in a bucket"
    )


def scheme_of(text: str) -> str:
    """The scheme of *text* in small letters; empty where it has none."""
    found = _SCHEME.match(text)
    return found[1].lower() if found else ""


def _split(text: str) -> tuple[str, str]:
    """The authority of *text* and its path, without the first slash."""
    try:
        parts = urlsplit(text)
    except ValueError:
        raise InvalidUri(f"{shorten(repr(text), 80)} is no address") from None
    return parts.netloc, parts.path.removeprefix("/")


def _is_ours(authority: str, settings: ServerSettings) -> bool:
    """Whether clients may have written *authority* for this very server."""
    known = (settings.host, *_LOOPBACK, *settings.allowed_hosts)
    return authority.lower() in {
        *(name.lower() for name in settings.allowed_hosts),
        *(f"{name.lower()}:{settings.port}" for name in known),
    }
