"""The server's answers, seen by a caller with manners."""

import gzip
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelpack._version import __version__
from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature
from serving.dataplane import DataPlane
from serving.models import Models
from tests.serving.kit import NUMBERS, check_problem, house, served, split


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(split([1, 2], [3, 4]), id="split"),
        pytest.param(
            {"dataframe_split": {**split([1, 2], [3, 4])["dataframe_split"], "index": [7, 8]}}, id="index"
        ),
        pytest.param({"dataframe_records": [{"a": 1, "b": 2}, {"b": 4, "a": 3, "z": 0}]}, id="records"),
        pytest.param({"inputs": {"a": [1, 3], "b": [2, 4]}}, id="inputs"),
        pytest.param(
            {"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "signature_name": "x"}, id="instances"
        ),
        pytest.param({**split([1, 2], [3, 4]), "params": {}}, id="no params"),
        pytest.param({**split([1, 2], [3, 4]), "params": None}, id="null params"),
    ],
)
def test_every_form_of_a_request_gets_the_right_numbers(tmp_path: Path, body: Any) -> None:
    with house(tmp_path) as home:
        response = home.post(body)
        assert response.status_code == 200, response.text
        assert response.json() == {"predictions": [3.0, 7.0]}
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        (line,) = home.log()
    assert (line["status"], line["rows"], line["path"], line["method"]) == (200, 2, "/invocations", "POST")
    assert line["bytes_in"] == len(json.dumps(body))
    assert line["bytes_out"] == len(response.content)
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["ms"] > 0


@pytest.mark.parametrize("media_type", ["text/csv", "application/csv", "Text/CSV; charset=UTF-8"])
def test_csv_is_read_under_both_its_names(tmp_path: Path, media_type: str) -> None:
    with house(tmp_path) as home:
        response = home.post("b,a\n1,2\n3,4.5\n", {"Content-Type": media_type})
        assert response.json() == {"predictions": [3.0, 7.5]}


def test_params_reach_the_model_with_their_defaults(tmp_path: Path) -> None:
    signature = Signature(
        inputs=NUMBERS.inputs,
        params=(ParamSpec("scale", DataType.double, 1.0), ParamSpec("name", DataType.string, "x")),
    )

    def model(data: Any, params: Any) -> Any:
        return [params["scale"], params["name"]]

    with house(tmp_path, served(model, signature)) as home:
        assert home.post({**split([1, 2]), "params": {"scale": 3}}).json() == {"predictions": [3.0, "x"]}
        assert home.post("a,b\n1,2\n", {"Content-Type": "text/csv"}).json() == {"predictions": [1.0, "x"]}
        check_problem(home.post({**split([1, 2]), "params": {"scale": "3"}}), 400, "INVALID_PARAMETER_VALUE")
        check_problem(home.post({**split([1, 2]), "params": [3]}), 400, "BAD_REQUEST")


def test_a_model_without_a_signature_gets_what_was_sent(tmp_path: Path) -> None:
    def model(data: Any, params: Any) -> Any:
        return {"kind": type(data).__name__, "sum": float(np.sum(data))}

    with house(tmp_path, served(model, Signature())) as home:
        assert home.post({"inputs": [[1, 2], [3, 4]]}).json() == {
            "predictions": {"kind": "ndarray", "sum": 10.0}
        }


