"""What OpenTelemetry says in the log is said seldom, and without secrets."""

import logging

import pytest

from serving.tracing.hushing import Hushed, secrets_of


def record(
    words: str, *arguments: object, name: str = "opentelemetry.exporter", **more: object
) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, words, arguments, None)
    made.__dict__.update(more)
    return made


def test_one_of_a_kind_is_told_in_a_minute_and_how_many_there_were_in_between() -> None:
    now = [100.0]
    hushed = Hushed((), seconds=lambda: now[0])
    seen = [hushed.filter(record("it failed: %s", number)) for number in range(5)]
    assert seen == [True, False, False, False, False]
    assert hushed.filter(record("another kind"))
    now[0] += 61
    again = record("it failed: %s", 6)
    assert hushed.filter(again)
    assert (again.getMessage(), again.__dict__["unsaid"]) == ("it failed: 6", 4)


def test_callers_cannot_make_it_remember_without_end() -> None:
    now = [100.0]
    hushed = Hushed((), seconds=lambda: now[0])
    seen = sum(hushed.filter(record(f"kind {number}")) for number in range(1000))
    assert seen == len(hushed._kinds) == 256
    now[0] += 61
    assert hushed.filter(record("kind 1001"))


def test_records_of_others_are_left_alone() -> None:
    hushed = Hushed({"sesame"})
    own = record("sesame %s", 1, name="serving.models")
    assert all(hushed.filter(own) for _ in range(3))
    assert own.getMessage() == "sesame 1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=open-sesame"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b,Authorization=Bearer%20open-sesame"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization Bearer open-sesame"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:open-sesame@collector:4318"),
    ],
)
def test_no_part_of_a_secret_is_repeated(variable: str, value: str) -> None:
    hushed = Hushed(secrets_of({variable: value}))
    for words in (value, "open-sesame", "http://x:open-sesame@collector/v1?key=open-sesame"):
        said = record("it failed with %s", words, exc_info=(ValueError, ValueError(words), None))
        hushed = Hushed(hushed._secrets)
        assert hushed.filter(said)
        assert "sesame" not in said.getMessage()
        assert said.getMessage().startswith("it failed with")
        assert said.exc_info is None


def test_the_search_for_secrets_is_not_blind() -> None:
    said = record("it failed with %s", "open-sesame")
    assert Hushed(secrets_of({"OTEL_SERVICE_NAME": "open-sesame"})).filter(said)
    assert "sesame" in said.getMessage()
