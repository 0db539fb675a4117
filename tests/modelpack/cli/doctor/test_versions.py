"""Libraries: what is here, what is missing with its line, what does not go together."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any

import pytest

from modelpack.cli.doctor import versions
from modelpack.cli.doctor.finding import Finding, Patient

OURS = {
    "modelpack": (
        "0.1",
        [
            "click>=8",
            "onnx>=1.22; extra == 'onnx'",
            "protobuf<7; extra == 'onnx'",
            "skl2onnx; extra == 'onnx'",
            "xgboost-cpu>=3; extra == 'trees'",
            "psycopg[binary]; extra == 'postgres'",
        ],
    )
}


def look(monkeypatch: pytest.MonkeyPatch, installed: Mapping[str, tuple[str, list[str]]]) -> list[Finding]:
    """What is found where these are *installed*: versions and requirements by name."""
    there = OURS | dict(installed)

    def find(name: str) -> Any:
        if name not in there:
            raise PackageNotFoundError(name)
        version, requires = there[name]
        extras = ["onnx", "trees", "postgres"]

        class Metadata(dict[str, str]):
            def get_all(self, _: str) -> list[str]:
                return extras

        return SimpleNamespace(version=version, requires=requires, metadata=Metadata(Name=name))

    monkeypatch.setattr(versions, "distribution", find)
    return [one for one in versions.look(Patient(environ={})) if one.check not in ("python", "modelpack")]


def test_what_is_here_is_told_by_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(
        monkeypatch,
        {"click": ("8.1", []), "onnx": ("1.23", []), "protobuf": ("6.3", []), "skl2onnx": ("1", [])},
    )
    assert found == [
        Finding("libraries", "ok", "click 8.1"),
        Finding("extra onnx", "ok", "onnx 1.23, protobuf 6.3, skl2onnx 1"),
        Finding("extra trees", "ok", "not installed (xgboost-cpu)", 'pip install "modelpack[trees]"'),
        Finding("extra postgres", "ok", "not installed (psycopg)", 'pip install "modelpack[postgres]"'),
        Finding("conflicts", "ok", "none among 4 libraries"),
    ]


def test_a_library_that_everything_needs_is_a_problem_when_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Finding("libraries", "problem", "; missing: click", "pip install click>=8") in look(
        monkeypatch, {}
    )


def test_half_an_extra_is_a_warning_and_a_version_outside_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, {"click": ("8.1", []), "onnx": ("1.23", []), "protobuf": ("7.1", [])})
    told = [one for one in found if one.check == "extra onnx"]
    assert told == [
        Finding(
            "extra onnx",
            "warning",
            "onnx 1.23, protobuf 7.1; missing: skl2onnx",
            'pip install "modelpack[onnx]"',
        ),
        Finding(
            "extra onnx",
            "problem",
            "protobuf 7.1 is here, and protobuf<7 is needed",
            'pip install "protobuf<7"',
        ),
    ]


def test_a_version_outside_is_no_problem_where_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, {"click": ("8.1", []), "protobuf": ("7.1", [])})
    assert {one.state for one in found} == {"ok"}


def test_the_same_modules_from_another_distribution_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, {"click": ("8.1", []), "xgboost": ("3.2", [])})
    assert Finding("extra trees", "ok", "xgboost 3.2") in found


def test_libraries_that_do_not_go_together_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(
        monkeypatch,
        {
            "click": ("8.1", ["numpy>=2", "gone; extra == 'x'", "absent", "not a requirement!"]),
            "numpy": ("1.26", ["click"]),
        },
    )
    assert [one for one in found if one.check == "conflicts"] == [
        Finding(
            "conflicts",
            "warning",
            "click 8.1 needs numpy>=2, and numpy 1.26 is here",
            'pip install "numpy>=2"',
        ),
        Finding(
            "conflicts", "warning", "click 8.1 needs absent, and absent is missing", 'pip install "absent"'
        ),
    ]
