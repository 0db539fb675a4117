import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import modelpack
from modelpack.errors import NotFound
from serving.cli import read_settings
from serving.errors import InvalidSetting
from serving.image import VARIABLE, Image
from serving.models import find


def _image(**changes: Any) -> Image:
    given: dict[str, Any] = {
        "model": "/opt/ml/model",
        "engine": "onnx",
        "port": 8080,
        "name": "churn",
        "version": "3",
        "digest": "sha256:" + "0" * 64,
        "references": ("/opt/ml/model", "models:/churn/3", "models:/churn/Production"),
    }
    return Image(**given | changes)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The variables of a container."""
    path = tmp_path / "image.json"
    path.write_bytes(_image(variables={"LINES": "a\nb", "MODELPACK_DRAIN": "7"}).text())
    return {VARIABLE: str(path)}


def test_it_is_read_as_it_was_written(environ: dict[str, str]) -> None:
    assert Image.read(environ) == _image(variables={"LINES": "a\nb", "MODELPACK_DRAIN": "7"})
    assert Image.read({}) is None


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"model": 1}', b"\xff"])
def test_a_broken_one_is_no_image(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "image.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSetting, match=VARIABLE):
        Image.read({VARIABLE: str(path)})


def test_a_server_in_an_image_can_be_reached_and_serves_what_is_inside(environ: dict[str, str]) -> None:
    settings = read_settings({}, environ)
    found = (settings.model, settings.host, settings.port, settings.allow_remote, settings.engine)
    assert found == ("/opt/ml/model", "0.0.0.0", 8080, True, "onnx")


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ({"MLFLOW_MODEL_URI": "models:/churn/Production"}, "model", "models:/churn/Production"),
        ({"MODELPACK_MODEL_URI": "models:/churn/3"}, "model", "models:/churn/3"),
        ({"GUNICORN_CMD_ARGS": "--workers=4 --timeout=60"}, "workers", 4),
        ({"GUNICORN_CMD_ARGS": "--bind=0.0.0.0:9000"}, "port", 9000),
        ({"MLFLOW_MODELS_WORKERS": "3"}, "workers", 3),
        ({"MLFLOW_PORT": "9000"}, "port", 9000),
        ({"MODELPACK_PORT": "9000"}, "port", 9000),
        ({"MODELPACK_ENGINE": "native"}, "engine", "native"),
        ({"DISABLE_NGINX": "true"}, "port", 8080),
    ],
)
def test_what_is_said_from_outside_wins(
    environ: dict[str, str], variables: dict[str, str], field: str, value: object
) -> None:
    assert getattr(read_settings({}, {**environ, **variables}), field) == value


def test_words_win_over_all(environ: dict[str, str]) -> None:
    assert read_settings({"port": 9001}, {**environ, "MODELPACK_PORT": "9000"}).port == 9001


def test_variables_of_several_lines_are_entered_unless_they_are_set(environ: dict[str, str]) -> None:
    environ["MODELPACK_DRAIN"] = "9"
    settings = read_settings({}, environ)
    assert environ["LINES"] == "a\nb"
    assert settings.drain == 9


@pytest.fixture
def saved(models: Path) -> Path:
    """A model directory."""
    return models / "tensor"


@pytest.mark.parametrize("reference", ["models:/churn/3", "models:/churn/Production", "/opt/ml/model"])
def test_the_names_of_the_model_inside_need_no_registry(saved: Path, reference: str) -> None:
    source = find(reference, _image(model=str(saved)))
    assert (source.place, source.name, source.version) == (saved, "churn", "3")
    assert source.digest == modelpack.open_model(saved).digest


def test_another_model_is_asked_of_the_registry(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path))
    for variable in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(NotFound):
        find("models:/churn/4", _image(model=str(saved)))
    with modelpack.Registry() as registry:
        registry.register(saved, "other")
    assert find("models:/other/1", _image(model=str(saved))).name == "other"


_WITHOUT_SQL = """
import sys
sys.modules["sqlalchemy"] = None
from serving.image import Image
from serving.models import find
try:
    find("models:/churn/Staging", Image.read({"MODELPACK_IMAGE": sys.argv[1]}))
except LookupError as error:
    print(error)
"""


def test_without_a_client_of_a_registry_the_answer_names_what_is_inside(environ: dict[str, str]) -> None:
    words = [sys.executable, "-c", _WITHOUT_SQL, environ[VARIABLE]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    inside = "/opt/ml/model, models:/churn/3, models:/churn/Production"
    assert done.stdout == f"no model in this image 'models:/churn/Staging'; inside is {inside}\n"


def test_an_image_without_its_model_asks_the_registry(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path))
    with modelpack.Registry() as registry:
        registry.register(saved, "other")
    image = _image(model="models:/other/1", references=())
    assert find(image.model, image).place != saved
