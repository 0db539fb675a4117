"""The verb ``doctor``: everything is looked at, nothing is made, and no secret is shown."""

import os
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

import click

from modelpack.cli.doctor import machine, places, registry, server, trusted, variables, versions
from modelpack.cli.doctor.finding import STATES, Finding, Patient, worst
from modelpack.cli.output import as_json, print_json, width
from modelpack.errors import ModelpackError, shorten

CHECKS: Final[dict[str, Callable[[Patient], Iterable[Finding]]]] = {
    "versions": versions.look,
    "places": places.look,
    "registry": registry.look,
    "server": server.look,
    "cache": places.look_at_cache,
    "trust": trusted.look,
    "variables": variables.look,
    "machine": machine.look,
}

_COLORS: Final = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command(short_help="Look at the installation, and say what is wrong.")
@click.option("--verify", is_flag=True, help="Read every byte of the cache, too.")
@as_json
@click.pass_context
def doctor(ctx: click.Context, *, verify: bool, as_json: bool) -> None:
    """Look at what is installed and set, at the home, the registry and the server; say what to do.

    Nothing is made or changed, and no secret is shown: the answer can be sent to who helps. Exit code 1 when
    there is a problem.
    """
    findings = examine(Patient(environ=dict(os.environ), verify=verify))
    state = worst(findings)
    if as_json:
        print_json({"state": state, "findings": findings})
    else:
        _print(findings)
    ctx.exit(1 if state == "problem" else 0)


def examine(patient: Patient) -> list[Finding]:
    """What all checks find, without a secret; a check that fails is a problem by itself."""
    hidden = variables.secrets(patient.environ)
    return [
        replace(
            one,
            told=shorten(variables.scrubbed(one.told, hidden), 400),
            do=shorten(variables.scrubbed(one.do, hidden), 400),
        )
        for name, look in CHECKS.items()
        for one in _found(name, look, patient)
    ]


def _found(name: str, look: Callable[[Patient], Iterable[Finding]], patient: Patient) -> Iterator[Finding]:
    try:
        yield from look(patient)
    except ModelpackError as error:
        yield Finding(name, "problem", str(error))
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        # Its words are not ours, and may hold a secret.
        yield Finding(name, "problem", f"cannot be looked at: {type(error).__name__}")


def _print(findings: list[Finding]) -> None:
    checks = max(len(one.check) for one in findings) + 2
    lead = 9 + checks
    for one in findings:
        first, *more = _wrapped(one.told, lead)
        click.echo(click.style(f"{one.state:<9}", fg=_COLORS[one.state]) + f"{one.check:<{checks}}{first}")
        for line in [*more, *(_wrapped(f"→ {one.do}", lead) if one.do else [])]:
            click.echo(" " * lead + line)
    counts = {state: sum(one.state == state for one in findings) for state in STATES}
    click.echo("\n" + ", ".join(f"{count} {state}" for state, count in counts.items()))


def _wrapped(text: str, lead: int) -> list[str]:
    room = max(20, width(100) - lead)
    # A path that is broken in two cannot be copied.
    return textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
