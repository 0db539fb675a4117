"""Every case of shared/cases/scoring.json, on real connections to real servers."""

import base64
import json
import re
import socket
import time
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from tests.serving.kit import ServerProcess, serving
from tests.shared import shared

Case = dict[str, Any]


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def servers(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, ServerProcess]]:
    """A server for each kind of model."""
    folder = tmp_path_factory.mktemp("servers")
    workers = ("-w", request.param)
    with (
        serving(folder / "cols", "-m", str(models / "cols"), "--trust", "pickle", *workers) as cols,
        serving(folder / "tensor", "-m", str(models / "tensor"), *workers) as tensor,
        serving(folder / "v2", "-m", str(models / "m"), "--trust", "pickle", *workers) as v2,
    ):
        yield {"cols": cols, "tensor": tensor, "v2": v2}


def cases() -> list[Case]:
    return list(json.loads(shared("cases/scoring.json").read_text())["cases"])


def test_every_case_gets_the_answer_it_must(servers: dict[str, ServerProcess], models: Path) -> None:
    """One test for all: a case that kills the server, or makes it forget, would show in the next one."""
    wrong = []
    slowest = 0.0
    forest = modelpack.load(models / "tensor")
    for case in cases():
        server = servers[case["model"]]
        before = server.memory()
        started = time.perf_counter()
        status, headers, body = ask(server.port, case)
        took = time.perf_counter() - started
        slowest = max(slowest, took)
        faults = list(faults_of(case, status, headers, body))
        if status == 200 and case["method"] == "POST":
            faults += numbers_of(case, body, forest)
        if took > 2:
            faults.append(f"took {took:.1f} s")
        if server.status("/health") != 200:
            faults.append("not well afterwards")
        if server.memory() - before > (64 << 20) + (16 << 20):
            faults.append(f"grew by {server.memory() - before >> 20} MiB")
        if faults:
            wrong.append((case["id"], case["name"], status, body[:200], faults))
    print(f"{len(cases())} cases, slowest {slowest * 1e3:.0f} ms")
    assert wrong == []
    assert len(cases()) > 180
    for server in servers.values():
        assert "Traceback" not in server.log
        assert all(json.loads(line) for line in server.log.splitlines())
        assert server.log.isascii()
        assert all(line.isprintable() for line in server.log.splitlines())


def body_of(case: Case) -> bytes:
    if "body_zlib_b64" in case:
        return zlib.decompress(base64.b64decode(case["body_zlib_b64"]))
    return str(case["body"]).encode("utf-8")