def test_no_infinity_gets_in_through_json(tmp_path: Path) -> None:
    with house(tmp_path, served(lambda data, params: data, Signature())) as home:
        check_problem(home.post('{"inputs": [1e999]}'), 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("body", "code", "hint"),
    [
        ("[1]", "BAD_REQUEST", "JSON object"),
        ("{}", "BAD_REQUEST", "one of dataframe_split, dataframe_records, instances, inputs; it has none"),
        ('{"messages": [{"role": "user", "content": "hi"}]}', "BAD_REQUEST", "it has none"),
        ('{"inputs": [1], "instances": [1]}', "BAD_REQUEST", "instances and inputs"),
        ('{"dataframe_split": [1]}', "BAD_REQUEST", "object"),
        ('{"dataframe_split": {"data": [[1]], "zip": 1}}', "BAD_REQUEST", "'zip'"),
        ('{"dataframe_split": {"data": 7}}', "BAD_REQUEST", "list of rows"),
        ('{"dataframe_split": {"columns": "a", "data": [[1]]}}', "BAD_REQUEST", "list of names"),
        ('{"dataframe_split": {"data": [[1, 2]], "index": []}}', "BAD_REQUEST", "0 labels"),
        ('{"dataframe_split": {"data": [[1, 2]], "index": [[1]]}}', "BAD_REQUEST", "labels"),
        ('{"dataframe_records": {"a": 1}}', "BAD_REQUEST", "list of objects"),
        ('{"dataframe_records": [7]}', "BAD_REQUEST", "list of objects"),
        ('{"dataframe_records": [{"a": "1", "b": 2}]}', "INVALID_PARAMETER_VALUE", "'a'"),
        ('{"inputs": {"a": [1]}, "params": 5}', "INVALID_PARAMETER_VALUE", "b"),
        ('{"inputs": [[1, 2]', "BAD_REQUEST", "not JSON"),
    ],
)
def test_a_wrong_body_is_told_what_is_wrong(tmp_path: Path, body: str, code: str, hint: str) -> None:
    with house(tmp_path) as home:
        assert hint in check_problem(home.post(body), 400, code)["message"]


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("", "first line"),
        ("\n\n", "first line"),
        ("a,b\n1,2,3\n", "row 0 has 3 cells for 2 columns"),
        ("a,b\n1,2\n3\n", "row 1 has 1 cells"),
        ("a,b\n1,2\n\n3,4\n", "row 1 has 0 cells"),
        ('a,b\n1,"2\n', "not CSV"),
        ('a,b\n1,"2"x\n', "not CSV"),
        ("a,b\nx,2\n", "'a'"),
        (b"a,b\n\xff,2\n", "not UTF-8"),
    ],
)
def test_a_wrong_table_of_text_is_told_what_is_wrong(tmp_path: Path, body: Any, hint: str) -> None:
    with house(tmp_path) as home:
        assert hint in check_problem(home.post(body, {"Content-Type": "text/csv"}), 400)["message"]


def test_text_may_have_a_byte_order_mark_and_empty_lines_at_its_end(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        body = "\ufeffa,b\r\n1,2\r\n\r\n".encode()
        assert home.post(body, {"Content-Type": "text/csv"}).json() == {"predictions": [3.0]}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "<script>alert(1)</script>",
        "application/json; charset=latin-1",
        "application/json; format=pandas-split",
        "application/json; charset=utf-8; x=1",
        "multipart/form-data; boundary=" + "-" * 2000,
        "application/vnd.bento+pickle",
    ],
)
def test_a_body_of_another_kind_is_refused_unread_and_its_name_is_not_repeated(
    tmp_path: Path, content_type: str | None
) -> None:
    with house(tmp_path) as home:
        response = home.post("{}", {} if content_type is None else {"Content-Type": content_type})
        problem = check_problem(response, 415, "BAD_REQUEST")
    assert "script" not in problem["message"]
    assert response.headers["accept"].split(", ") == [
        "application/json",
        "text/csv",
        "application/csv",
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.parquet",
    ]


@pytest.mark.parametrize(
    "content_type",
    ["application/json;", "APPLICATION/JSON ; Charset=UTF8", 'application/json;charset="utf-8"'],
)
def test_media_types_are_read_as_http_writes_them(tmp_path: Path, content_type: str) -> None:
    with house(tmp_path) as home:
        assert home.post(split([1, 2]), {"Content-Type": content_type}).status_code == 200


def test_headers_of_other_servers_protocols_change_nothing(tmp_path: Path) -> None:
    strange = {"Payload-Container": "NdarrayContainer", "Args-Number": "2", "Buffer-Lengths": "1,1"}
    with house(tmp_path) as home:
        assert home.post(split([1, 2]), {**strange, "Content-Type": "application/json"}).json() == {
            "predictions": [3]
        }
        check_problem(home.post(b"x", {**strange, "Content-Type": "application/vnd.bento+pickle"}), 415)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_predictions_are_asked_for_by_post_alone(tmp_path: Path, method: str) -> None:
    with house(tmp_path) as home:
        response = home.client.request(method, "/invocations")
        assert response.headers["allow"] == "POST"
        if method != "HEAD":
            check_problem(response, 405, "BAD_REQUEST")


