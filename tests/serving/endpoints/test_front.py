"""The page of a served model: what it shows, and that nothing in a model's words becomes markup."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import modelpack
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from modelpack.schema.form import form_of
from serving import front
from serving.models import find
from serving.standing import PATIENT_SECONDS, Standing, Watch
from tests.serving.counts import scraped, value_of
from tests.serving.kit import house, served, split

HOSTILE = "<script>alert(1)</script>\"'&</textarea>"
EXAMPLE = {"dataframe_split": {"columns": ["b", "a"], "data": [[2.5, 9007199254740993]]}}


def test_the_page_shows_the_model_and_keeps_to_itself(tmp_path: Path) -> None:
    model = served(example=EXAMPLE)
    model = replace(
        model, source=replace(model.source, standing=Standing(stage="Production", aliases=("best",)))
    )
    with house(tmp_path, model) as home:
        answer = home.client.get("/")
        parts = re.findall(r'(?:href|src)="(assets/[^"]+)"', answer.text)
        assets = [home.client.get(f"/{part}") for part in parts]
        assert home.client.get("/assets/front.py").status_code == 404
        assert home.client.get("/assets/..%2fapp.py").status_code == 404
    assert answer.status_code == 200
    for words in ("sum", "version 3", "Production", "@best", "sha256:" + "0" * 64, "native"):
        assert words in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script>|<style|style=|onclick|https?://(?!localhost)", answer.text)
    assert [one.status_code for one in assets] == [200, 200, 200]
    assert all("immutable" in one.headers["cache-control"] for one in assets)
    assert len(answer.content) + sum(len(one.content) for one in assets) < 300_000


def test_there_is_no_page_where_nobody_wants_one(tmp_path: Path) -> None:
    with house(tmp_path, no_page=True) as home:
        assert [home.client.get(path).status_code for path in ("/", "/assets/front.js", "/ping")] == [
            404,
            404,
            200,
        ]


def test_what_a_model_says_never_becomes_markup(tmp_path: Path) -> None:
    columns = tuple(ColumnSpec(DataType.string, f"{HOSTILE}{place}") for place in range(2))
    example = {"dataframe_split": {"columns": [one.name for one in columns], "data": [[HOSTILE, HOSTILE]]}}
    model = served(signature=Signature(inputs=Schema(columns)), example=example, name=HOSTILE)
    with house(tmp_path, model) as home:
        text = home.client.get("/").text
    assert "<script>alert" not in text
    assert text.count("<script") == 1
    assert text.count("</textarea>") == 1
    assert "&lt;script&gt;alert(1)" in text


def test_the_form_begins_with_a_request_that_is_answered(tmp_path: Path) -> None:
    model = served(example=EXAMPLE)
    form = form_of(model.signature, model.example)
    assert [(one.name, one.kind, one.text) for one in form.columns] == [
        ("a", "number", "9007199254740993"),
        ("b", "number", "2.5"),
    ]
    with house(tmp_path, model) as home:
        # 2**53 + 1 is no double, and refused as everywhere; another first value is answered.
        assert home.post(form.body).status_code == 400
        assert home.post(form.body.replace("9007199254740993", "1")).json() == {"predictions": [3.5]}
        assert home.post(form_of(served().signature, None).body).status_code == 200


def test_the_lines_to_copy_send_the_request() -> None:
    body = json.dumps(split(["it's", '"\\'], columns=("ä", "b")), ensure_ascii=False)
    words = shlex.split(front.curl_line("http://localhost:1/invocations", body))
    assert words[-1] == body
    lines = front.python_lines("http://localhost:1/invocations", body).splitlines()
    (line,) = [one for one in lines if one.startswith("body = ")]
    names: dict[str, str] = {}
    exec(line, names)
    assert names["body"] == body
    compile("\n".join(lines), "lines", "exec")


def test_the_registry_is_asked_aside_and_seldom(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/registry.db"
    monkeypatch.setenv("MODELPACK_REGISTRY_URI", uri)
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(tmp_path / "files"))
    with modelpack.Registry() as registry:
        registry.register(models / "magic", "sums")
    source = find("models:/sums/1")
    assert source.standing is not None
    moment = [0.0]
    watch = Watch("sums", 1, source.standing, clock=lambda: moment[0])
    assert watch.now == source.standing
    watch.wait(20)
    with modelpack.Registry() as registry:
        registry.promote("sums", 1, "Production")
        registry.set_alias("sums", "best", 1)
    assert watch.now.stage != "Production"  # it is not asked again so soon
    moment[0] = 100.0
    _ = watch.now
    watch.wait(20)
    assert (watch.now.stage, watch.now.aliases, watch.now.reachable) == ("Production", ("best",), True)
    (tmp_path / "registry.db").unlink()
    moment[0] = 200.0
    _ = watch.now
    watch.wait(20)
    assert (watch.now.stage, watch.now.reachable) == ("Production", False)


def test_a_registry_that_hangs_is_not_reachable_and_nobody_waits() -> None:
    moment, held = [0.0], []

    def ask(name: str, version: int) -> Standing:
        held.append((name, version))
        while not moment[0] > 100:
            pass
        return Standing(stage="Staging")

    watch = Watch("sums", 1, Standing(), ask=ask, clock=lambda: moment[0])
    assert watch.now.reachable
    moment[0] = PATIENT_SECONDS + 1
    assert not watch.now.reachable
    moment[0] = 101
    watch.wait(20)
    assert held == [("sums", 1)]
    assert watch.now.stage == "Staging"


def test_metrics_say_whether_the_registry_answers(tmp_path: Path) -> None:
    model = served()
    model = replace(model, source=replace(model.source, standing=Standing(reachable=False)))
    with house(tmp_path, model) as home:
        assert value_of(scraped(home.client.get("/metrics").text), "modelpack_registry_up") == 0
