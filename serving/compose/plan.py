"""The services of a team: what each is, what it waits for, who may talk to it."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from serving.images import names
from serving.images.errors import InvalidValue

SECRETS: Final = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY")
"""What ``.env`` holds: made up once, known to no file that is committed."""

POSTGRES_IMAGE: Final = "postgres:17"
S3_IMAGE: Final = "chrislusf/seaweedfs:4.47"
_USER: Final = "modelpack"
_BUCKET: Final = "modelpack"
_DATABASE: Final = f"postgresql://{_USER}@postgres/{_USER}"
_S3_PORT: Final = 8333
_PORT: Final = 5000

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

# By the interpreter of the image: it has no curl, and needs none.
_ALIVE: Final = (
    "import sys, urllib.request; "
    f"sys.exit(urllib.request.urlopen('http://127.0.0.1:{_PORT}/health', timeout=2).status != 200)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team server: reached at *host* and *port* of the machine, by the names *allowed_hosts* too.

    Raises InvalidValue.
    """

    host: str = "127.0.0.1"
    port: int = _PORT
    workers: int = 2
    allowed_hosts: tuple[str, ...] = ()
    postgres_image: str = POSTGRES_IMAGE
    s3_image: str = S3_IMAGE

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise InvalidValue("--port", self.port, "a port from 1 to 65535")
        if not 1 <= self.workers <= 256:
            raise InvalidValue("--workers", self.workers, "a number from 1 to 256")
        names.base("the image of PostgreSQL", self.postgres_image)
        names.base("the image of the S3 server", self.s3_image)
        for host in self.allowed_hosts:
            if not _HOST_NAME.fullmatch(host):
                raise InvalidValue("--allowed-hosts", host, "a host name or an address")
        try:
            ipaddress.IPv4Address(self.host)
        except ValueError:
            wanted = "an IPv4 address of this machine, such as 127.0.0.1 or 0.0.0.0"
            raise InvalidValue("--host", self.host, wanted) from None


def services(team: Team) -> dict[str, Any]:
    """The document of *team*, as the Compose Specification has it."""
    return {
        "services": {
            "postgres": _postgres(team),
            "s3": _s3(team),
            "bucket": _bucket(),
            "server": _server(team),
        },
        # Neither the database nor the bucket is for anyone but the server.
        "networks": {"inside": {"internal": True}, "outside": {}},
        "volumes": {"postgres": {}, "s3": {}, "scratch": {}},
    }


def _postgres(team: Team) -> dict[str, Any]:
    return {
        "image": team.postgres_image,
        "environment": {
            "POSTGRES_USER": _USER,
            "POSTGRES_DB": _USER,
            "POSTGRES_PASSWORD": _secret("POSTGRES_PASSWORD"),
        },
        "volumes": ["postgres:/var/lib/postgresql/data"],
        "networks": ["inside"],
        "healthcheck": _health(["CMD", "pg_isready", "-U", _USER, "-d", _USER]),
        "stop_grace_period": "60s",
        **_kept(),
    }


def _s3(team: Team) -> dict[str, Any]:
    return {
        "image": team.s3_image,
        "command": [
            "server",
            "-dir=/data",
            "-ip=s3",
            "-ip.bind=0.0.0.0",
            "-s3",
            f"-s3.port={_S3_PORT}",
        ],
        "environment": _keys(),
        "volumes": ["s3:/data"],
        "networks": ["inside"],
        "healthcheck": _health(
            ["CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{_S3_PORT}/healthz"]
        ),
        **_kept(),
    }


def _bucket() -> dict[str, Any]:
    return {
        **_ours(),
        "entrypoint": ["python", "-m", "modelpack.artifacts.making", f"s3://{_BUCKET}"],
        "environment": _reaching_s3(),
        "networks": ["inside"],
        "depends_on": {"s3": {"condition": "service_healthy"}},
        "healthcheck": {"disable": True},
        "restart": "on-failure:5",
    }


def _server(team: Team) -> dict[str, Any]:
    answered = ("localhost", "127.0.0.1", *team.allowed_hosts)
    return {
        **_ours(),
        "command": [
            "server",
            "--host",
            "0.0.0.0",  # noqa: S104 - inside the container; who reaches it is said by `ports`
            "--port",
            str(_PORT),
            "--workers",
            str(team.workers),
            "--require-auth",
            "--allowed-hosts",
            ",".join(answered),
        ],
        # For the verbs that are run in this container, too: `token create`, `db upgrade`.
        "environment": {
            "MODELPACK_TRACKING_URI": _DATABASE,
            "MODELPACK_REGISTRY_URI": _DATABASE,
            "MODELPACK_ARTIFACT_ROOT": f"s3://{_BUCKET}/team",
            # Only the server reaches the bucket: clients send whole files to the server.
            "MODELPACK_SIGNED_ADDRESSES": "no",
            # libpq's own variable: the address, which stands in logs, holds no password.
            "PGPASSWORD": _secret("POSTGRES_PASSWORD"),
            **_reaching_s3(),
        },
        # Files on their way to the bucket wait here, not in memory.
        "volumes": ["scratch:/scratch"],
        "networks": ["inside", "outside"],
        "ports": [f"{team.host}:{team.port}:{_PORT}"],
        "depends_on": {
            "postgres": {"condition": "service_healthy"},
            "bucket": {"condition": "service_completed_successfully"},
        },
        "healthcheck": _health(["CMD", "python", "-I", "-c", _ALIVE]),
        "stop_grace_period": "40s",
        "restart": "unless-stopped",
    }


def _ours() -> dict[str, Any]:
    return {
        "image": "modelpack-team-server",
        "build": {"context": "./image"},
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - a file system of the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }


def _reaching_s3() -> dict[str, str]:
    return {**_keys(), "AWS_DEFAULT_REGION": "us-east-1", "MLFLOW_S3_ENDPOINT_URL": f"http://s3:{_S3_PORT}"}


def _keys() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": _secret("S3_ACCESS_KEY"),
        "AWS_SECRET_ACCESS_KEY": _secret("S3_SECRET_KEY"),
    }


def _secret(name: str) -> str:
    """Read from ``.env``; without it compose says what is missing, and starts nothing."""
    return f"${{{name}:?it is missing, write .env by modelpack server --compose}}"


def _health(test: list[str]) -> Mapping[str, Any]:
    return {"test": test, "interval": "5s", "timeout": "3s", "retries": 12, "start_period": "10s"}


def _kept() -> dict[str, Any]:
    return {"security_opt": ["no-new-privileges:true"], "restart": "unless-stopped"}
