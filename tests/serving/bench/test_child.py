"""A server under measurement is started, weighed, and gone afterwards, whatever happens."""

import sys

import pytest

from serving.bench.child import family, running
from serving.errors import BenchmarkFailed
from tests.serving.bench.servers import alive, command, linux

FIRST = b'{"dataframe_split": {"columns": ["a"], "data": [[1]]}}'

pytestmark = linux


def test_a_server_is_weighed_while_it_runs_and_gone_when_the_block_ends() -> None:
    with running(command("right"), first=FIRST) as child:
        assert child.port > 0
        assert child.start > 0
        assert child.memory is not None
        assert child.memory > 1 << 20
        assert alive(child.process.pid)
    assert not alive(child.process.pid)


def test_a_server_is_gone_after_an_error_too() -> None:
    with pytest.raises(KeyboardInterrupt), running(command("right"), first=FIRST) as child:
        raise KeyboardInterrupt
    assert not alive(child.process.pid)


_STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stays = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)"
subprocess.Popen([sys.executable, "-c", stays])
exec(sys.argv.pop(1))
"""


def test_a_server_that_will_not_go_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.bench.child._PATIENCE", 0.3)
    python, flag, *words = command("right")
    with running([python, flag, _STUBBORN, *words], first=FIRST) as child:
        members = family(child.process.pid)
        assert len(members) == 2
    assert not any(map(alive, members))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        pytest.param(
            [sys.executable, "-c", "import sys; sys.exit('Error: no such luck')"], "no such luck", id="ends"
        ),
        pytest.param([sys.executable, "-c", "import os; os._exit(3)"], "code 3", id="ends without a word"),
        pytest.param(command("fails"), "with 500", id="fails at once"),
        pytest.param(command("breaks"), "did not answer", id="hangs up"),
    ],
)
def test_a_server_that_does_not_start_is_no_server(words: list[str], hint: str) -> None:
    with pytest.raises(BenchmarkFailed, match=hint), running(words, first=FIRST):
        raise AssertionError


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(99)"]
    with pytest.raises(BenchmarkFailed, match="in time"), running(silent, first=FIRST, patience=0.2):
        raise AssertionError
