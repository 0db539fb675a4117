"""Container engines, the only part with effects: they build a context, and push what was built."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from modelpack.errors import shorten
from serving.images.context import Context
from serving.images.errors import BuildFailed, Disagreement, EngineUnavailable
from serving.images.tools import tool

Builder = Literal["classic", "buildkit", "podman"]
Say = Callable[[str], None]

_SECONDS = 3600
"""The longest that an engine may be silent: a large layer is unpacked without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build: *tag* is the image's name, *platform* what it is for.

    *arguments* are for the build alone (proxies), *secrets* files that it may read, by name. With *pull* the
    base is looked for in its registry even when it is here.
    """

    tag: str
    platform: str
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]
    pull: bool = False


class Engine(Protocol):
    """Whatever makes an image of a context, and says what it does line by line."""

    def build(self, context: Context, order: Order, say: Say) -> str:
        """Build; answers the image's id. Raises EngineUnavailable and BuildFailed."""
        ...

    def push(self, tag: str, say: Say) -> None:
        """Send the image called *tag* to its registry. Raises EngineUnavailable and BuildFailed."""
        ...


def engine(builder: Builder) -> Engine:
    """The engine that *builder* means. Raises EngineUnavailable where it is not there."""
    if builder == "classic":
        return Classic()
    return Program("docker" if builder == "buildkit" else "podman")


class Classic:
    """Docker's own builder, by its SDK; the engine is where ``DOCKER_HOST`` says, or on this machine."""

    def __init__(self) -> None:
        self._docker = tool("docker", "building an image")
        with self._connected():
            pass

    def build(self, context: Context, order: Order, say: Say) -> str:
        """See Engine. Raises Disagreement for secrets, which this builder would keep in a layer."""
        if order.secrets:
            raise Disagreement(
                "the classic builder cannot keep secrets out of layers: say --builder buildkit"
            )
        with tempfile.TemporaryFile() as file, self._connected() as client:
            context.pack(file)
            file.seek(0)
            steps = client.api.build(
                fileobj=file,
                custom_context=True,
                tag=order.tag,
                platform=order.platform,
                buildargs=dict(order.arguments),
                pull=order.pull,
                rm=True,
                forcerm=True,
                decode=True,
            )
            _follow(steps, say)
            return str(client.images.get(order.tag).id)

    def push(self, tag: str, say: Say) -> None:
        """See Engine. Credentials are those of ``docker login``."""
        name, _, version = tag.rpartition(":")
        with self._connected() as client:
            _follow(client.api.push(name, tag=version, stream=True, decode=True), say)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        _knock(os.environ.get("DOCKER_HOST") or str(self._docker.constants.DEFAULT_UNIX_SOCKET))
        try:
            client = self._docker.from_env(timeout=_SECONDS)
            client.ping()
        except self._docker.errors.DockerException as error:
            raise _unavailable(str(error)) from error
        try:
            yield client
        except (self._docker.errors.DockerException, OSError) as error:
            raise BuildFailed(shorten(f"the engine stopped: {error}")) from error
        finally:
            client.close()


def _knock(host: str) -> None:
    """Raise EngineUnavailable when nobody listens at *host*; the SDK would leave its own socket open."""
    scheme, _, path = host.partition("://")
    if not scheme.endswith("unix"):
        return
    with socket.socket(socket.AF_UNIX) as knocker:
        try:
            knocker.connect(path)
        except OSError as error:
            raise _unavailable(f"{path}: {error.strerror or error}") from error


def _follow(steps: Iterable[Mapping[str, Any]], say: Say) -> None:
    """Show all *steps*, to the end even after an error: the connection is then free again."""
    error = None
    for step in steps:
        error = error or step.get("error")
        _say_lines(step, say)
    if error:
        raise BuildFailed(shorten(f"the engine stopped: {error}"))


def _say_lines(step: Mapping[str, Any], say: Say) -> None:
    # A layer that is sent tells its progress many times a second; its beginning and end are enough.
    if step.get("progressDetail"):
        return
    text = step.get("stream") or " ".join(str(step[key]) for key in ("id", "status") if key in step)
    for line in str(text).splitlines():
        if line.strip():
            say(line.rstrip())


class Program:
    """An engine that is asked by its command: ``docker`` with BuildKit, or ``podman``."""

    def __init__(self, name: Literal["docker", "podman"]) -> None:
        found = shutil.which(name)
        if found is None:
            raise _unavailable(f"{name} is not on PATH")
        self._name, self._path = name, found

    def build(self, context: Context, order: Order, say: Say) -> str:
        """See Engine."""
        with tempfile.TemporaryDirectory(prefix="modelpack-build-") as place:
            folder, note = Path(place) / "context", Path(place) / "id"
            context.write(folder)
            words = ["build", "--tag", order.tag, "--platform", order.platform, "--iidfile", str(note)]
            words += ["--progress=plain"] if self._name == "docker" else ["--format=docker"]
            words += ["--pull"] if order.pull else []
            # By name alone: the value comes from the environment, which not everyone sees as they see words.
            words += [word for name in order.arguments for word in ("--build-arg", name)]
            for name, path in order.secrets.items():
                words += ["--secret", f"id={name},src={path}"]
            self._run([*words, str(folder)], say, order.arguments)
            return note.read_text(encoding="utf-8").strip()

    def push(self, tag: str, say: Say) -> None:
        """See Engine."""
        self._run(["push", tag], say)

    def _run(self, words: list[str], say: Say, more: Mapping[str, str] | None = None) -> None:
        last = ""
        with subprocess.Popen(  # noqa: S603 - a list of words, no shell
            [self._path, *words],
            env={**os.environ, **(more or {}), "DOCKER_BUILDKIT": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                if line.strip():
                    last = line.rstrip()
                    say(last)
        if process.returncode:
            if any(sign in last for sign in _NOBODY):
                raise _unavailable(last)
            raise BuildFailed(shorten(f"{self._name} stopped with code {process.returncode}: {last}"))


_NOBODY = (
    "Cannot connect to the Docker daemon",
    "failed to connect to the docker API",
    "permission denied while",
)


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        "no container engine answers: start Docker, set DOCKER_HOST, or try --builder podman; or write all "
        f"files with modelpack generate-dockerfile and build them elsewhere ({shorten(reason, 110)})"
    )
