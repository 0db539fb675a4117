"""Who we are to an MLflow server: MLflow's own variables in, a value out that shows none of them."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelpack.errors import InvalidUri, StoreUnavailable
from modelpack.remote.address import ServerAddress

_PREFIX = "MLFLOW_TRACKING_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and a password, or a token; and whom the other side has to be.

    *server_cert* is a file or folder of certificates to trust, *client_cert* a file with our certificate and
    its key. *insecure_tls* trusts anyone.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    insecure_tls: bool = False
    server_cert: str = ""
    client_cert: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str], address: ServerAddress | None = None) -> "Credentials":
        """MLflow's variables ``MLFLOW_TRACKING_USERNAME``, ``_PASSWORD``, ``_TOKEN`` and so on.

        A name and a password in *address* go before those. Raises InvalidUri for a contradiction.
        """

        def said(name: str) -> str:
            return environ.get(_PREFIX + name, "").strip()

        insecure = said("INSECURE_TLS").lower() in ("true", "1")
        if insecure and said("SERVER_CERT_PATH"):
            raise InvalidUri(
                f"{_PREFIX}INSECURE_TLS and {_PREFIX}SERVER_CERT_PATH contradict each other; unset one"
            )
        return cls(
            username=address.username if address and address.username else said("USERNAME"),
            password=address.password if address and address.username else said("PASSWORD"),
            token=said("TOKEN"),
            insecure_tls=insecure,
            server_cert=said("SERVER_CERT_PATH"),
            client_cert=said("CLIENT_CERT_PATH"),
        )

    @property
    def header(self) -> str:
        """The value of ``Authorization``, or nothing. A name goes before a token, as in MLflow."""
        if self.username and self.password:
            pair = f"{self.username}:{self.password}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        return f"Bearer {self.token}" if self.token else ""

    def tls(self) -> ssl.SSLContext | bool:
        """What a client verifies the server by; True is the system's own way. Raises StoreUnavailable."""
        if not (self.insecure_tls or self.server_cert or self.client_cert):
            return True
        try:
            context = _trusting(self.server_cert)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable("SERVER_CERT_PATH") from error
        if self.insecure_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert:
            try:
                context.load_cert_chain(self.client_cert)
            except (OSError, ssl.SSLError) as error:
                raise _unreadable("CLIENT_CERT_PATH") from error
        return context


def _trusting(place: str) -> ssl.SSLContext:
    if not place:
        return ssl.create_default_context()
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)


def _unreadable(variable: str) -> StoreUnavailable:
    return StoreUnavailable(f"{_PREFIX}{variable} names no certificate that can be read; give a PEM file")
