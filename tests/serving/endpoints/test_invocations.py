"""Bodies of columns at ``/invocations``, and answers of columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc

from serving.codecs.arrow import PARQUET, STREAM
from tests.serving.codecs.columnar import file, stream
from tests.serving.kit import ServerProcess, check_problem, house, serving, split

ROWS = pa.table({"b": [1, 2, 3], "a": [0.5, 1.5, 2.5]})
SUMS = [1.5, 3.5, 5.5]
KINDS = {STREAM: stream(ROWS), PARQUET: file(ROWS)}


def read(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = ipc.open_stream(content).read_all().to_pydict()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_answered_in_json_unless_arrow_is_asked_for(tmp_path: Path, kind: str) -> None:
    with house(tmp_path) as home:
        for accept in ("*/*", "application/json"):
            response = home.post(KINDS[kind], {"Content-Type": kind, "Accept": accept})
            assert response.json() == {"predictions": SUMS}
            assert response.headers["content-type"] == "application/json"
        response = home.post(KINDS[kind], {"Content-Type": kind, "Accept": STREAM})
        assert response.headers["content-type"] == STREAM
        assert read(response.content) == {"predictions": SUMS}
        assert [line["rows"] for line in home.log()] == [3, 3, 3]


def test_json_and_csv_may_be_answered_in_arrow(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        for body, kind in ((split([1, 2]), "application/json"), ("a,b\n1,2\n", "text/csv")):
            response = home.post(body, {"Content-Type": kind, "Accept": STREAM})
            assert read(response.content) == {"predictions": [3.0]}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_json_whatever_was_asked_for(tmp_path: Path, kind: str) -> None:
    with house(tmp_path) as home:
        headers = {"Content-Type": kind, "Accept": STREAM}
        check_problem(home.post(b"x", headers), 400, "BAD_REQUEST")
        wrong = pa.table({"a": ["1"], "b": [2.0]})
        body = stream(wrong) if kind == STREAM else file(wrong)
        check_problem(home.post(body, headers), 400, "INVALID_PARAMETER_VALUE")
        bomb = pa.table({"a": np.zeros(9 << 20), "b": np.zeros(9 << 20)})
        packed = stream(bomb, packed="zstd") if kind == STREAM else file(bomb, compression="zstd")
        check_problem(home.post(packed, headers), 413, "BAD_REQUEST")


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def server(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("columns")
    with serving(folder, "-m", str(models / "magic"), "--trust", "pickle", "-w", request.param) as running:
        yield running


def test_the_same_head_again_gets_the_same_kind_of_answer(server: ServerProcess) -> None:
    """Heads that were seen before take a shorter way through the server."""
    for _ in range(8):
        for kind, body in {**KINDS, "text/csv": b"a,b\n0.5,1\n1.5,2\n2.5,3\n"}.items():
            for accept in (STREAM, "*/*"):
                headers = {"Content-Type": kind, "Accept": accept}
                status, answered, content = server.call("POST", "/invocations", body, headers)
                assert status == 200, content
                if accept == STREAM:
                    assert answered["content-type"] == STREAM
                    assert read(content) == {"predictions": SUMS}
                else:
                    assert content == b'{"predictions":[1.5,3.5,5.5]}'


def test_packed_columns_are_unpacked(server: ServerProcess) -> None:
    many = pa.table({"a": np.arange(5000.0), "b": np.ones(5000)})
    for kind, body in ((STREAM, stream(many, packed="lz4", rows=700)), (PARQUET, file(many))):
        headers = {"Content-Type": kind, "Accept": STREAM}
        status, _, content = server.call("POST", "/invocations", body, headers)
        assert status == 200
        assert read(content) == {"predictions": np.arange(1.0, 5001.0).tolist()}
