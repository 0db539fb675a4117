"""Who was started ends with the one that started it."""

import os
import signal
import subprocess
import sys
import time

from tests.serving.bench.servers import alive, linux

pytestmark = linux

_PARENT = """
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], start_new_session=True)
print(child.pid, flush=True)
time.sleep(99)
"""
_CHILD = """
import sys, time
from serving.bench.parent import end_with
end_with(int(sys.argv[1]))
print("up", flush=True)
time.sleep(99)
"""


def test_a_child_ends_with_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, _CHILD], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == b"up\n"
        assert alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 20
        while alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_child_whose_parent_is_gone_already_does_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _CHILD, "1"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
