"""Where an MLflow server is: text in, a value out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from modelpack.errors import InvalidUri

TRACKING: Final = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MODELPACK_REGISTRY_URI")
"""Read in this order for runs and proxied artifacts; the first that names a server decides."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's *url*, without a slash at its end; a name and a password that stood in it are kept apart."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str, origin: str = "the server's address") -> "ServerAddress":
        """Read *text*; raises InvalidUri, which names *origin*, not the text: it may hold a password."""
        wrong = InvalidUri(f"{origin} is no address of a server; write http://HOST:PORT or https://HOST")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise wrong from None
        is_plain = text.isprintable() and not (parts.query or parts.fragment or " " in text or "\\" in text)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname or not is_plain:
            raise wrong
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = f"{parts.scheme.lower()}://{host}{'' if port is None else f':{port}'}"
        return cls(
            place + parts.path.rstrip("/"), unquote(parts.username or ""), unquote(parts.password or "")
        )

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a credential is for."""
        parts = urlsplit(self.url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    def __str__(self) -> str:
        return self.url


def is_server(text: str) -> bool:
    """Whether *text* is the address of a server rather than of a database or a folder."""
    return text.partition(":")[0].lower() in ("http", "https")


def tracking_address(environ: Mapping[str, str]) -> ServerAddress | None:
    """The server of runs and proxied artifacts that the environment names, or None."""
    for variable in TRACKING:
        text = environ.get(variable, "")
        if is_server(text):
            return ServerAddress.parse(text, variable)
    return None