def ask(port: int, case: Case) -> tuple[int, dict[str, str], bytes]:
    """Send *case* byte for byte as it stands; http.client would mend its path and headers."""
    body = body_of(case)
    head = [f"{case['method']} {case['path']} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in case["headers"].items()]
    if case["method"] in ("POST", "PUT", "PATCH") or body:
        head.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        caller.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        caller.sendall(body)
        heard = bytearray()
        while piece := caller.recv(1 << 20):
            heard += piece
    return read(bytes(heard))


def read(heard: bytes) -> tuple[int, dict[str, str], bytes]:
    while heard.startswith(b"HTTP/1.1 100"):
        heard = heard.partition(b"\r\n\r\n")[2]
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, body


def refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def faults_of(case: Case, status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    if status not in case["expect"]:
        yield f"expected {case['expect']}"
    if not re.fullmatch(r"[0-9a-f]{32}", headers.get("x-request-id", "")):
        yield "no request id"
    if headers.get("x-content-type-options") != "nosniff":
        yield "no nosniff"
    if case["method"] == "HEAD":
        return
    if len(body) > 4096 and status != 200:
        yield f"{len(body)} bytes"
    try:
        document = json.loads(body, parse_constant=refuse)
    except ValueError as error:
        yield f"not JSON: {error}"
        return
    if status >= 400:
        yield from faults_of_problem(case, status, headers, document)


def faults_of_problem(case: Case, status: int, headers: dict[str, str], document: Any) -> Iterator[str]:
    is_v2 = case["path"].startswith("/v2")
    if set(document) != ({"error"} if is_v2 else {"error_code", "message", "request_id"}):
        yield f"keys {sorted(document)}"
        return
    if not is_v2:
        yield from faults_of_code(status, headers, document)
    message = document["error" if is_v2 else "message"]
    if (
        len(message) > 300
        or not message.isprintable()
        or re.search(r"Traceback|\.py\b|/work|/tmp|/usr", message)
    ):
        yield f"message {message!r}"
    if status == 405 and headers.get("allow") != "POST":
        yield "no Allow"
    if status == 415 and not {"accept", "accept-encoding"} & set(headers):
        yield "no Accept"


def faults_of_code(status: int, headers: dict[str, str], document: Any) -> Iterator[str]:
    if document["request_id"] != headers["x-request-id"]:
        yield "another request id"
    if status == 400 and document["error_code"] not in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"):
        yield document["error_code"]


def numbers_of(case: Case, body: bytes, forest: Any) -> list[str]:
    """Whether the numbers are those that the model makes of this very input."""
    if case["model"] == "v2":
        return numbers_of_v2(case, json.loads(body))
    got = json.loads(body)["predictions"]
    wanted = expected_tensor(case, forest) if case["model"] == "tensor" else expected_cols(case)
    return [] if got == wanted else [f"predicted {got}, not {wanted}"]


def numbers_of_v2(case: Case, document: Any) -> list[str]:
    (output,) = document["outputs"]
    (sent,) = json.loads(body_of(case))["inputs"]
    digits = np.array(sent["data"], dtype=float).reshape(sent["shape"])
    wanted = [float("".join(str(int(digit)) for digit in row)) for row in digits]
    if output["data"] == wanted and output["shape"] == [len(wanted)] and output["datatype"] == "FP64":
        return []
    return [f"answered {output}, not {wanted}"]


def expected_tensor(case: Case, forest: Any) -> Any:
    document = json.loads(body_of(case))
    rows = document.get("inputs", document.get("instances"))
    return forest.predict(rows).tolist() if rows else []


def expected_cols(case: Case) -> Any:
    return [expected_row(row) for row in rows_of(case)]


def rows_of(case: Case) -> list[dict[str, Any]]:
    body = body_of(case).decode("utf-8-sig")
    if "csv" in case["headers"]["Content-Type"]:
        return [
            read_text_row(line)
            for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n")[1:]
            if line
        ]
    document = json.loads(body)
    if "dataframe_split" in document:
        split = document["dataframe_split"]
        return [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
    return list(document["dataframe_records"])


def read_text_row(line: str) -> dict[str, Any]:
    """A row of text as its cells would stand in JSON; the cases quote the fourth cell at most."""
    match = re.fullmatch(r'([^,]*),([^,]*),([^,]*),("(?:[^"]|"")*"|[^,]*),([^,]*),([^,]*),([^,]*)', line)
    assert match is not None, line
    a, b, i, c, d, t, x = match.groups()
    text = c[1:-1].replace('""', '"') if c.startswith('"') else c
    number = None if a in ("", "NaN") else float(a)
    return {"a": number, "b": int(b), "i": int(i), "c": text, "d": d.lower() == "true", "t": t, "x": x}


def expected_row(row: dict[str, Any]) -> float:
    """What tests.serving.saved.cols makes of it, from the text of the request alone."""
    when = datetime.fromisoformat(row["t"])
    cells = len(row["c"]) + bool(row["d"]) * 7 + len(base64.b64decode(row["x"]))
    a = 0.0 if row["a"] is None else row["a"]
    return float(a + row["b"] % 1000 * 10 + row["i"] * 0.5 + when.toordinal() + when.hour / 24 + cells)
