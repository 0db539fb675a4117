"""The verbs ``modelpack build-docker`` and ``modelpack generate-dockerfile``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from serving.images import dockerfile, names
from serving.images.context import Context, context
from serving.images.engine import Builder, Order, engine
from serving.images.errors import Disagreement
from serving.images.plan import NETRC, PIP_CONFIG, ImagePlan
from serving.images.planning import plan_image
from serving.images.requirements import EXTRAS

_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_Command = Callable[..., Any]

_OPTIONS = (
    click.option(
        "-m", "--model-uri", "reference", required=True, help="The model: models:/NAME/VERSION or a path."
    ),
    click.option(
        "--engine",
        type=click.Choice(["auto", "native", "onnx"]),
        default="auto",
        show_default=True,
        help="What computes: onnx is the smallest; auto holds both where a report certifies the first.",
    ),
    click.option("--base", help="The image to build on, best with its digest; default: python:X.Y-slim."),
    click.option("--python", help="The Python in the base; default: as its tag, or the model, says."),
    click.option("--platform", help="linux/amd64 or linux/arm64; default: as this machine."),
    click.option("--port", type=int, help="Where the server listens in its container; default: 8080."),
    click.option(
        "--model-at-start", "at_start", is_flag=True, help="Leave the model out; fetch it each start."
    ),
    click.option(
        "--extra",
        "extras",
        multiple=True,
        type=click.Choice(EXTRAS),
        help="An extra of modelpack: bodies of Arrow, gRPC, traces by OpenTelemetry. May be given again.",
    ),
    click.option("--lock", type=_File, help="Install exactly this: NAME==VERSION --hash=sha256:… lines."),
    click.option("--sbom", is_flag=True, help="Add a bill of materials (CycloneDX), inside and beside."),
)
_REPEATED = (
    ("--extra-requirements", "more", "NAME==VERSION", "Another Python distribution."),
    ("--system-package", "system_packages", "NAME[=VERSION]", "A package of the base's Debian, as libgomp1."),
    ("--env", "variables", "KEY=VALUE", "A variable of the server; no secrets."),
    ("--label", "labels", "KEY=VALUE", "A label of the image."),
    ("--build-arg", "build_arguments", "KEY=VALUE", "A variable of the build alone; no secrets."),
    ("--extra-index-url", "more_indexes", "URL", "Another package index to ask."),
)
_LAST = (
    click.option("--index-url", "index", metavar="URL", help="The package index to ask, without password."),
    click.option(
        "--pip-config", type=_File, help="A pip.conf with credentials: read by the build, kept nowhere."
    ),
    click.option("--netrc", type=_File, help="A netrc with credentials: read by the build, kept nowhere."),
)


def _of_a_plan(command: _Command) -> _Command:
    several = [
        click.option(flag, name, metavar=metavar, multiple=True, help=f"{text} May be given again.")
        for flag, name, metavar, text in _REPEATED
    ]
    for option in reversed((*_OPTIONS, *several, *_LAST)):
        command = option(command)
    return command


@click.command("generate-dockerfile", short_help="Write all that an image is built of.")
@_of_a_plan
@click.option(
    "-d", "--output-directory", "folder", required=True, type=click.Path(path_type=Path), help="A new folder."
)
def generate_dockerfile(reference: str, folder: Path, **given: Any) -> None:
    """Write a folder that an image of the model is built of: Dockerfile, lock, model and what they need.

    No engine is asked. The same model and options give the same bytes. Any builder takes the folder:
    docker build DIR.
    """
    plan, made = _made(reference, given)
    made.write(folder)
    click.echo(f"{folder}: {len(made.files)} files, {made.digest}")
    _mention(plan)


@click.command("build-docker", short_help="Build a container image that serves a model.")
@_of_a_plan
@click.option("-n", "--name", "tag", required=True, metavar="NAME:TAG", help="What the image will be called.")
@click.option(
    "--builder",
    type=click.Choice(["classic", "buildkit", "podman"]),
    default="classic",
    show_default=True,
    help="What builds it: Docker by its SDK, docker with BuildKit, or podman.",
)
@click.option("--proxy", metavar="URL", help="The build's way to the network; in no layer.")
@click.option("--no-proxy", metavar="HOSTS", help="What the build reaches without it.")
@click.option("--pull", is_flag=True, help="Look for a newer base in its registry first.")
@click.option("--push", is_flag=True, help="Send the image to its registry when it is built.")
@click.option("--dry-run", is_flag=True, help="Print the Dockerfile and the files, and build nothing.")
def build_docker(
    reference: str,
    tag: str,
    *,
    builder: Builder,
    proxy: str | None,
    no_proxy: str | None,
    pull: bool,
    push: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Build a container image that serves the model at port 8080, as MLflow's images do.

    The model is inside, at /opt/ml/model, and runs as nobody, on a read-only disk if you like.
    """
    tag = names.target("-n", tag)
    order_secrets = _secrets(given)
    if order_secrets and builder == "classic":
        raise Disagreement(
            "the classic builder would keep a secret in a layer: say --builder buildkit or podman"
        )
    # Before minutes of work: is there somebody to do it?
    maker = None if dry_run else engine(builder)
    plan, made = _made(reference, given)
    if maker is None:
        _show(made)
        return
    order = Order(
        tag=tag,
        platform=plan.platform,
        arguments=_proxies(proxy, no_proxy),
        secrets=order_secrets,
        pull=pull,
    )
    _mention(plan)
    identity = maker.build(made, order, _say)
    if plan.sbom:
        beside = Path(f"{tag.rpartition('/')[2].replace(':', '-')}.cdx.json")
        beside.write_text(_text(made, dockerfile.SBOM), encoding="utf-8")
        _say(f"bill of materials: {beside}")
    if push:
        maker.push(tag, _say)
    click.echo(f"{tag} {identity}")


