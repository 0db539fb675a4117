"""What verbs print: a table for people, JSON for programs."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from modelpack.errors import shorten

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def width(without: int) -> int:
    """Columns of the terminal that is written to; *without* one, so many."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else without


def print_json(value: Any) -> None:
    """*value* (dataclasses, mappings, lists, text, numbers) as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """*rows* under *headings*, in columns as wide as their widest cell; control characters are escaped."""
    lines = [list(headings), *([shorten(str(cell), 80) for cell in row] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(headings))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
