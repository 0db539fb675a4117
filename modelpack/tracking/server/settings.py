"""What an operator can say about one team server: a frozen value."""

from dataclasses import dataclass


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
