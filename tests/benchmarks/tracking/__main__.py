"""The command: ``python -m tests.benchmarks.tracking``; both sides in turn, and medians."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.tracking.many_runs import fill, measure
from tests.compat.real_mlflow import clean_environ, python_of

CLIENT: Final = Path(__file__).with_name("client.py")
GOALS: Final = {"metrics/s": 3.0, "points in batches/s": 5.0, "promotions/s": 20.0}
"""How many times MLflow's rate ours has to be."""
_SEARCH: Final = "search of those, ms"
_FACTS: Final = ("hits", "in production")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the tables; 1 when the two sides do not find the same, or a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tracking", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="less than 1: a first look")
    parser.add_argument("--runs", type=int, default=100_000, help="for the searches of many")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-tracking-") as scratch:
        seen = rounds(Path(scratch), given.rounds, given.scale)
        print(table(seen))
        database = Path(scratch) / "many.db"
        found = measure(database, fill(database, given.runs, seed=given.seed))
    print(f"\n{given.runs} runs with 10 params and 10 metrics (seed {given.seed}), SQLite:\n")
    print("| question | median ms | found |\n|---|--:|--:|")
    for name, (milliseconds, count) in found.items():
        print(f"| {name} | {milliseconds:.1f} | {count} |")
    missed = [name for name, goal in GOALS.items() if ratio(seen, name) < goal]
    slow = [name for name, (milliseconds, _) in found.items() if milliseconds > 50]
    print(f"\nMissed: {', '.join([*missed, *slow]) or 'nothing'}")
    return 1 if missed or slow or not agree(seen) else 0


def rounds(scratch: Path, count: int, scale: float) -> dict[str, list[dict[str, Any]]]:
    """What each side printed, *count* times, in turn."""
    seen: dict[str, list[dict[str, Any]]] = {"modelpack": [], "mlflow": []}
    for number in range(count):
        for library in seen:
            seen[library].append(once(library, scratch / f"{library}-{number}", scale))
    return seen


def once(library: str, folder: Path, scale: float) -> dict[str, Any]:
    """One run of the client of *library* in *folder*."""
    python = sys.executable if library == "modelpack" else str(python_of())
    folder.mkdir(parents=True)
    done = subprocess.run(
        [python, CLIENT, library, folder, str(scale)],
        cwd=folder,
        env={**clean_environ(folder)},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{library}: {done.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def agree(seen: Mapping[str, list[dict[str, Any]]]) -> bool:
    """Whether both sides found the same runs and left the same version in production."""
    facts = {json.dumps([one[name] for name in _FACTS]) for side in seen.values() for one in side}
    return len(facts) == 1


def median(seen: Mapping[str, list[dict[str, Any]]], library: str, name: str) -> float:
    """Of *library*'s rounds."""
    return statistics.median(float(one[name]) for one in seen[library])


def ratio(seen: Mapping[str, list[dict[str, Any]]], name: str) -> float:
    """How many times as fast we are at *name*."""
    ours, theirs = median(seen, "modelpack", name), median(seen, "mlflow", name)
    return theirs / ours if name == _SEARCH else ours / theirs


def table(seen: Mapping[str, list[dict[str, Any]]]) -> str:
    """Markdown: medians of both sides, and how many times as fast ours is."""
    lines = ["| work | modelpack | MLflow | ratio | goal |", "|---|--:|--:|--:|--:|"]
    for name in (key for key in seen["modelpack"][0] if key not in _FACTS):
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        ours, theirs = median(seen, "modelpack", name), median(seen, "mlflow", name)
        lines.append(f"| {name} | {ours:,.1f} | {theirs:,.1f} | {ratio(seen, name):.1f} | {goal} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
