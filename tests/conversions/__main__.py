"""The command: ``python -m tests.conversions``."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conversions import table
from tests.conversions.runs import each
from tests.conversions.subjects import KINDS, subjects
from tests.conversions.trial import WRONG, Result

SECONDS = 120
"""For one estimator."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them all, print what became of each, and write the table; 1 where a served answer was wrong."""
    given = _parser().parse_args(arguments)
    known = subjects()
    chosen = [known[name] for name in given.names]
    if not chosen and not given.read:
        chosen = list(known.values())
    began = time.monotonic()
    results: list[Result] = []
    for result in each(chosen, seconds=given.seconds):
        print(
            f"{len(results) + 1:3} {time.monotonic() - began:5.0f}s {result.name:32} {result.verdict:15} "
            f"{table.remark(result)}"[:200],
            flush=True,
        )
        results.append(result)
    if given.read:
        made = {one.name for one in results}
        before = (Result.from_json(one) for one in json.loads(given.read.read_text()))
        results += [one for one in before if one.name not in made]
    results.sort(key=lambda one: one.name)
    if given.json:
        given.json.write_text(json.dumps([one.to_json() for one in results], indent=1))
    if given.write:
        table.write(table.README, results, kinds=[*KINDS, "other"])
    wrong = [one.name for one in results if one.reason.startswith(WRONG)]
    if wrong:
        print(f"wrong: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conversions", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ESTIMATOR", help="by default all of scikit-learn's")
    parser.add_argument("--write", action="store_true", help="put the table into modelpack/onnx/README.md")
    parser.add_argument("--json", type=Path, help="write what was found to this file too")
    parser.add_argument("--read", type=Path, help="take what is not tried now from such a file")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for one estimator")
    return parser


if __name__ == "__main__":
    sys.exit(main())
