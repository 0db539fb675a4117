"""Triton's own clients, as they are published, against real servers."""

import queue
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from modelpack._version import __version__
from tests.serving.kit import ServerProcess, serving

ROWS = pd.DataFrame(
    {
        "a": [1.5, np.nan, -2.0],
        "b": [1, 2**53 + 1, -7],
        "i": np.array([2, -3, 4], "int32"),
        "c": ["x", "", "Größe"],
        "d": [True, False, True],
        "t": ["2024-01-31", "2024-02-29T18:00:00", "1999-12-31T06:00:00"],
        "x": [b"\x00\x01", b"", b"\xff"],
    }
)
EXPECTED = [
    sum(
        (
            0.0 if np.isnan(row["a"]) else row["a"],
            row["b"] % 1000 * 10,
            row["i"] * 0.5,
            pd.Timestamp(row["t"]).toordinal() + pd.Timestamp(row["t"]).hour / 24,
            len(row["c"]) + row["d"] * 7 + len(row["x"]),
        )
    )
    for row in ROWS.to_dict("records")
]
"""What tests.serving.saved.cols makes of these rows."""


@pytest.fixture(scope="module")
def servers(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServerProcess]]:
    folder = tmp_path_factory.mktemp("triton")
    with (
        serving(folder / "cols", *arguments(models, "cols")) as cols,
        serving(folder / "m", *arguments(models, "m")) as m,
        serving(folder / "words", *arguments(models, "words"), "-w", "2") as words,
    ):
        yield {"cols": cols, "m": m, "words": words}


def arguments(models: Path, name: str) -> tuple[str, ...]:
    return ("-m", str(models / name), "--trust", "pickle", "--grpc-port", "0")


Ask: TypeAlias = Callable[[str], Any]


@pytest.fixture(params=[over_http, over_grpc], ids=["http", "grpc"])
def triton(request: pytest.FixtureRequest) -> Any:
    """The client's module for a transport."""
    return request.param


@pytest.fixture
def ask(servers: dict[str, ServerProcess], triton: Any) -> Iterator[Ask]:
    """A client for the server of a model."""
    clients = []

    def connect(model: str) -> Any:
        server = servers[model]
        port = server.port if triton is over_http else server.grpc_port
        clients.append(triton.InferenceServerClient(f"127.0.0.1:{port}"))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def tensors(triton: Any, columns: dict[str, Any], **how: Any) -> list[Any]:
    inputs = []
    for name, values in columns.items():
        array = np.asarray(values)
        if array.dtype.kind in "OUS":
            array = np.array(list(values), dtype=object)
        one = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        one.set_data_from_numpy(array, **how)
        inputs.append(one)
    return inputs


def names_of(response: Any) -> list[str]:
    if isinstance(response, dict):
        return [one["name"] for one in response["outputs"]]
    return [one.name for one in response.outputs]


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    return {str(name): frame[name].to_numpy() for name in frame}


def test_it_finds_the_server_and_the_model_well(ask: Ask, triton: Any) -> None:
    client = ask("cols")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("cols")
    for unknown in (("other",), ("cols", "7")):
        if triton is over_http:
            assert not client.is_model_ready(*unknown)
            continue
        with pytest.raises(InferenceServerException, match="NOT_FOUND"):
            client.is_model_ready(*unknown)


def test_it_reads_what_the_server_and_the_model_are(ask: Ask, triton: Any) -> None:
    how = {} if triton is over_http else {"as_json": True}
    server = ask("cols").get_server_metadata(**how)
    assert (server["name"], server["version"]) == ("modelpack", __version__)
    assert "binary_tensor_data" in server["extensions"]
    model = ask("cols").get_model_metadata("cols", **how)
    # Over gRPC as JSON, 64-bit numbers are text.
    assert [(one["name"], one["datatype"], list(map(int, one["shape"]))) for one in model["inputs"]] == [
        ("a", "FP64", [-1]),
        ("b", "INT64", [-1]),
        ("i", "INT32", [-1]),
        ("c", "BYTES", [-1]),
        ("d", "BOOL", [-1]),
        ("t", "BYTES", [-1]),
        ("x", "BYTES", [-1]),
    ]


def test_a_frame_goes_as_one_tensor_for_each_column(ask: Ask, triton: Any) -> None:
    result = ask("cols").infer("cols", tensors(triton, columns_of(ROWS)), request_id="7")
    np.testing.assert_array_equal(result.as_numpy("output-0"), EXPECTED)
    response = result.get_response()
    if triton is over_grpc:
        assert (response.id, response.model_name) == ("7", "cols")
        return
    assert (response["id"], response["model_name"]) == ("7", "cols")
    # Raw, which is what the client asks for unless it is told otherwise.
    assert "binary_data_size" in response["outputs"][0]["parameters"]


def test_columns_may_be_of_the_shape_n_1(ask: Ask, triton: Any) -> None:
    columns = {name: values.reshape(-1, 1) for name, values in columns_of(ROWS).items()}
    result = ask("cols").infer("cols", tensors(triton, columns))
    np.testing.assert_array_equal(result.as_numpy("output-0"), EXPECTED)


