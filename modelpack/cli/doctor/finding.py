"""One thing that was looked at, and how it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

State = Literal["ok", "warning", "problem"]
STATES: Final[tuple[State, ...]] = ("ok", "warning", "problem")
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was met (*told*) when *check* was looked at, and what to *do* about it."""

    check: str
    state: State
    told: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at: the environment, and the system below *root*.

    *deadline* is how many seconds others may take to answer; *verify* asks for every byte of the cache.
    """

    environ: Mapping[str, str]
    root: Path = Path("/")
    deadline: float = 5.0
    verify: bool = False


def worst(findings: "list[Finding]") -> State:
    """The worst state among *findings*."""
    return max((one.state for one in findings), key=STATES.index, default="ok")
