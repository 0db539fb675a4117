"""Settings: one frozen table that feeds the code, the command line, the environment and the documentation."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NoReturn

from modelpack.errors import shorten
from serving import contract
from serving.errors import InvalidSetting

Coerce = Literal["lossless", "mlflow"]
EngineName = Literal["auto", "native", "onnx"]


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is given and explained. *parse* raises ValueError with what it wants."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    flags: tuple[str, ...]
    variables: tuple[str, ...]
    help: str
    unit: str = ""
    repeated: bool = False
    switch: bool = False

    def read(self, text: str, source: str) -> Any:
        """The value that *text* stands for; *source*, a flag or a variable, is named when it is none."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise InvalidSetting(f"{source}={shorten(repr(text), 60)}: {error}") from None


def _whole(lowest: int, highest: int = 2**31) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text.strip()) or not lowest <= int(text) <= highest:
            limit = f" to {highest}" if highest < 2**31 else " up"
            raise ValueError(f"give a whole number from {lowest}{limit}")
        return int(text)

    return parse


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,6})?", text.strip()):
        raise ValueError("give seconds, such as 60 or 0.5")
    return float(text)


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})\s*(?:([kmg])(?:ib)?|b)?", text.strip().lower())
    if match is None or not int(match[1]):
        raise ValueError("give bytes, such as 1048576, 512KiB or 64MiB")
    return int(match[1]) * _UNITS[match[2] or ""]


def _choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"give {' or '.join(names)}")
        return text

    return parse


