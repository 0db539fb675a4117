"""The ``modelpack`` command: one verb a file, found by name."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from modelpack._version import __version__
from modelpack.errors import ModelpackError
from modelpack.plugins import Table

COMMANDS: Table[click.Command] = Table(
    "command",
    group="modelpack.commands",
    builtins={
        "inspect": "modelpack.cli.inspect:inspect",
        "verify": "modelpack.cli.verify:verify",
        "certify": "modelpack.cli.certify:certify",
        "export-onnx": "modelpack.cli.export_onnx:export_onnx",
        "register": "modelpack.cli.register:register",
        "models": "modelpack.cli.models:models",
        "promote": "modelpack.cli.promote:promote",
        "alias": "modelpack.cli.alias:alias",
        "tag": "modelpack.cli.tag:tag",
        "import-mlflow": "modelpack.cli.import_mlflow:import_mlflow",
        "cache": "modelpack.cli.cache:cache",
        "env": "modelpack.cli.env:env",
        "doctor": "modelpack.cli.doctor:doctor",
        "server": "modelpack.cli.server:server",
        "ui": "modelpack.cli.server:ui",
        "db": "modelpack.cli.db:db",
        "token": "modelpack.cli.token:token",
    },
)


class _Verbs(click.Group):
    """A group that imports a verb when it is called, or when its help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return COMMANDS.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return COMMANDS[cmd_name]


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="modelpack")
def cli() -> None:
    """Package a model, register it, promote it, serve it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 refused with one line on stderr, 2 wrong usage, 130 interrupted."""
    sys.exit(run(cli, arguments, name="modelpack"))


def run(command: click.Command, arguments: Sequence[str] | None, *, name: str) -> int:
    """Run *command* and answer the exit code; foreseen errors are one line, without a traceback."""
    try:
        result: Any = command.main(arguments, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    except ModelpackError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    return result if isinstance(result, int) else 0
