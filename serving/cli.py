"""The ``serve`` command."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import click

from modelpack.cli import run
from modelpack.errors import MissingDependency, shorten
from serving.image import Image
from serving.run.threads import limit_libraries
from serving.settings import OPTIONS, Option, Settings, describe, read_gunicorn


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 stopped when asked, 1 refused with one line, 2 wrong usage."""
    sys.exit(run(serve, arguments, name="serve"))


def part(module: str) -> Any:
    """A part of the server, imported when a verb is run: its help must not need what the verb needs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingDependency("serving", package=str(error.name), extra="serve") from error


class _Value(click.ParamType[Any]):
    """A setting's own grammar."""

    def __init__(self, option: Option) -> None:
        self.name = option.unit or option.name
        self._option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read *value*; a wrong one is wrong usage."""
        try:
            return self._option.parse(value)
        except ValueError as error:
            self.fail(f"{shorten(repr(value), 60)}: {error}", param, ctx)


def option_of(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The click option for a setting; one that is not given is None."""
    variables = f" [{', '.join(option.variables)}]" if option.variables else ""
    default = describe(option.default)
    shown = f" (default: {' '.join(word for word in (default, option.unit) if word)})" if default else ""
    text = f"{option.help}{variables}{shown}"
    if option.switch:
        return click.option(*option.flags, option.name, is_flag=True, default=None, help=text)
    return click.option(
        *option.flags, option.name, type=_Value(option), multiple=option.repeated, default=None, help=text
    )


def _all_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(OPTIONS.values()):
        command = option_of(option)(command)
    return command


@click.command(context_settings={"help_option_names": ["--help"], "max_content_width": 110})
@_all_options
@click.option("--no-conda", is_flag=True, hidden=True, help="MLflow's old word for --env-manager local.")
@click.argument("word", required=False, metavar="", type=click.Choice(["serve"]))
def serve(no_conda: bool, word: str | None, **given: Any) -> int:
    """Serve a model over HTTP with MLflow's scoring protocol.

    What is not said here is taken from GUNICORN_CMD_ARGS (workers, timeout, bind, graceful-timeout and
    keep-alive), then from the variables in brackets.
    """
    # It is always so here; and hosts of containers say "serve" to an image that does nothing else.
    del no_conda, word
    settings = read_settings(given, os.environ)
    if not settings.model:
        raise click.UsageError(
            f"say which model: {OPTIONS['model'].help} Use -m, or {OPTIONS['model'].variables[0]}."
        )
    _warn_of_ignored()
    limit_libraries(settings, os.environ)
    return int(part("serving.run.start").start(settings))


def read_settings(given: Mapping[str, Any], environ: MutableMapping[str, str]) -> Settings:
    """The settings of a server that was *given* these values of options.

    In an image, its own word stands behind everything that is said from outside; variables that it brings
    are entered into *environ*.
    """
    image = Image.read(environ)
    if image is not None:
        for name, value in image.variables.items():
            environ.setdefault(name, value)
    known = {name: value for name, value in given.items() if name in OPTIONS}
    return Settings.read(flattened(known), environ, image.defaults() if image else None)


def flattened(given: Mapping[str, Any]) -> dict[str, Any]:
    """What click found for settings. Repeated ones come as tuples of tuples, empty where none is given."""
    return {
        name: tuple(word for words in value for word in words) or None if OPTIONS[name].repeated else value
        for name, value in given.items()
    }


def _warn_of_ignored() -> None:
    ignored = read_gunicorn(os.environ)[1]
    if ignored:
        words = shorten(" ".join(ignored), 200)
        click.echo(f"Warning: nothing here answers to this part of GUNICORN_CMD_ARGS: {words}", err=True)
