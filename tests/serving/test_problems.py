"""Which error is which status."""

import json

import pytest
from starlette.exceptions import HTTPException

from modelpack.errors import PredictionFailed, SchemaMismatch, StoreUnavailable
from serving import errors
from serving.codecs._arrow_missing import ArrowMissing
from serving.problems import is_fault, problem_of, without_paths

CASES: list[tuple[Exception, int, str]] = [
    (errors.InvalidRequest("x"), 400, "BAD_REQUEST"),
    (SchemaMismatch(wanted="long", got="text"), 400, "INVALID_PARAMETER_VALUE"),
    (PredictionFailed(ValueError("x")), 400, "BAD_REQUEST"),
    (PredictionFailed(TypeError("x")), 400, "BAD_REQUEST"),
    (PredictionFailed(KeyError("x")), 500, "INTERNAL_ERROR"),
    (errors.HostRefused("x"), 403, "PERMISSION_DENIED"),
    (errors.UnknownModel("x"), 404, "RESOURCE_DOES_NOT_EXIST"),
    (errors.BodyTooSlow("x"), 408, "BAD_REQUEST"),
    (errors.BodyTooLarge("x"), 413, "BAD_REQUEST"),
    (errors.UnsupportedMedia("x"), 415, "BAD_REQUEST"),
    (errors.UnsupportedEncoding("x"), 415, "BAD_REQUEST"),
    (errors.UnencodableResult("x"), 500, "INTERNAL_ERROR"),
    (errors.NoModel("x"), 503, "TEMPORARILY_UNAVAILABLE"),
    (errors.Overloaded("x"), 503, "TEMPORARILY_UNAVAILABLE"),
    (errors.Leaving("x"), 503, "TEMPORARILY_UNAVAILABLE"),
    (StoreUnavailable("x"), 503, "TEMPORARILY_UNAVAILABLE"),
    (errors.DeadlinePassed("x"), 504, "DEADLINE_EXCEEDED"),
    (HTTPException(404), 404, "ENDPOINT_NOT_FOUND"),
    (HTTPException(405, headers={"Allow": "POST"}), 405, "BAD_REQUEST"),
    (HTTPException(418), 418, "BAD_REQUEST"),
    (RuntimeError("secret"), 500, "INTERNAL_ERROR"),
    (FileNotFoundError("/srv/secret"), 500, "INTERNAL_ERROR"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=[type(case[0]).__name__ for case in CASES])
def test_every_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert is_fault(error) is (status == 500)
    body = json.loads(problem.body("r1"))
    assert body["request_id"] == "r1"
    assert body["message"]
    assert "secret" not in body["message"]


@pytest.mark.parametrize("path", ["/v2", "/v2/models/m/infer"])
def test_the_open_inference_protocol_has_a_body_of_its_own(path: str) -> None:
    problem = problem_of(errors.InvalidRequest("too few"))
    assert json.loads(problem.body("r1", path=path)) == {"error": "too few"}
    assert json.loads(problem_of(RuntimeError("secret")).body("r1", path=path))["error"]
    assert "error_code" in json.loads(problem.body("r1", path="/v2x"))


def test_a_server_without_pyarrow_says_which_extra_brings_it() -> None:
    problem = problem_of(ArrowMissing(), media_types=("application/vnd.apache.parquet",))
    assert (problem.status, problem.headers) == (415, {"Accept": "application/json, text/csv"})
    assert 'pip install "modelpack[arrow]"' in str(problem.message)


def test_what_helps_the_caller_stands_in_headers() -> None:
    own = errors.UnsupportedMedia("x", accept=("e/f",))
    assert problem_of(own, media_types=("a/b", "c/d")).headers == {"Accept": "e/f"}
    assert problem_of(errors.Overloaded("x", retry_after=5)).headers == {"Retry-After": "5"}
    assert problem_of(errors.UnsupportedMedia("x"), media_types=("a/b", "c/d")).headers == {
        "Accept": "a/b, c/d"
    }
    assert problem_of(errors.UnsupportedEncoding("x")).headers == {"Accept-Encoding": "gzip, identity"}
    assert problem_of(HTTPException(405, headers={"Allow": "POST"})).headers == {"Allow": "POST"}
    assert [problem_of(error).closes for error in (errors.BodyTooLarge("x"), errors.InvalidRequest("x"))] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("cannot open /srv/models/churn/model.pkl now", "cannot open (a path) now"),
        ("File '/usr/lib/python3/x.py', line 3", "File '(a path)', line 3"),
        ("C:\\models\\x.pkl is gone", "(a path) is gone"),
        ("column 'a/b' is 3/4 of 12/11/2024", "column 'a/b' is 3/4 of 12/11/2024"),
        ("see http://docs.example/a/b", "see http://docs.example/a/b"),
        ("nothing is served at /nope", "nothing is served at /nope"),
        ("two\nlines\x1b[31m", "two\\nlines\\x1b[31m"),
    ],
)
def test_messages_tell_nothing_of_the_machines_files(message: str, wanted: str) -> None:
    assert without_paths(message) == wanted
