"""What an operator can say about one team server: a frozen value."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from modelpack.errors import InvalidName, shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Times are seconds, sizes bytes."""

    backend_store_uri: str
    artifact_root: str
    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    require_auth: bool = False
    allow_remote: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    body_limit: int = 4 << 20
    artifact_limit: int = 0
    """Largest file through the proxy; 0 for no limit."""
    drain: float = 30.0
    pages: bool = True
    scoring_servers: tuple[str, ...] = ()
    """Addresses to which pages may send what a person wants to try; there are no others."""


def scoring_address(text: str) -> str:
    """*text*, if it can be a scoring server's address: http or https, a host, and no credentials.

    Raises InvalidName.
    """
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None or parts.query or parts.fragment or not text.isprintable():
        raise InvalidName(
            f"{shorten(repr(text), 80)} is no address of a scoring server; give http://HOST:PORT"
        )
    return text.rstrip("/")
