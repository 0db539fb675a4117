"""What a process says of itself."""

import pytest

from serving.run.plan import Plan
from serving.run.process import announcement
from serving.settings import Settings
from tests.serving.kit import served


def plan(name: str = "churn", version: str = "3", workers: int = 1) -> Plan:
    return Plan(
        settings=Settings(model="models:/churn/Production", workers=workers, trust=("pickle",)),
        place="/models/churn",
        name=name,
        version=version,
        digest="sha256:" + "a" * 64,
        url="http://127.0.0.1:5000",
        descriptor=7,
    )


def test_it_says_name_version_digest_engine_and_url() -> None:
    said = announcement(plan(), served())
    for fact in (
        "churn version 3",
        "sha256:" + "a" * 64,
        "python on the engine native",
        "http://127.0.0.1:5000",
    ):
        assert fact in said
    assert "4 processes" in announcement(plan(workers=4), served())


@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "a\r\nInjected: line", "\u202eabc", "x" * 2000])
def test_whatever_the_model_is_called_it_is_one_printable_line(name: str) -> None:
    said = announcement(plan(name=name), served())
    assert said.isprintable()
    assert len(said) <= 600


def test_a_plan_survives_its_way_to_another_process() -> None:
    assert Plan.from_text(plan(workers=2).to_text()) == plan(workers=2)