def _made(reference: str, given: dict[str, Any]) -> tuple[ImagePlan, Context]:
    secrets = tuple(_secrets(given))
    words = {
        name: value
        for name, value in given.items()
        if value not in (None, ()) and name not in ("pip_config", "netrc")
    }
    for name, flag in (("variables", "--env"), ("labels", "--label"), ("build_arguments", "--build-arg")):
        if name in words:
            words[name] = tuple(_pair(flag, text) for text in words[name])
    plan, directory = plan_image(reference, secrets=secrets, **words)
    return plan, context(plan, directory, template=dockerfile.template())


def _secrets(given: dict[str, Any]) -> dict[str, Path]:
    files = {PIP_CONFIG: given.get("pip_config"), NETRC: given.get("netrc")}
    return {name: path.resolve() for name, path in files.items() if path is not None}


def _pair(flag: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Disagreement(f"{flag} {key[:60]!r} has no value: write {flag} KEY=VALUE")
    return key, value


def _proxies(proxy: str | None, without: str | None) -> dict[str, str]:
    """Build arguments that every builder knows and none records."""
    found = {}
    if proxy:
        found.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy))
    if without:
        found.update(dict.fromkeys(("NO_PROXY", "no_proxy"), without))
    return found


def _show(made: Context) -> None:
    click.echo(_text(made, "Dockerfile"))
    for name, content in sorted(made.files.items()):
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        click.echo(f"{size:>12}  {name}")
    click.echo(f"context {made.digest}")


def _text(made: Context, name: str) -> str:
    content = made.files[name]
    return content.decode() if isinstance(content, bytes) else content.read_text(encoding="utf-8")


def _mention(plan: ImagePlan) -> None:
    if names.digest_of(plan.base) is None:
        _say(f"note: {plan.base} may change; give it with its digest, --base {plan.base}@sha256:…")


def _say(line: str) -> None:
    click.echo(line, err=True)
