"""Programs are weighed whole, and leave nothing behind."""

import os
import signal
import sys
import time
from pathlib import Path

from tests.benchmarks import processes

_STUBBORN = """
import signal, subprocess, sys, time
stays = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)"
subprocess.Popen([sys.executable, "-c", stays + "; time.sleep(99)"], start_new_session=True)
time.sleep(99)
"""


def _started(code: str, folder: Path, **variables: str) -> processes.Program:
    return processes.start(
        [sys.executable, "-c", code], folder=folder, variables=variables, log=folder / "said.log"
    )


def _until_it_says(program: processes.Program, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in program.said():
        assert time.monotonic() < deadline, program.said()
        time.sleep(0.02)


def test_a_child_in_another_session_that_will_not_go_is_ended_too(tmp_path: Path) -> None:
    program = _started(_STUBBORN, tmp_path)
    _until_it_says(program, "up")
    members = processes.family(program)
    assert len(members) == 2
    processes.stop(program)
    assert processes.family(program) == []
    assert not any(map(processes.is_alive, members))


def test_an_orphan_is_known_by_its_mark(tmp_path: Path) -> None:
    program = _started(_STUBBORN, tmp_path)
    _until_it_says(program, "up")
    os.kill(program.child.pid, signal.SIGKILL)
    program.child.wait(timeout=30)
    assert len(processes.family(program)) == 1
    processes.stop(program)
    assert processes.family(program) == []


def test_only_the_variables_that_are_given_reach_a_program(tmp_path: Path) -> None:
    program = _started("import os; print(sorted(os.environ), 'end')", tmp_path, GIVEN="1")
    _until_it_says(program, "end")
    processes.stop(program)
    names = set(program.said().partition("]")[0].strip("[").replace("'", "").split(", "))
    assert names - {"LC_CTYPE"} == {"GIVEN", "MODELPACK_BENCHMARK_RUN"}


def test_memory_and_processor_time_grow_with_what_a_program_does(tmp_path: Path) -> None:
    idle = _started("print('up', flush=True); import time; time.sleep(99)", tmp_path)
    _until_it_says(idle, "up")
    light = processes.memory(processes.family(idle))
    processes.stop(idle)

    work = "x = bytes(range(256)) * (1 << 18); sum(range(10**7))"
    program = _started(f"{work}; print('up', flush=True); import time; time.sleep(99)", tmp_path)
    _until_it_says(program, "up")
    members = processes.family(program)
    heavy, seconds = processes.memory(members), processes.processor_seconds(members)
    processes.stop(program)
    assert heavy - light > 60 << 20
    assert seconds > 0


def test_a_program_has_settled_when_its_work_is_done(tmp_path: Path) -> None:
    code = "print('up', flush=True)\nimport time\nwhile time.process_time() < 1: pass\ntime.sleep(99)"
    program = _started(code, tmp_path)
    _until_it_says(program, "up")
    processes.settle(program, patience=60)
    seconds = processes.processor_seconds(processes.family(program))
    processes.stop(program)
    assert seconds >= 0.99


def test_a_program_that_never_settles_is_not_waited_for(tmp_path: Path) -> None:
    program = _started("print('up', flush=True)\nwhile True: pass", tmp_path)
    _until_it_says(program, "up")
    processes.settle(program, patience=0.3)
    assert program.child.poll() is None
    processes.stop(program)


def test_free_ports_differ() -> None:
    assert len(set(processes.free_ports(5))) == 5
