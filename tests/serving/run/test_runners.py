"""Servers of one process and of several: how they start, what they say, and what they survive."""

import json
import os
import re
import signal
import time
from pathlib import Path

import cloudpickle
import pytest

import modelpack
from tests.serving.kit import NUMBERS, ServerProcess, serving, split

ONE_AND_TWO = pytest.mark.parametrize("workers", ["1", "2"])
FAULTS = pytest.mark.parametrize(
    ("fault", "workers"),
    [
        ("untrusted", "1"),
        ("damaged", "1"),
        ("missing library", "2"),
        pytest.param("untrusted", "2", marks=pytest.mark.long),
        pytest.param("damaged", "2", marks=pytest.mark.long),
        pytest.param("missing library", "1", marks=pytest.mark.long),
    ],
)


def magic(models: Path, *more: str) -> tuple[str, ...]:
    return ("-m", str(models / "magic"), "--trust", "pickle", *more)


@ONE_AND_TWO
def test_a_server_says_what_it_serves_and_serves_it(models: Path, tmp_path: Path, workers: str) -> None:
    digest = modelpack.open_model(models / "magic").digest
    with serving(tmp_path, *magic(models, "-w", workers)) as server:
        said = [line for line in server.events.splitlines() if line.startswith("Serving")]
        assert len(said) == 1
        assert f"Serving magic ({digest}), python on the engine native" in said[0]
        assert f"at http://127.0.0.1:{server.port} " in said[0]
        for number in range(20):
            assert server.score(split([number, 1], [number, 2])) == (
                200,
                {"predictions": [number + 1, number + 2]},
            )
        for path in ("/ping", "/health", "/ready", "/version", "/openapi.json", "/docs"):
            assert server.status(path) == 200
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log.splitlines()]
    assert len(lines) == 26
    assert [line["rows"] for line in lines if line["path"] == "/invocations"] == [2] * 20
    assert not re.search("Traceback|Warning", server.events)


