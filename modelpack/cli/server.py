"""The verbs ``server`` and ``ui``: a registry and its runs, for a team or for one person."""

import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from modelpack import settings
from modelpack.errors import MissingDependency
from modelpack.plugins import Table

T = TypeVar("T", bound=Callable[..., Any])

DEPLOYMENTS: Table[Callable[..., Sequence[Path]]] = Table(
    "deployment", group="modelpack.deployments", builtins={}
)
"""Who writes the files of a server and what it needs: they know images, and this room does not."""

_SIZE = re.compile(r"([0-9]{1,12})\s*(?:([kmgt])(?:ib)?|b)?", re.IGNORECASE)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_PROXY = "mlflow-artifacts:"


class _Size(click.ParamType[int]):
    """Bytes, such as 4MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read *value*; a wrong one is wrong usage."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail("give bytes, such as 1048576, 512KiB or 4MiB", param, ctx)
        return int(found[1]) << _UNITS[(found[2] or "").lower()]


class _Words(click.ParamType[tuple[str, ...]]):
    """Words between commas."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read *value*."""
        if isinstance(value, tuple):
            return value
        return tuple(word for word in (part.strip() for part in str(value).split(",")) if word)


def _option(*flags: str, variables: str, **how: Any) -> Callable[[T], T]:
    names = variables.split()
    how["help"] = f"{how['help']} [{', '.join(names)}]"
    return click.option(*flags, envvar=names, **how)


def _places(command: T) -> T:
    for add in (
        _option(
            "--artifacts-destination",
            variables="MODELPACK_ARTIFACTS_DESTINATION MLFLOW_ARTIFACTS_DESTINATION",
            metavar="PLACE",
            help="MLflow's word for the artifact root; goes before it.",
        ),
        _option(
            "--default-artifact-root",
            variables="MODELPACK_ARTIFACT_ROOT MLFLOW_DEFAULT_ARTIFACT_ROOT",
            metavar="PLACE",
            help="Where files are kept: a folder, or s3://BUCKET/FOLDER; $MODELPACK_HOME/artifacts.",
        ),
        _option(
            "--backend-store-uri",
            variables="MODELPACK_BACKEND_STORE_URI MLFLOW_BACKEND_STORE_URI",
            metavar="URI",
            help="The database: sqlite:///FILE or postgresql://…; else the one that is tracked to.",
        ),
    ):
        command = add(command)
    return command


def _door(command: T) -> T:
    for add in (
        _option(
            "-p",
            "--port",
            variables="MODELPACK_PORT MLFLOW_PORT",
            type=click.IntRange(0, 65535),
            default=5000,
            show_default=True,
            help="The port to listen on; 0 takes a free one.",
        ),
        _option(
            "-h",
            "--host",
            variables="MODELPACK_HOST MLFLOW_HOST",
            default="127.0.0.1",
            show_default=True,
            help="The address to listen on.",
        ),
    ):
        command = add(command)
    return command


def _scoring(command: T) -> T:
    return _option(
        "--scoring-server",
        "scoring_servers",
        variables="MODELPACK_SCORING_SERVERS",
        multiple=True,
        metavar="URL",
        help="A scoring server that pages may send rows to, to try a model; more than one may be given.",
    )(command)


