"""The page about a measurement: the figures that were measured, as curves and as a table."""

import re
from pathlib import Path
from typing import Any

import pytest

from serving.bench.plan import CURVE
from serving.bench.surroundings import machine, versions
from tests.modelpack.proved import proved
from tests.modelpack.report.reading import read
from tests.modelpack.report.test_page import HOSTILE
from tests.serving.bench.measured import ENGINES, curve, page, result


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return proved(tmp_path_factory.mktemp("bench-page") / "model", certify={"rows": 100, "seed": 5})


def test_every_figure_is_in_the_table(model: Path) -> None:
    found = read(page(model, curve()))
    headings, *lines = found.tables["Figures"]
    assert headings[5:8] == ["p50 ms", "p95 ms", "p99 ms"]
    assert [tuple(line[:3]) for line in lines] == [
        (engine, str(rows), str(many)) for engine in ENGINES for rows in (1, 100) for many in CURVE
    ]
    assert lines[0] == [
        *("native", "1", "1", "500", "500", "2.00", "4.00", "10.00", "1.50", "50", "none"),
    ]


def test_curves_are_drawn_by_engine_and_percentile_for_each_number_of_rows(model: Path) -> None:
    text = page(model, curve())
    found = read(text)
    assert [one for one in found.headings if "request" in one] == [
        *("1 row in a request", "100 rows in a request"),
    ]
    lines = re.findall(r'<g class="(c\d d\d)"><polyline points="([^"]*)"', text)
    rates, times = ["c0 d0", "c1 d0"], [f"c{color} d{dash}" for color in (0, 1) for dash in (0, 1, 2)]
    assert [name for name, _ in lines] == (rates + times) * 2
    assert {len(points.split()) for _, points in lines} == {len(CURVE)}
    assert "native p95: 4 at 1" in found.text
    assert any(
        name == "aria-label"
        and value.startswith("Requests a second by requests at a time, 1 row in a request: ")
        for name, value in found.attributes
    )


def test_how_and_where_it_was_measured_is_told(model: Path) -> None:
    found = read(page(model, curve(), method="predict_proba", trust=("pickle",), workers=2))
    assert found.facts["Command"] == (
        f"modelpack bench -m {model} -w 2 -r 1,100 -c 1,2,4,8,16,32,64 -s 3 "
        "--method predict_proba --trust pickle"
    )
    assert found.facts["Measured"] == "2026-01-02 03:04:05 UTC"
    assert found.facts["Errors"] == "none"
    assert found.headings[0].split()[:3] == ["churn", "version", "3"]
    for name, value in machine():
        assert found.facts[name] == value
    assert [tuple(row) for row in found.tables["Versions"][1:]] == list(versions(["scikit-learn"]))
    assert [row[0] for row in found.tables["Certificate by method"][1:]] == ["predict", "predict_proba"]


def test_what_went_wrong_stands_on_top(model: Path) -> None:
    met: dict[str, Any] = {"wrong": 3, "wrong_answer": "<b>7</b>", "statuses": {"500": 2}}
    met |= {"broken": 1, "refused": 4}
    found = read(page(model, [*curve(), result(concurrency=128, **met)]))
    assert "not to be trusted" in found.headings[0]
    assert "3 of 1103 answers differ from the model's own, such as <b>7</b>" in found.text
    assert found.facts["Errors"] == "10"
    assert found.tables["Figures"][-1][-1] == "3 wrong, 2 x 500, 1 broken off, 4 not connected"


def test_a_load_without_an_answer_is_no_point_of_a_curve(model: Path) -> None:
    nothing: dict[str, Any] = {"right": 0, "timed": 0, "p50": None, "p95": None, "p99": None}
    found = read(page(model, [result(**nothing)]))
    assert found.tables["Figures"][1][3:8] == ["0", "0", "-", "-", "-"]
    assert "nothing was answered in time" in found.text


def test_a_rate_that_the_driver_limits_has_its_star_explained(model: Path) -> None:
    assert "Whoever asked had no time left" in read(page(model, [result(busy=0.95)])).text
    assert "Whoever asked had no time left" not in read(page(model, [result()])).text


def test_passwords_of_references_are_left_out(model: Path) -> None:
    found = page(model, [result()], reference="s3://ada:secret@bucket/model")
    assert "secret" not in found
    assert "s3://…@bucket/model" in read(found).facts["Command"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_model_is_called_stays_text(text: str, model: Path) -> None:
    given = {"name": text, "version": text, "digest": text, "reference": text}
    made = page(model, curve(), source=given, reference=text, method=text)
    found = read(made)
    assert not found.tags & {"script", "img", "link", "iframe", "form", "input", "object", "embed"}
    assert not {name for name, _ in found.attributes if name.startswith("on") or name in ("src", "style")}
    assert "".join(made.split()).isprintable()
    assert len(made.encode()) < 300_000


def test_the_machine_is_not_named() -> None:
    told = dict(machine())
    assert set(told) == {"Processors", "Memory", "System"}
    assert re.match(r"[\d.]+ of \d+ for this process", told["Processors"])


def test_a_machine_that_does_not_say_what_its_processor_is_has_one_all_the_same(tmp_path: Path) -> None:
    assert dict(machine(tmp_path))["Processors"].endswith("for this process")


def test_versions_are_those_of_what_is_installed() -> None:
    found = dict(versions(["scikit-learn==0.1", "no-such-distribution", "not a requirement at all!"]))
    assert found["scikit-learn"] != "0.1"
    assert "no-such-distribution" not in found
    assert {"Python", "modelpack", "uvicorn"} <= set(found)