def _claim(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"1", "true", "yes", "on", "0", "false", "no", "off", ""}:
        raise ValueError("give true or false")
    return word in {"1", "true", "yes", "on"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def _method(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", text):
        raise ValueError("give the name of a method, such as predict_proba")
    return text


def _environment_manager(text: str) -> str:
    if text != "local":
        raise ValueError("the model is served in the environment that runs this command; give local")
    return text


def _setting(
    default: Any,
    flags: str,
    variables: str,
    help: str,  # noqa: A002 - the word that command lines use for it
    *,
    parse: Callable[[str], Any] = str,
    unit: str = "",
    repeated: bool = False,
    switch: bool = False,
) -> Any:
    how = {
        "parse": parse,
        "flags": tuple(flags.split()),
        "variables": tuple(variables.split()),
        "help": help,
        "unit": unit,
        "repeated": repeated,
        "switch": switch,
    }
    return field(default=default, metadata=how)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can say about one server. Times are seconds, sizes bytes, counts per process."""

    model: str = _setting(
        "", "-m --model-uri", " ".join(contract.MODEL_VARIABLES), "The model: models:/NAME/VERSION or a path."
    )
    host: str = _setting("127.0.0.1", "-h --host", "MODELPACK_HOST MLFLOW_HOST", "The address to listen on.")
    port: int = _setting(
        contract.DEFAULT_PORT,
        "-p --port",
        "MODELPACK_PORT MLFLOW_PORT",
        "The port to listen on; 0 takes a free one.",
        parse=_whole(0, 65535),
    )
    grpc_port: int | None = _setting(
        None,
        "--grpc-port",
        "MODELPACK_GRPC_PORT",
        "The port to listen on for gRPC, too; 0 takes a free one.",
        parse=_whole(0, 65535),
    )
    allow_remote: bool = _setting(
        False,
        "--allow-remote",
        "MODELPACK_ALLOW_REMOTE",
        "Listen beyond this machine; there are no passwords, so put something in front.",
        parse=_claim,
        switch=True,
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (),
        "--allowed-host",
        "MODELPACK_ALLOWED_HOSTS",
        "A host name to answer to; without any: on loopback this machine's own names, else every name.",
        parse=_words,
        repeated=True,
    )
    workers: int = _setting(
        1,
        "-w --workers",
        "MODELPACK_WORKERS MLFLOW_MODELS_WORKERS",
        "Processes; each loads the model.",
        parse=_whole(1, 256),
    )
    threads: int = _setting(
        0,
        "--threads",
        "MODELPACK_THREADS",
        "Predictions at one time in a process; 0: the processors, or a container's share, by the workers.",
        parse=_whole(0, 1024),
    )
    engine: EngineName = _setting(  # noqa: RUF009 - a field, as all the others
        "auto",
        "--engine",
        "MODELPACK_ENGINE",
        "What computes: the ONNX form, the native model, or auto: the form where a report certifies it.",
        parse=_choice("auto", "native", "onnx"),
    )
    method: str = _setting(
        "",
        "--method",
        "MODELPACK_METHOD",
        "What to ask the model: predict, predict_proba or another method; else what its directory says.",
        parse=_method,
    )
    batch_rows: int = _setting(
        256,
        "--batch-rows",
        "MODELPACK_BATCH_ROWS",
        "Most rows of requests that wait and then leave as one call of the model; 1 switches this off.",
        parse=_whole(1, 1_000_000),
    )
    batch_wait: float = _setting(
        0.0,
        "--batch-wait",
        "MODELPACK_BATCH_WAIT",
        "How long such a call that is not full is held back for more rows.",
        parse=_seconds,
        unit="s",
    )
    timeout: float = _setting(
        60.0,
        "-t --timeout",
        "MODELPACK_TIMEOUT MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
        "Time for one answer, 0 for no limit.",
        parse=_seconds,
        unit="s",
    )
    concurrency: int = _setting(
        64,
        "--max-concurrency",
        "MODELPACK_MAX_CONCURRENCY",
        "Predictions that run or wait in a process; the next one is turned away.",
        parse=_whole(1, 100_000),
    )
    body_limit: int = _setting(
        64 << 20, "--body-limit", "MODELPACK_BODY_LIMIT", "Largest body, packed or not.", parse=_size
    )
    body_timeout: float = _setting(
        30.0,
        "--body-timeout",
        "MODELPACK_BODY_TIMEOUT",
        "Time for a body to arrive, and for an answer to be taken; a second more for each KiB.",
        parse=_seconds,
        unit="s",
    )
    header_timeout: float = _setting(
        10.0,
        "--header-timeout",
        "MODELPACK_HEADER_TIMEOUT",
        "Time for a request's head to arrive.",
        parse=_seconds,
        unit="s",
    )
    keep_alive: float = _setting(
        5.0,
        "--keep-alive",
        "MODELPACK_KEEP_ALIVE",
        "How long an idle connection stays open.",
        parse=_seconds,
        unit="s",
    )
    depth_limit: int = _setting(
        64, "--depth-limit", "MODELPACK_DEPTH_LIMIT", "Deepest nesting of a JSON body.", parse=_whole(4, 500)
    )
    coerce: Coerce = _setting(  # noqa: RUF009 - a field, as all the others
        "lossless",
        "--coerce",
        "MODELPACK_COERCE",
        "What becomes of values of another type: lossless refuses what would change them, mlflow is lenient.",
        parse=_choice("lossless", "mlflow"),
    )
    trust: tuple[str, ...] = _setting(
        (),
        "--trust",
        "MODELPACK_TRUST",
        "What loading the model may do beyond plain data: pickle, code, or a type's dotted name.",
        parse=_words,
        repeated=True,
    )
    no_page: bool = _setting(
        False,
        "--no-page",
        "MODELPACK_NO_PAGE",
        "Answer 404 instead of the page for people at /.",
        parse=_claim,
        switch=True,
    )
    linger: float = _setting(
        1.0,
        "--linger",
        "MODELPACK_LINGER",
        "After SIGTERM, how long new requests are still answered, while /ready says no.",
        parse=_seconds,
        unit="s",
    )
    drain: float = _setting(
        30.0,
        "--drain",
        "MODELPACK_DRAIN",
        "After that, how long running requests may take to finish.",
        parse=_seconds,
        unit="s",
    )
    env_manager: str = _setting(
        "local",
        "--env-manager",
        "",
        "Only local, as the model runs in this environment.",
        parse=_environment_manager,
    )

    @classmethod
    def read(
        cls, given: Mapping[str, Any], environ: Mapping[str, str], defaults: Mapping[str, Any] | None = None
    ) -> "Settings":
        """What was *given* on the command line, then ``GUNICORN_CMD_ARGS``, then variables, then *defaults*.

        A value of None counts as not given; what *defaults* do not say the table does. Raises InvalidSetting.
        """
        values = {**(defaults or {}), **_from_variables(environ), **read_gunicorn(environ)[0]}
        values.update({name: value for name, value in given.items() if value is not None})
        return cls(**values)


def options() -> Iterator[Option]:
    """Every setting, in the order of the table."""
    for one in fields(Settings):
        yield Option(name=one.name, default=one.default, **one.metadata)


OPTIONS = {option.name: option for option in options()}


def _from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for option in OPTIONS.values():
        named = next((name for name in option.variables if environ.get(name, "").strip()), None)
        if named is not None:
            values[option.name] = option.read(environ[named], named)
    return values


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidSetting(f"{contract.GUNICORN_VARIABLE}: {shorten(message, 200)}")


def _gunicorn_arguments() -> _Arguments:
    parser = _Arguments(add_help=False, allow_abbrev=False)
    parser.add_argument("-w", "--workers")
    parser.add_argument("-t", "--timeout")
    parser.add_argument("-b", "--bind", action="append")
    parser.add_argument("--graceful-timeout", dest="drain")
    parser.add_argument("--keep-alive", dest="keep_alive")
    return parser


def read_gunicorn(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The settings that ``GUNICORN_CMD_ARGS`` makes, and the words in it that mean nothing here.

    Gunicorn's workers, timeout, bind, graceful-timeout and keep-alive are taken over, so that manifests
    written for MLflow work; in MLflow 2.10 they stood behind every other argument, and won.
    """
    text = environ.get(contract.GUNICORN_VARIABLE, "")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidSetting(f"{contract.GUNICORN_VARIABLE}={shorten(repr(text), 60)}: {error}") from None
    known, unknown = _gunicorn_arguments().parse_known_args(words)
    values = {
        name: OPTIONS[name].read(value, f"{contract.GUNICORN_VARIABLE} --{name.replace('_', '-')}")
        for name, value in vars(known).items()
        if value is not None and name != "bind"
    }
    if known.bind:
        values.update(_read_bind(known.bind[-1]))
    return values, unknown


def _read_bind(text: str) -> dict[str, Any]:
    host, colon, port = text.rpartition(":")
    source = f"{contract.GUNICORN_VARIABLE} --bind"
    if "://" in text or text.startswith("unix:") or not colon or not host:
        raise InvalidSetting(f"{source}={shorten(repr(text), 60)}: give HOST:PORT")
    return {"host": host.strip("[]"), "port": OPTIONS["port"].read(port, source)}


def describe(value: Any) -> str:
    """A default as people write it."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and value >= 1 << 20:
        return f"{value >> 20}MiB"
    return str(value)


def table() -> str:
    """The settings as a Markdown table; serving/README.md holds it, and a test that it does."""
    lines = ["| flag | variables | default | what it says |", "|---|---|---|---|"]
    for option in OPTIONS.values():
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        variables = ", ".join(f"`{name}`" for name in option.variables)
        default = " ".join(word for word in (describe(option.default), option.unit) if word)
        again = " May be given again; commas in the variable." if option.repeated else ""
        lines.append(f"| {flags} | {variables} | {default} | {option.help}{again} |")
    return "\n".join(lines)
