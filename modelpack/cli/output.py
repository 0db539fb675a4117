"""What verbs print: a table for people, JSON for programs."""

import shutil
import sys
import textwrap
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
    """*rows* under *headings*, in columns as wide as their widest cell; control characters are escaped.

    On a terminal the widest columns are cut until a line fits.
    """
    lines = [list(headings), *([shorten(str(cell), 80) for cell in row] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(headings))]
    room = width(without=0)
    while room and sum(widths) + 2 * len(widths) - 2 > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for line in lines:
        cells = (shorten(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def print_fact(label: str, text: str) -> None:
    """*text* behind its *label*, in as many lines as it needs; control characters are escaped."""
    room = max(20, width(without=100) - _LABEL)
    plain = shorten(text, _LONGEST_FACT)
    # A path or a version that is broken in two cannot be copied.
    for number, line in enumerate(
        textwrap.wrap(plain, room, break_on_hyphens=False, break_long_words=False) or [""]
    ):
        click.echo(f"{'' if number else label:<{_LABEL}}{line}".rstrip())


_NARROWEST = 10
_LABEL = 9
_LONGEST_FACT = 4000