@click.command(context_settings={"help_option_names": ["--help"], "max_content_width": 110})
@_places
@_door
@_option(
    "-w",
    "--workers",
    variables="MODELPACK_WORKERS MLFLOW_WORKERS",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes.",
)
@_option(
    "--require-auth",
    variables="MODELPACK_REQUIRE_AUTH",
    is_flag=True,
    help="Ask everybody for a token; `modelpack token create` makes them.",
)
@_option(
    "--allow-remote",
    variables="MODELPACK_ALLOW_REMOTE",
    is_flag=True,
    help="Listen beyond this machine without asking for tokens: something in front does.",
)
@_option(
    "--allowed-hosts",
    variables="MODELPACK_ALLOWED_HOSTS MLFLOW_SERVER_ALLOWED_HOSTS",
    type=_Words(),
    default=(),
    metavar="NAMES",
    help="Names to answer to, such as models.example.com,*.team.example.com, or * for any; "
    "without them this machine's own and, beyond loopback, every IP address.",
)
@_option(
    "--cors-allowed-origins",
    "allowed_origins",
    variables="MODELPACK_CORS_ALLOWED_ORIGINS MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
    type=_Words(),
    default=(),
    metavar="ORIGINS",
    help="Origins whose pages may ask, such as https://notebooks.example.com.",
)
@_option(
    "--body-limit",
    variables="MODELPACK_BODY_LIMIT",
    type=_Size(),
    default=4 << 20,
    metavar="SIZE",
    help="Largest JSON body; 4MiB.",
)
@_option(
    "--artifact-limit",
    variables="MODELPACK_ARTIFACT_LIMIT",
    type=_Size(),
    default=0,
    metavar="SIZE",
    help="Largest file that is taken; 0, the default, for any.",
)
@_option(
    "--drain",
    variables="MODELPACK_DRAIN",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="After SIGTERM, how long running requests may take to finish.",
)
@_scoring
@_option(
    "--pages/--no-pages",
    variables="MODELPACK_PAGES",
    default=True,
    help="Show people what is held, too; the API alone without.",
)
@click.option(
    "--compose",
    is_flag=False,
    flag_value=".",
    metavar="[FOLDER]",
    help="Serve nothing; write docker-compose.yaml, .env and the image's folder: the server with PostgreSQL "
    "and a bucket.",
)
@click.option("--force", is_flag=True, help="With --compose: replace what was written, but for .env.")
@click.option("--serve-artifacts", is_flag=True, hidden=True, help="MLflow's word for what is always so.")
def server(*, serve_artifacts: bool, compose: str | None, force: bool, **given: Any) -> int:
    """Serve a registry and its runs to a team, over MLflow's REST API.

    Clients set MLFLOW_TRACKING_URI (or MODELPACK_TRACKING_URI) to its address. Settings that are not given
    are taken from the variables in brackets.
    """
    del serve_artifacts
    if compose is not None:
        words = {name: given[name] for name in ("host", "port", "workers", "allowed_hosts")}
        for file in DEPLOYMENTS["compose"](Path(compose), again=force, **words):
            click.echo(file)
        return 0
    return _start(given, tell=None)


@click.command(context_settings={"help_option_names": ["--help"], "max_content_width": 110})
@_places
@_door
@_scoring
def ui(**given: Any) -> int:
    """Look at a registry and its runs in a browser: a server for one person, on this machine."""

    def tell(url: str) -> None:
        click.echo(f"Open {url} in a browser; Ctrl-C ends it.")

    return _start(given, tell=tell)


def _start(given: Mapping[str, Any], *, tell: Callable[[str], None] | None) -> int:
    plain = {name: value for name, value in given.items() if name not in _PLACES}
    room = _part("modelpack.tracking.server.settings")
    plain["scoring_servers"] = tuple(map(room.scoring_address, plain["scoring_servers"]))
    chosen = room.ServerSettings(
        backend_store_uri=given["backend_store_uri"] or _database(os.environ),
        artifact_root=_root(given, os.environ),
        **plain,
    )
    return int(_part("modelpack.tracking.server.run").start(chosen, tell=tell))


_PLACES = frozenset({"backend_store_uri", "default_artifact_root", "artifacts_destination"})


def _database(environ: Mapping[str, str]) -> str:
    """The one that is tracked to, unless that is a server: this one, perhaps."""
    for variable in ("MODELPACK_TRACKING_URI", "MLFLOW_TRACKING_URI"):
        if environ.get(variable) and not environ[variable].lower().startswith(("http:", "https:")):
            return environ[variable]
    return f"sqlite:///{settings.home(environ) / 'registry.db'}"


def _root(given: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    root = given["default_artifact_root"] or ""
    # With MLflow, the proxy is a root of its own, and the destination what lies behind it. Here it always is.
    if root.startswith(_PROXY):
        root = ""
    return str(given["artifacts_destination"] or root or settings.home(environ) / "artifacts")


def _part(module: str) -> Any:
    """A part of the server, imported when a verb is run: its help must not need what the verb needs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("modelpack"):
            raise
        raise MissingDependency("the team server", package=str(error.name), extra="track") from error
