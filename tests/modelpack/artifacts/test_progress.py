"""How far a download is shows on a terminal, and nowhere else."""

import os
import subprocess
import sys

CODE = (
    "from modelpack.artifacts.progress import shown\n"
    "with shown(100, 'wine') as progress: progress.update(40); progress.update(60)"
)


def test_a_terminal_shows_a_bar() -> None:
    ours, theirs = os.openpty()
    try:
        subprocess.run([sys.executable, "-c", CODE], stderr=theirs, check=True, timeout=60)
        told = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "fetching wine" in told
    assert "100/100" in told


def test_a_log_is_told_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, timeout=60)
    assert done.stdout + done.stderr == b""
