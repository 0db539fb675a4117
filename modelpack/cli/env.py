"""``modelpack env``: what a model needs installed, as text, as a file, or as an environment."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelpack.addresses import without_password
from modelpack.cli._venv import Interpreter, Order, choose_python, create
from modelpack.cli.output import as_json, print_json
from modelpack.cli.stopping import stoppable
from modelpack.directory import ModelDirectory, environment, layout
from modelpack.directory.environment import Environment
from modelpack.errors import InvalidModel, Untrusted, shorten
from modelpack.files import inside, write_file
from modelpack.loading import open_model

_OURS = "modelpack"
"""On public registries another project bears the name: a line with it would bring that one."""


@click.command(short_help="Print what a model needs installed, or install it.")
@click.argument("ref")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["pip", "conda"]),
    default="pip",
    show_default=True,
    help="requirements.txt or conda.yaml.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file; it is replaced."
)
@click.option(
    "--create",
    "folder",
    type=click.Path(path_type=Path),
    help="Make a new virtual environment with exactly that.",
)
@click.option(
    "--python", help="For --create: a version or a program, instead of the version the model was saved with."
)
@click.option(
    "--allow-sources",
    is_flag=True,
    help="Let the model say where packages come from: indexes, addresses, paths, further files.",
)
@as_json
def env(
    ref: str,
    *,
    format_: str,
    output: Path | None,
    folder: Path | None,
    python: str | None,
    allow_sources: bool,
    as_json: bool,
) -> None:
    """Print the requirements of the model REF, or make an environment of them.

    Nothing of the model runs; but who installs packages runs what their makers wrote. They come from where
    the installer's own settings say. A model's lines that name other sources are refused without
    --allow-sources; the constraints.txt beside it is heeded.
    """
    if python is not None and folder is None:
        raise click.UsageError("--python is for --create")
    if folder is not None and (output is not None or as_json):
        raise click.UsageError("--create stands alone, without --output and --json")
    directory = open_model(ref)
    found = _read(directory, allow_sources=allow_sources)
    lines, limits = _installable(found.requirements), _installable(found.constraints)
    if folder is not None:
        own = inside(directory.path, layout.REQUIREMENTS)
        own_file = own if found.sources and own.is_file() else None
        order = Order(requirements=(*found.sources, *lines), constraints=limits, own=own_file)
        _create(folder.absolute(), order, _python(found, python, os.environ))
        return
    if as_json:
        print_json(
            {
                "python": found.python,
                "requirements": lines,
                "constraints": limits,
                "sources": found.sources,
                "conda": found.conda,
            }
        )
        return
    text = _text(directory, found, [*_words(directory, found), *lines], format_)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode())
        click.echo(f"Wrote {output}.", err=True)


def _read(directory: ModelDirectory, *, allow_sources: bool) -> Environment:
    """What the model needs; raises Untrusted for sources that the operator has not allowed."""
    found = environment.read(directory.path, sources=True)
    if found.sources and not allow_sources:
        line = shorten(repr(without_password(found.sources[0])), 100)
        raise Untrusted(
            f"the model says where packages come from, in {line}",
            allow="--allow-sources",
        )
    if found.conda:
        _note(f"pip does not bring what only conda.yaml names: {', '.join(found.conda)}; see --format conda")
    if not (found.requirements or found.sources or found.conda):
        _note("the model does not say what it needs")
    return found


def _installable(lines: Sequence[str]) -> list[str]:
    """*lines* without ours: it is installed from where it was got, never by its name."""
    kept = [line for line in lines if canonicalize_name(Requirement(line).name) != _OURS]
    if len(kept) < len(lines):
        _note(f"{_OURS} itself is left out: install it from where you have it")
    return kept


def _words(directory: ModelDirectory, found: Environment) -> list[str]:
    """What stands before the requirements: sources that were allowed, and the constraints by their path."""
    if not found.constraints:
        return list(found.sources)
    path = str(inside(directory.path, layout.CONSTRAINTS))
    if not path.isprintable() or any(character in path for character in " \"'\\#$"):
        raise InvalidModel(
            f"the path {shorten(repr(path), 120)} cannot stand in a file of requirements; move it"
        )
    return [*found.sources, f"-c {path}"]


def _text(directory: ModelDirectory, found: Environment, lines: Sequence[str], format_: str) -> str:
    if format_ == "conda":
        return environment.conda_text(directory.path, found, lines)
    return "".join(f"{line}\n" for line in lines)


def _python(found: Environment, given: str | None, environ: Mapping[str, str]) -> Interpreter:
    chosen = choose_python(found.python, given, environ)
    if given is None and found.python is not None and chosen.version != found.python:
        how = "is used in its place" if chosen.is_like(found.python) else "is used, and may not do"
        _note(
            f"the model was saved with Python {found.python}, which is not here; {chosen.version} {how} "
            "(--python names another)"
        )
    return chosen


def _create(folder: Path, order: Order, python: Interpreter) -> None:
    with stoppable():
        create(folder, order, python, environ=os.environ, say=lambda line: click.echo(line, err=True))
    click.echo(f"Made {folder}: source {folder / 'bin' / 'activate'}")


def _note(text: str) -> None:
    click.echo(f"Note: {shorten(text)}", err=True)
