from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import Uncertified
from serving.images.errors import InvalidValue
from serving.images.requirements import Wanted, installed, wanted
from tests.serving.images.making import saved


def _names(found: Wanted) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in found.lines}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    """The guide's model without an ONNX form, its requirements written by MLflow."""
    path = saved(
        tmp_path_factory.mktemp("plain") / "model",
        certify={"rows": 0},
        requirements=["mlflow==3.17.2", "scikit-learn==1.9.1", "numpy==2.4.6"],
    )
    return open_directory(path)


def test_the_onnx_form_needs_neither_pandas_nor_scikit_learn(model: ModelDirectory) -> None:
    found = wanted(model, engine="onnx", python="3.11")
    assert found.engine == "onnx"
    assert {"numpy", "onnxruntime", "starlette", "uvicorn", "orjson", "click"} <= _names(found)
    assert not {"pandas", "scikit-learn", "scipy", "skops", "sqlalchemy", "skl2onnx"} & _names(found)


def test_the_runtime_is_the_one_that_was_compared(model: ModelDirectory) -> None:
    assert f"onnxruntime=={version('onnxruntime')}" in wanted(model, engine="onnx", python="3.11").lines


def test_versions_that_the_model_was_saved_with_stay(model: ModelDirectory) -> None:
    onnx = wanted(model, engine="onnx", python="3.11")
    native = wanted(model, engine="native", python="3.11")
    assert f"numpy=={version('numpy')}" in onnx.limits
    assert f"scikit-learn=={version('scikit-learn')}" in native.lines
    assert native.limits == ()


def test_the_native_model_needs_no_runtime_of_onnx(model: ModelDirectory) -> None:
    found = _names(wanted(model, engine="native", python="3.11"))
    assert {"scikit-learn", "skops", "pandas"} <= found
    assert "onnxruntime" not in found


def test_auto_is_both_where_a_report_says_so_and_native_elsewhere(
    model: ModelDirectory, plain: ModelDirectory
) -> None:
    both = wanted(model, engine="auto", python="3.11")
    assert both.engine == "auto"
    assert {"scikit-learn", "onnxruntime"} <= _names(both)
    alone = wanted(plain, engine="auto", python="3.11")
    assert alone.engine == "native"
    assert "onnxruntime" not in _names(alone)


def test_what_no_report_certifies_gets_no_image_of_its_onnx_form(plain: ModelDirectory) -> None:
    with pytest.raises(Uncertified, match="modelpack certify"):
        wanted(plain, engine="onnx", python="3.11")


def test_a_model_of_mlflow_is_served_without_it(plain: ModelDirectory) -> None:
    found = _names(wanted(plain, engine="native", python="3.11"))
    assert "mlflow" not in found
    # The list is too short, and the files say what else is needed.
    assert {"skops", "pandas"} <= found


def test_a_model_that_is_fetched_needs_a_client_of_the_registry(model: ModelDirectory) -> None:
    found = _names(wanted(model, engine="onnx", python="3.11", at_start=True))
    assert {"sqlalchemy", "psycopg"} <= found


def test_more_can_be_asked_for(model: ModelDirectory) -> None:
    assert "cowsay==6.1" in wanted(model, engine="onnx", python="3.11", more=["cowsay==6.1"]).lines
    with pytest.raises(InvalidValue):
        wanted(model, engine="onnx", python="3.11", more=["curl; id"])


@pytest.mark.parametrize(
    ("extra", "brings"),
    [
        ("arrow", {"pyarrow"}),
        ("grpc", {"grpcio", "protobuf"}),
        ("otel", {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}),
    ],
)
def test_an_extra_of_this_toolkit_can_be_asked_for_by_its_name(
    model: ModelDirectory, extra: str, brings: set[str]
) -> None:
    plain = _names(wanted(model, engine="onnx", python="3.11"))
    assert _names(wanted(model, engine="onnx", python="3.11", extras=[extra])) - plain == brings


def test_this_toolkit_is_never_asked_of_an_index(model: ModelDirectory) -> None:
    assert "modelpack" not in _names(wanted(model, engine="auto", python="3.11", at_start=True))
    assert not [line for line in installed() if line.startswith("modelpack==")]