@pytest.mark.parametrize("triton", [over_http], indirect=True, ids=["http"])
def test_it_may_send_and_be_sent_json(ask: Ask, triton: Any) -> None:
    array = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], "float32")
    client = ask("m")
    for raw in (True, False):
        wanted = [over_http.InferRequestedOutput("output-0", binary_data=not raw)]
        result = client.infer("m", tensors(triton, {"x": array}, binary_data=raw), outputs=wanted)
        np.testing.assert_array_equal(result.as_numpy("output-0"), [1234.0, 5678.0])
        (output,) = result.get_response()["outputs"]
        assert ("data" in output) is raw


def test_it_may_pack_what_it_sends(ask: Ask, triton: Any) -> None:
    array = np.array([[1, 2, 3, 4]] * 5000, "float32")
    name = "request_compression_algorithm" if triton is over_http else "compression_algorithm"
    result = ask("m").infer("m", tensors(triton, {"x": array}), **{name: "gzip"})
    np.testing.assert_array_equal(result.as_numpy("output-0"), [1234.0] * 5000)


@pytest.mark.parametrize(
    ("triton", "how"),
    [(over_http, {}), (over_http, {"binary_data": False}), (over_grpc, {})],
    indirect=["triton"],
    ids=["http", "http with JSON", "grpc"],
)
def test_texts_come_back_in_a_frame(ask: Ask, triton: Any, how: Any) -> None:
    sent: dict[str, Any] = {"word": ["grün", "", "日本"], "number": [1.0, 1.5, -1.0]}
    wanted = [triton.InferRequestedOutput(name, **how) for name in ("number", "word", "long")]
    for content in (sent["word"], [word.encode() for word in sent["word"]]):
        inputs = tensors(triton, {**sent, "word": np.array(content, dtype=object)})
        result = ask("words").infer("words", inputs, outputs=wanted)
        words = [word.decode() if isinstance(word, bytes) else word for word in result.as_numpy("word")]
        assert words == ["GRÜN", "", "日本"]
        np.testing.assert_array_equal(result.as_numpy("number"), [2.0, 3.0, -2.0])
        np.testing.assert_array_equal(result.as_numpy("long"), [False, True, False])
        assert names_of(result.get_response()) == ["number", "word", "long"]


def test_an_empty_batch_is_answered_with_an_empty_one(ask: Ask, triton: Any) -> None:
    result = ask("m").infer("m", tensors(triton, {"x": np.empty((0, 4), "float32")}))
    assert result.as_numpy("output-0").shape == (0,)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"x": np.zeros((1, 3), "float32")}, r"\[-1, 4\]"),
        ({"x": np.zeros(4, "float32")}, r"\[-1, 4\]"),
        ({"y": np.zeros((1, 4), "float32")}, "'x'"),
        ({"x": np.full((1, 4), 0.1)}, "'x'"),
        ({"x": np.full((1, 4), "a", dtype=object)}, "'x'"),
    ],
    ids=["columns", "rank", "name", "loss", "texts"],
)
def test_a_tensor_that_does_not_fit_is_refused_with_the_reason(
    ask: Ask, triton: Any, columns: Any, says: str
) -> None:
    with pytest.raises(InferenceServerException, match=says) as raised:
        ask("m").infer("m", tensors(triton, columns))
    assert raised.value.status() == ("400" if triton is over_http else "StatusCode.INVALID_ARGUMENT")


def test_another_model_is_told_which_there_is(ask: Ask, triton: Any) -> None:
    client = ask("m")
    with pytest.raises(InferenceServerException, match="no model 'other'; there is 'm'"):
        client.infer("other", tensors(triton, {"x": np.zeros((1, 4), "float32")}))
    with pytest.raises(InferenceServerException, match="no version '9'"):
        client.get_model_metadata("m", "9")


ARRAYS = [np.full((1 + number % 3, 4), number % 10, "float32") for number in range(64)]


def check_own(array: np.ndarray, result: Any) -> None:
    wanted = array.astype(float) @ [1000.0, 100.0, 10.0, 1.0]
    np.testing.assert_array_equal(result.as_numpy("output-0"), wanted)


def test_callers_at_one_time_get_their_own_answers(servers: dict[str, ServerProcess]) -> None:
    with over_http.InferenceServerClient(f"127.0.0.1:{servers['m'].port}", concurrency=16) as client:
        waiting = [client.async_infer("m", tensors(over_http, {"x": array})) for array in ARRAYS]
        for array, one in zip(ARRAYS, waiting, strict=True):
            check_own(array, one.get_result())


def test_callers_at_one_time_get_their_own_answers_over_grpc(servers: dict[str, ServerProcess]) -> None:
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with over_grpc.InferenceServerClient(f"127.0.0.1:{servers['m'].grpc_port}") as client:
        for number, array in enumerate(ARRAYS[:48]):
            client.async_infer(
                "m", tensors(over_grpc, {"x": array}), partial(_told, answers, number), request_id=str(number)
            )
        for _ in ARRAYS[:48]:
            number, result, error = answers.get(timeout=30)
            assert error is None
            assert result.get_response().id == str(number)
            check_own(ARRAYS[number], result)


def _told(answers: "queue.SimpleQueue[Any]", number: int, result: Any, error: Any) -> None:
    answers.put((number, result, error))
