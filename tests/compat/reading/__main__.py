"""The command: ``python -m tests.compat.reading``."""

import argparse
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from tests.compat.reading import corpus, scoring, table
from tests.compat.reading.findings import findings, untrusting


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the corpora, load and ask all of them, and print the tables, or put them into the README."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat.reading", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {table.README.name}")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        corpora = corpus.write(Path(folder))
        unasked = untrusting(model for one in corpora.values() for model in one.models.values())
        text = table.markdown(unasked, findings(corpora), scoring.compare(corpora, Path(folder)))
    if given.write:
        table.write(table.README, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
