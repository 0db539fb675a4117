"""Forks a writer for each line that it reads, so that a writer starts in milliseconds with all imported.

``sound PATH`` saves a small pipeline to PATH with ``modelpack.save``; ``in place PATH`` writes the same files
one after the other where they belong, which is what the tests must catch. Answers the writer's process id at
once and, after another line, its exit status when it has ended. Until then the id stays the writer's own, so
that whoever kills it kills no other process.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression

import modelpack
from modelpack.directory.manifest import Manifest
from modelpack.flavors import skopsfile

MODEL = LinearRegression().fit(np.eye(2), [0.0, 1.0])


def sound(path: Path) -> None:
    """What is tested."""
    modelpack.save(MODEL, path, requirements=["scikit-learn"], input_example=np.eye(2))


def in_place(path: Path) -> None:
    """A writer without a staging folder."""
    path.mkdir()
    (path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.skops}}\n")
    skopsfile.dump(MODEL, path / "model.skops")
    for name in ("requirements.txt", "conda.yaml", "python_env.yaml"):
        (path / name).write_text("x" * 10_000)
    Manifest.of(path).write(path)


KINDS: dict[str, Callable[[Path], None]] = {"sound": sound, "in place": in_place}


def main() -> None:
    """Serve until the input ends."""
    warm = Path(sys.argv[1])
    sound(warm / "warm")
    print("ready", flush=True)
    for line in sys.stdin:
        kind, _, path = line.rstrip("\n").partition(" /")
        pid = os.fork()
        if pid == 0:
            try:
                KINDS[kind](Path("/" + path))
            except BaseException as error:  # noqa: BLE001 - told to the tests as a status, of a process that ends here
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