@pytest.mark.parametrize("path", ["/invocations/", "/INVOCATIONS", "/invocations;x=1", "/nope"])
def test_another_path_is_not_found(tmp_path: Path, path: str) -> None:
    with house(tmp_path) as home:
        check_problem(home.client.post(path, content="{}"), 404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize("path", ["/ping", "/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_living_server_says_so_as_mlflow_does(tmp_path: Path, path: str, method: str) -> None:
    with house(tmp_path) as home:
        response = home.client.request(method, path)
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.text == ("\n" if method == "GET" else "")
        check_problem(home.client.post(path), 405)


def test_it_is_ready_with_a_model_and_not_without_or_on_its_way_out(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        said = {"status": "ready", "model": "sum", "version": "3", "digest": f"sha256:{'0' * 64}"}
        assert home.client.get("/ready").json() == said
        home.plane.leave()
        response = home.client.get("/ready")
        check_problem(response, 503, "TEMPORARILY_UNAVAILABLE")
        assert response.headers["retry-after"] == "1"
        assert response.headers["connection"] == "close"
        assert home.client.get("/health").status_code == 200


def test_without_a_model_nothing_is_ready_and_nothing_is_predicted(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.plane.models = Models()
        check_problem(home.client.get("/ready"), 503)
        check_problem(home.post(split([1, 2])), 503, "TEMPORARILY_UNAVAILABLE")
        check_problem(home.client.get("/openapi.json"), 503)
        assert home.client.get("/health").status_code == 200


def test_a_leaving_server_answers_and_a_closed_one_refuses(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.plane.leave()
        response = home.post(split([1, 2]))
        assert (response.json(), response.headers["connection"]) == ({"predictions": [3.0]}, "close")
        home.plane.close()
        response = home.post(split([1, 2]))
        check_problem(response, 503)
        assert response.headers["connection"] == "close"


def test_the_version_is_bare_text(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        assert home.client.get("/version").text == __version__


@pytest.mark.parametrize("given", ["a", "8f4e-11", "trace:1/2=3~x@y", "x" * 128])
def test_a_harmless_request_id_is_kept(tmp_path: Path, given: str) -> None:
    with house(tmp_path) as home:
        assert home.client.get("/ping", headers={"X-Request-Id": given}).headers["x-request-id"] == given
        (line,) = home.log()
    assert line["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "\x1b[31m", "a,b", "é".encode()])
def test_any_other_request_id_is_replaced(tmp_path: Path, given: str | bytes) -> None:
    value = given.encode() if isinstance(given, str) else given
    with house(tmp_path) as home:
        made = home.client.get("/ping", headers=[(b"X-Request-Id", value)]).headers["x-request-id"]
        doubled = home.client.get("/ping", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert len(made) == 32
    assert made != doubled.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/%1b%5b31mred", "/%1b%5b31mred"),
        ("/a%0d%0aInjected:%20x", "/a%0d%0aInjected:%20x"),
        ("/" + "x" * 5000, "/" + "x" * 298 + "…"),
    ],
)
def test_a_line_of_the_log_stays_one_line_whatever_is_asked(tmp_path: Path, path: str, shown: str) -> None:
    with house(tmp_path) as home:
        home.client.get(path, headers={"User-Agent": "\x1b]0;x\x07"})
        (line,) = home.log()
        text = (tmp_path / "log").read_text()
    assert line["path"] == shown
    assert text.rstrip("\n").isprintable()
    assert text.isascii()


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (ValueError("too many rows in /srv/secret/model.pkl\nline two"), 400, "BAD_REQUEST"),
        (TypeError("x" * 1000), 400, "BAD_REQUEST"),
        (RuntimeError("secret"), 500, "INTERNAL_ERROR"),
        (KeyError("secret"), 500, "INTERNAL_ERROR"),
        (RecursionError("secret"), 500, "INTERNAL_ERROR"),
        (MemoryError(), 500, "INTERNAL_ERROR"),
    ],
)
def test_a_model_that_raises_fails_that_request_and_no_other(
    tmp_path: Path, raised: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    def model(data: Any, params: Any) -> Any:
        if (data.columns["a"] == 666).any():
            raise raised
        return data.columns["a"] + data.columns["b"]

    def ask(number: int) -> Any:
        return home.post(split([number, 1]))

    caplog.set_level(logging.INFO)
    with house(tmp_path, served(model)) as home, ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(ask, [1, 666, 2, 3, 666, 4] * 5))
    good = [response.json()["predictions"] for response in responses if response.status_code == 200]
    assert good == [[2.0], [3.0], [4.0], [5.0]] * 5
    bad = [response for response in responses if response.status_code != 200]
    assert len(bad) == 10
    for response in bad:
        problem = check_problem(response, status, code)
        assert not {"Traceback", "/srv", "secret", ".py", "\n"} & set(problem["message"].split("'"))
        assert "/srv" not in response.text
        assert "Traceback" not in response.text
    logged = [record for record in caplog.records if record.exc_info]
    assert {vars(record)["request_id"] for record in logged} == {
        response.headers["x-request-id"] for response in bad
    }


def test_a_model_that_ends_the_process_ends_a_request_only(tmp_path: Path) -> None:
    def model(data: Any, params: Any) -> Any:
        raise SystemExit(3)

    with house(tmp_path, served(model)) as home:
        check_problem(home.post(split([1, 2])), 500, "INTERNAL_ERROR")
        assert home.client.get("/health").status_code == 200


def test_an_answer_without_a_form_is_the_servers_fault_and_says_no_more(tmp_path: Path) -> None:
    with house(tmp_path, served(lambda data, params: object())) as home:
        problem = check_problem(home.post(split([1, 2])), 500, "INTERNAL_ERROR")
    assert "object" not in problem["message"]


def test_answers_that_are_not_numbers_are_null(tmp_path: Path) -> None:
    with house(tmp_path, served(lambda data, params: np.array([np.nan, np.inf, 1.0]))) as home:
        assert home.post(split([1, 2])).json() == {"predictions": [None, None, 1.0]}


def test_a_prediction_over_its_time_is_told_so_and_keeps_its_thread(tmp_path: Path) -> None:
    gate = threading.Event()

    def model(data: Any, params: Any) -> Any:
        return gate.wait(10) if data.columns["a"][0] else [0.0]

    with house(tmp_path, served(model), timeout=0.2) as home:
        started = time.perf_counter()
        check_problem(home.post(split([1, 0])), 504, "DEADLINE_EXCEEDED")
        assert 0.2 <= time.perf_counter() - started < 2
        assert home.post(split([0, 0])).json() == {"predictions": [0.0]}, "the other thread"
        check_problem(home.post(split([1, 0])), 504)
        response = home.post(split([0, 0]))
        check_problem(response, 503, "TEMPORARILY_UNAVAILABLE")
        assert response.headers["retry-after"] == "5"
        assert home.client.get("/health").status_code == 200
        gate.set()
        deadline = time.monotonic() + 5
        while home.inside and time.monotonic() < deadline:
            time.sleep(0.01)
        assert home.post(split([0, 0])).json() == {"predictions": [0.0]}


def test_a_call_too_many_is_turned_away_at_once(tmp_path: Path) -> None:
    gate = threading.Event()

    def model(data: Any, params: Any) -> Any:
        gate.wait(10)
        return [1.0]

    with house(tmp_path, served(model), concurrency=3) as home, ThreadPoolExecutor(3) as pool:
        held = [pool.submit(home.post, split([1, 2])) for _ in range(3)]
        deadline = time.monotonic() + 5
        while home.inside < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        started = time.perf_counter()
        response = home.post(split([1, 2]))
        assert time.perf_counter() - started < 0.1
        check_problem(response, 503, "TEMPORARILY_UNAVAILABLE")
        assert response.headers["retry-after"] == "1"
        gate.set()
        assert [one.result().status_code for one in held] == [200] * 3


def test_a_body_over_the_limit_is_refused_declared_or_not(tmp_path: Path) -> None:
    def pieces() -> Any:
        for _ in range(100):
            yield b" " * 1024

    with house(tmp_path, body_limit=50_000) as home:
        declared = home.post(" " * 50_001)
        check_problem(declared, 413, "BAD_REQUEST")
        assert declared.headers["connection"] == "close"
        headers = {"Content-Type": "application/json"}
        check_problem(home.client.post("/invocations", content=pieces(), headers=headers), 413)
        assert home.post(json.dumps(split([1, 2])).ljust(50_000)).status_code == 200


def packed(body: bytes) -> dict[str, Any]:
    return {
        "body": gzip.compress(body),
        "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    }


def test_gzip_is_unpacked_and_held_to_the_same_limit(tmp_path: Path) -> None:
    body = json.dumps(split([1, 2])).encode()
    with house(tmp_path, body_limit=50_000) as home:
        assert home.post(**packed(body)).json() == {"predictions": [3.0]}
        assert home.post(**packed(body.ljust(50_000))).status_code == 200
        check_problem(home.post(**packed(body.ljust(50_001))), 413)
        headers = packed(b"")["headers"]
        twice = gzip.compress(body[:10]) + gzip.compress(body[10:])
        assert home.post(twice, headers).json() == {"predictions": [3.0]}
        check_problem(home.post(gzip.compress(body)[:-4], headers), 400, "BAD_REQUEST")
        check_problem(home.post(body, headers), 400, "BAD_REQUEST")
        check_problem(home.post(gzip.compress(body) + b"garbage", headers), 400, "BAD_REQUEST")


@pytest.mark.parametrize("encoding", ["bogus", "br", "gzip, gzip", "deflate", "<script>"])
def test_other_packings_are_refused_with_those_that_are_known(tmp_path: Path, encoding: str) -> None:
    with house(tmp_path) as home:
        response = home.post("{}", {"Content-Type": "application/json", "Content-Encoding": encoding})
        check_problem(response, 415, "BAD_REQUEST")
        assert response.headers["accept-encoding"] == "gzip, identity"
        plain = home.post(split([1, 2]), {"Content-Type": "application/json", "Content-Encoding": "identity"})
        assert plain.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LocalHost:5000", 200),
        ("127.0.0.1:5000", 200),
        ("[::1]:5000", 200),
        ("evil.com", 403),
        ("localhost.evil.com", 403),
        ("10.evil.com", 403),
        ("x/health?", 400),
        ("127.0.0.1@evil", 400),
        ("fc00::1%evil", 400),
        ("", 400),
        ("localhost:99999999", 400),
    ],
)
def test_on_loopback_the_server_answers_to_this_machines_names_alone(
    tmp_path: Path, host: str, status: int
) -> None:
    with house(tmp_path) as home:
        response = home.client.get("/ping", headers={"Host": host})
        assert response.status_code == status
        if status != 200:
            check_problem(response, status, "PERMISSION_DENIED" if status == 403 else "BAD_REQUEST")


def test_other_names_are_answered_to_when_the_operator_says_so(tmp_path: Path) -> None:
    with house(tmp_path, allowed_hosts=("model.example",)) as home:
        assert home.client.get("/ping", headers={"Host": "model.example:80"}).status_code == 200
        assert home.client.get("/ping", headers={"Host": "localhost"}).status_code == 403
    with house(tmp_path, host="0.0.0.0") as home:
        assert home.client.get("/ping", headers={"Host": "10.1.2.3:8080"}).status_code == 200
        assert home.client.get("/ping", headers={"Host": "a b"}).status_code == 400


def test_lossless_is_the_default_and_leniency_an_operators_choice(tmp_path: Path) -> None:
    signature = Signature(inputs=Schema((ColumnSpec(DataType.long, "a"),)))
    model = served(lambda data, params: data.columns["a"], signature)
    with house(tmp_path, model) as home:
        check_problem(home.post({"dataframe_records": [{"a": "7"}]}), 400, "INVALID_PARAMETER_VALUE")
    with house(tmp_path, model, coerce="mlflow") as home:
        assert home.post({"dataframe_records": [{"a": "7"}]}).json() == {"predictions": [7]}
        check_problem(home.post({"dataframe_records": [{"a": 3.5}]}), 400)


def test_the_plane_counts_what_is_in_flight(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        for _ in range(20):
            home.post(split([1, 2]))
            home.post("{")
        assert home.inside == 0
        assert isinstance(home.plane, DataPlane)