def test_a_registered_model_is_named_with_its_version(models: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    environ = {"MODELPACK_REGISTRY_URI": f"sqlite:///{home}/registry.db"}
    with modelpack.Registry(environ["MODELPACK_REGISTRY_URI"], artifacts=home / "artifacts") as registry:
        registry.register(models / "magic", "sums")
        registry.register(models / "magic", "sums")
        registry.promote("sums", 2, "Production")
    environ["MLFLOW_MODEL_URI"] = "models:/sums/production"
    with serving(tmp_path, "--trust", "pickle", environ=environ) as server:
        assert "Serving sums version 2 (sha256:" in server.events
        assert server.score(split([1, 2])) == (200, {"predictions": [3.0]})


@FAULTS
def test_a_model_that_cannot_be_loaded_ends_the_server_with_one_line(
    models: Path, tmp_path: Path, workers: str, fault: str
) -> None:
    place = tmp_path / "model"

    class NeedsALibrary:
        def __reduce__(self) -> tuple[object, ...]:
            return (__import__, ("a_library_that_is_not_there",))

    modelpack.save(lambda frame: frame["a"], place, signature=NUMBERS)
    if fault == "damaged":
        with (place / "python_model.pkl").open("ab") as file:
            file.write(b"x")
    if fault == "missing library":
        (place / "modelpack.manifest.json").unlink()
        text = (place / "MLmodel").read_text()
        (place / "MLmodel").write_text(re.sub("metadata:\n  modelpack:\n    version: .*\n", "", text))
        (place / "python_model.pkl").write_bytes(cloudpickle.dumps(NeedsALibrary()))
    trust = [] if fault == "untrusted" else ["--trust", "pickle"]
    started = time.monotonic()
    with serving(tmp_path, "-m", str(place), "-w", workers, *trust, wait=False) as server:
        assert server.process.wait(60) not in (0, None)
        assert time.monotonic() - started < 60
    hints = {
        "untrusted": "--trust pickle",
        "damaged": "python_model.pkl is changed",
        "missing library": "a_library",
    }
    lines = server.events.splitlines()
    assert len(lines) == 1, server.events
    assert lines[0].startswith("Error: ")
    assert hints[fault] in lines[0]
    assert len(lines[0]) <= 310


def test_workers_that_die_while_they_load_are_not_started_for_ever(tmp_path: Path) -> None:
    class Dies:
        def __reduce__(self) -> tuple[object, ...]:
            return (os._exit, (9,))

        def predict(self, frame: object) -> object:
            return frame

    modelpack.save(lambda frame: frame["a"], tmp_path / "model", signature=NUMBERS)
    (tmp_path / "model" / "modelpack.manifest.json").unlink()
    text = (tmp_path / "model" / "MLmodel").read_text()
    (tmp_path / "model" / "MLmodel").write_text(
        re.sub("metadata:\n  modelpack:\n    version: .*\n", "", text)
    )
    (tmp_path / "model" / "python_model.pkl").write_bytes(cloudpickle.dumps(Dies()))
    arguments = ("-m", str(tmp_path / "model"), "--trust", "pickle", "-w", "2")
    with serving(tmp_path, *arguments, wait=False) as server:
        assert server.process.wait(90) == 1
    assert "3 workers in a row ended before they were ready" in server.events
    assert server.events.count("exited with code 9") <= 5


def test_the_address_may_be_any_when_the_operator_says_so(models: Path, tmp_path: Path) -> None:
    environ = {"MLFLOW_HOST": "0.0.0.0", "MODELPACK_ALLOW_REMOTE": "true"}
    with serving(tmp_path, *magic(models), environ=environ) as server:
        assert f"at http://127.0.0.1:{server.port}" in server.events
        assert server.call("GET", "/ping", headers={"Host": "any.name"})[0] == 200


def test_the_words_of_mlflow_and_gunicorn_are_understood(models: Path, tmp_path: Path) -> None:
    environ = {
        "MLFLOW_MODEL_URI": str(models / "magic"),
        "MODELPACK_TRUST": "pickle",
        "GUNICORN_CMD_ARGS": "--workers=2 --timeout=1 -k gevent",
    }
    with serving(tmp_path, "--env-manager", "local", "--no-conda", environ=environ) as server:
        assert "nothing here answers to this part of GUNICORN_CMD_ARGS: -k gevent" in server.events
        assert len(server.children()) == 2
        status, answer = server.score(split([-1, 2]))
        assert (status, answer["error_code"]) == (504, "DEADLINE_EXCEEDED")


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.parametrize("libraries", ["1", "4"], ids=["as it is", "anew, without the threads of libraries"])
def test_a_master_has_one_thread_and_its_workers_load_for_themselves(
    models: Path, tmp_path: Path, libraries: str
) -> None:
    environ = {"OPENBLAS_NUM_THREADS": libraries}
    with serving(tmp_path, *magic(models, "-w", "2"), environ=environ) as server:
        assert threads(server.pid) == 1, "a fork copies one thread; what others hold is held for ever"
        maps = Path(f"/proc/{server.pid}/maps").read_text()
        assert not re.search("sklearn|pandas|onnxruntime", maps), "nothing of the model's is in the master"
        assert bool(re.search("numpy", maps)) is (libraries == "1")
        children = server.children()
        assert all(threads(pid) > 1 for pid in children)
        wait_until_ready(server, 2)
        answered = {server.score(split([-5, 0]))[1]["predictions"][0] for _ in range(60)}
    assert answered <= set(children)


def wait_until_ready(server: ServerProcess, workers: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while server.events.count("model loaded") < workers:
        assert time.monotonic() < deadline, server.events
        time.sleep(0.05)


def test_a_worker_that_is_killed_is_replaced(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, *magic(models, "-w", "2")) as server:
        wait_until_ready(server, 2)
        before = server.children()
        os.kill(before[0], signal.SIGKILL)
        wait_until_ready(server, 3)
        assert len(server.children()) == 2
        assert server.score(split([1, 2])) == (200, {"predictions": [3.0]})
        assert threads(server.pid) == 1
        assert server.stop() == 0
    assert "Perhaps out of memory?" in server.events
    assert all(json.loads(line) for line in server.events.splitlines() if "Serving" not in line)


def test_workers_end_when_their_master_is_gone(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, *magic(models, "-w", "2", "--linger", "0")) as server:
        wait_until_ready(server, 2)
        children = server.children()
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(alive(pid) for pid in children):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
