"""Each call of the service, on a real connection."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.grpc import service_pb2 as messages
from serving.grpc.service import SERVICE
from tests.serving.grpc.kit import Caller, calling, number, pair, request
from tests.serving.kit import ServerProcess, serving

LIMIT = 1 << 20


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("calls")
    how = ("--trust", "pickle", "--grpc-port", "0", "--body-limit", "1MiB", "-t", "2", "--threads", "2")
    with serving(folder, "-m", str(models / "magic"), *how, "--max-concurrency", "4") as running:
        yield running


@pytest.fixture
def caller(server: ServerProcess) -> Iterator[Caller]:
    with calling(server.grpc_port) as one:
        yield one


def test_the_server_and_the_model_tell_about_themselves(caller: Caller) -> None:
    assert caller.ask("ServerLive").live is True
    assert caller.ask("ServerReady").ready is True
    assert caller.ask("ModelReady", messages.ModelReadyRequest(name="magic")).ready is True
    assert caller.ask("ServerMetadata").name == "modelpack"
    told = caller.ask("ModelMetadata", messages.ModelMetadataRequest(name="magic"))
    assert [(one.name, one.datatype, list(one.shape)) for one in told.inputs] == [
        ("a", "FP64", [-1]),
        ("b", "FP64", [-1]),
    ]
    assert [(one.name, one.datatype) for one in told.outputs] == [("output-0", "FP64")]


def test_predictions_come_as_they_were_asked_for(caller: Caller) -> None:
    raw = caller.ask("ModelInfer", pair(1.5, 2))
    assert (number(raw), raw.model_name, raw.outputs[0].name) == (3.5, "magic", "output-0")
    listed = messages.ModelInferRequest(model_name="magic", id="7")
    for name, value in (("a", 1.5), ("b", 2.0)):
        listed.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
    answer = caller.ask("ModelInfer", listed)
    assert answer.id == "7"
    assert list(answer.outputs[0].contents.fp64_contents) == [3.5]
    assert list(answer.raw_output_contents) == []


@pytest.mark.parametrize(
    ("method", "message", "status", "says"),
    [
        ("ModelInfer", request({}, model="other"), "NOT_FOUND", "no model 'other'; there is 'magic'"),
        ("ModelInfer", request({}, model_version="9"), "NOT_FOUND", "no version '9'"),
        ("ModelReady", messages.ModelReadyRequest(name="other"), "NOT_FOUND", "no model"),
        ("ModelMetadata", messages.ModelMetadataRequest(name="other"), "NOT_FOUND", "no model"),
        ("ModelInfer", request({}), "INVALID_ARGUMENT", "must have inputs"),
        ("ModelInfer", request({"a": np.ones(1)}), "INVALID_ARGUMENT", "'b'"),
        ("ModelInfer", request({"a": np.ones((1, 2)), "b": np.ones(1)}), "INVALID_ARGUMENT", "[n] or [n, 1]"),
        ("ModelInfer", b"\xff\xff\xff", "INVALID_ARGUMENT", "no ModelInferRequest"),
        ("ModelReady", b"\xff\xff\xff", "INVALID_ARGUMENT", "no ModelReadyRequest"),
        ("ModelInfer", pair(-2, 0), "INVALID_ARGUMENT", "this input is no good"),
        ("ModelInfer", pair(-3, 0), "INTERNAL", "the server failed"),
        ("ModelInfer", pair(-1, 2.3), "DEADLINE_EXCEEDED", "longer than 2 s"),
        ("ModelConfig", b"", "UNIMPLEMENTED", ""),
        ("RepositoryIndex", b"", "UNIMPLEMENTED", ""),
    ],
)
def test_every_problem_has_its_status(
    caller: Caller, server: ServerProcess, method: str, message: Any, status: str, says: str
) -> None:
    got, words = caller.refused(method, message)
    assert got == status
    assert says in words
    assert "secret" not in words
    assert len(words) <= 300 or status == "UNIMPLEMENTED"
    assert number(caller.ask("ModelInfer", pair(1, 2))) == 3


def test_a_message_over_the_limit_is_refused_packed_or_not(server: ServerProcess) -> None:
    """Four times the same bytes: 1 MiB and 60 MiB, plain and packed; the last is a bomb of 60 KiB."""
    with calling(server.grpc_port) as caller:
        columns = np.zeros(LIMIT // 32)
        small, large = request({"a": columns, "b": columns}), request({"a": np.zeros(60 * LIMIT // 8)})
        before = peak(server)
        for packing in (grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate):
            answer = caller.ask("ModelInfer", small, compression=packing)
            assert answer.outputs[0].shape == [len(columns)]
            status, words = caller.refused("ModelInfer", large, compression=packing)
            assert (status, "larger than max" in words) == ("RESOURCE_EXHAUSTED", True)
        assert peak(server) - before < 24 << 20


def peak(server: ServerProcess) -> int:
    """The most bytes that the server ever had in memory."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_the_same_measure_sees_a_message_that_is_let_in(models: Path, tmp_path: Path) -> None:
    how = ("-m", str(models / "magic"), "--trust", "pickle", "--grpc-port", "0")
    with serving(tmp_path, *how) as server, calling(server.grpc_port) as caller:
        before = peak(server)
        message = request({"a": np.zeros(60 * LIMIT // 8)})
        assert (
            caller.refused("ModelInfer", message, compression=grpc.Compression.Gzip)[0] == "INVALID_ARGUMENT"
        )
        assert peak(server) - before > 24 << 20


def test_a_caller_who_has_no_time_left_is_not_waited_for(caller: Caller, server: ServerProcess) -> None:
    started = time.monotonic()
    assert caller.refused("ModelInfer", pair(-1, 1), timeout=0.3)[0] == "DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 1
    call = caller.start("ModelInfer", pair(-1, 1), metadata=(("x-request-id", "gone-away"),))
    time.sleep(0.2)
    call.cancel()
    wait_for(server, r'"status":"CANCELLED".*"request_id":"gone-away"')
    assert number(caller.ask("ModelInfer", pair(1, 2))) == 3


def wait_for(server: ServerProcess, text: str) -> None:
    deadline = time.monotonic() + 5
    while not re.search(text, server.log):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


def test_a_server_with_too_much_to_do_says_so(server: ServerProcess) -> None:
    with calling(server.grpc_port) as caller:
        slow = [caller.start("ModelInfer", pair(-1, 0.4)) for _ in range(4)]
        time.sleep(0.2)
        status, words = caller.refused("ModelInfer", pair(1, 2))
        assert (status, "try again soon" in words) == ("UNAVAILABLE", True)
        assert [number(call.result()) for call in slow] == [pytest.approx(-0.6)] * 4
        assert number(caller.ask("ModelInfer", pair(1, 2))) == 3


@pytest.mark.parametrize("count", [0, 2])
def test_a_call_is_one_message(server: ServerProcess, count: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.stream_unary(f"/{SERVICE}/ModelInfer")
        with pytest.raises(grpc.RpcError) as raised:
            call(iter([pair(1, 2).SerializeToString()] * count), timeout=10)
    assert raised.value.code().name == ("INVALID_ARGUMENT" if count else "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1", True), ("two words", False), ("x" * 129, False)],
    ids=["good", "space", "long"],
)
def test_every_call_has_a_name_and_a_line_in_the_log(
    caller: Caller, server: ServerProcess, given: str, kept: bool
) -> None:
    call = caller.start("ModelInfer", pair(1, 2), metadata=(("x-request-id", given),))
    assert number(call.result()) == 3
    told = dict(call.trailing_metadata())["x-request-id"]
    assert (told == given) is kept
    assert re.fullmatch(r"[0-9a-f]{32}|abc-1", told)
    wait_for(server, rf'/{SERVICE}/ModelInfer","status":"OK".*"request_id":"{told}","rows":1')


def test_what_a_model_raises_is_in_the_log_under_the_name_of_the_call(
    caller: Caller, server: ServerProcess
) -> None:
    call = caller.start("ModelInfer", pair(-3, 0), metadata=(("x-request-id", "it-failed"),))
    assert call.exception() is not None
    deadline = time.monotonic() + 5
    while "it-failed" not in server.events:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert any("it-failed" in line and "a secret of" in line for line in server.events.splitlines())
