"""The variables mean what OpenTelemetry's specification says."""

import logging
import sys

import pytest

from modelpack.errors import MissingDependency
from modelpack.logs import Lines
from serving.errors import InvalidSetting
from serving.tracing import Wish, require, start
from tests.serving.kit import served

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
URL = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("environ", "exporters"),
    [
        pytest.param({}, (), id="nothing is said"),
        pytest.param({BASE: ""}, (), id="empty is unset"),
        pytest.param({BASE: URL}, ("otlp",), id="an address"),
        pytest.param({TRACES: f"{URL}/v1/traces"}, ("otlp",), id="an address for traces"),
        pytest.param({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",), id="the default address"),
        pytest.param({"OTEL_TRACES_EXPORTER": "console"}, ("console",), id="console"),
        pytest.param({"OTEL_TRACES_EXPORTER": "console", BASE: URL}, ("console",), id="console alone"),
        pytest.param({"OTEL_TRACES_EXPORTER": "Console, otlp"}, ("console", "otlp"), id="both"),
        pytest.param({"OTEL_TRACES_EXPORTER": "none", BASE: URL}, (), id="none"),
        pytest.param({"OTEL_SDK_DISABLED": "TRUE", BASE: URL}, (), id="disabled"),
        pytest.param({"OTEL_SDK_DISABLED": "false", BASE: URL}, ("otlp",), id="not disabled"),
        pytest.param({"OTEL_METRICS_EXPORTER": "otlp", "OTEL_SERVICE_NAME": "x"}, (), id="other signals"),
    ],
)
def test_the_exporters_are_as_the_variables_say(environ: dict[str, str], exporters: tuple[str, ...]) -> None:
    assert Wish.read(environ).exporters == exporters


@pytest.mark.parametrize(
    ("environ", "exporters", "variable"),
    [
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "zipkin", BASE: URL}, ("otlp",), "OTEL_TRACES_EXPORTER", id="zipkin"
        ),
        pytest.param({"OTEL_TRACES_EXPORTER": "zipkin"}, (), "OTEL_TRACES_EXPORTER", id="zipkin alone"),
        pytest.param({"OTEL_SDK_DISABLED": "1", BASE: URL}, ("otlp",), "OTEL_SDK_DISABLED", id="no boolean"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", BASE: URL},
            ("otlp",),
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            id="protocol",
        ),
    ],
)
def test_an_unknown_word_is_ignored_with_a_warning(
    environ: dict[str, str], exporters: tuple[str, ...], variable: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert Wish.read(environ).exporters == exporters
    (record,) = caplog.records
    assert record.__dict__["variable"] == variable


@pytest.mark.parametrize("text", ["collector:4318", "grpc://collector:4317", "http://", "user:sesame@x"])
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT is no address") as refused:
        Wish.read({BASE: text})
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("module", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_wanted_traces_without_the_extra_are_an_error_at_the_start(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    require({BASE: URL})
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv(BASE, URL)
    with pytest.raises(
        MissingDependency, match=r'^OTEL_EXPORTER_OTLP_ENDPOINT is set: .*"modelpack\[otel\]"'
    ):
        require({BASE: URL})
    require({})


def test_another_protocol_wants_its_own_exporter() -> None:
    with pytest.raises(MissingDependency, match="opentelemetry-exporter-otlp-proto-grpc"):
        require({BASE: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_nothing_follows_where_nothing_is_wanted() -> None:
    assert start(served().source, {}, Lines(2)) is None
