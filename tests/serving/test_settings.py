"""Settings: who has the word, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

import serving
from serving import settings as subject
from serving.errors import InvalidSetting
from serving.settings import OPTIONS, Settings, read_gunicorn


def test_nothing_said_means_the_defaults() -> None:
    assert Settings.read({}, {}) == Settings()
    assert (Settings().host, Settings().port, Settings().workers, Settings().timeout) == (
        "127.0.0.1",
        5000,
        1,
        60.0,
    )
    assert Settings().body_limit == 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("variable", "text", "name", "wanted"),
    [
        ("MODELPACK_MODEL_URI", "models:/churn/3", "model", "models:/churn/3"),
        ("MLFLOW_MODEL_URI", "models:/churn/3", "model", "models:/churn/3"),
        ("MLFLOW_HOST", "::1", "host", "::1"),
        ("MLFLOW_PORT", "8080", "port", 8080),
        ("MLFLOW_MODELS_WORKERS", "4", "workers", 4),
        ("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "90", "timeout", 90.0),
        ("MODELPACK_TIMEOUT", "0.5", "timeout", 0.5),
        ("MODELPACK_BODY_LIMIT", "512KiB", "body_limit", 512 * 1024),
        ("MODELPACK_BODY_LIMIT", "100m", "body_limit", 100 * 1024 * 1024),
        ("MODELPACK_BODY_LIMIT", "1048576", "body_limit", 1048576),
        ("MODELPACK_ALLOW_REMOTE", "true", "allow_remote", True),
        ("MODELPACK_ALLOW_REMOTE", "0", "allow_remote", False),
        ("MODELPACK_ALLOWED_HOSTS", "a.example, b.example", "allowed_hosts", ("a.example", "b.example")),
        ("MODELPACK_TRUST", "pickle,sklearn.foo.Bar", "trust", ("pickle", "sklearn.foo.Bar")),
        ("MODELPACK_COERCE", "mlflow", "coerce", "mlflow"),
    ],
)
def test_variables_are_read(variable: str, text: str, name: str, wanted: Any) -> None:
    assert getattr(Settings.read({}, {variable: text}), name) == wanted


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.variables])
def test_every_variable_of_the_table_is_read(name: str) -> None:
    samples = {"int": "7", "float": "7", "bool": "yes", "tuple": "x", "NoneType": "7"}
    option = OPTIONS[name]
    text = samples.get(type(option.default).__name__, {"coerce": "mlflow", "engine": "onnx"}.get(name, "x"))
    for variable in option.variables:
        assert getattr(Settings.read({}, {variable: text}), name) == option.parse(text) != option.default


@pytest.mark.parametrize(
    ("variable", "text", "hint"),
    [
        ("MLFLOW_PORT", "abc", "whole number from 0 to 65535"),
        ("MLFLOW_PORT", "65536", "whole number from 0 to 65535"),
        ("MLFLOW_PORT", "-1", "whole number"),
        ("MLFLOW_PORT", "٣", "whole number"),
        ("MLFLOW_MODELS_WORKERS", "0", "whole number from 1"),
        ("MODELPACK_TIMEOUT", "1m", "seconds"),
        ("MODELPACK_TIMEOUT", "nan", "seconds"),
        ("MODELPACK_BODY_LIMIT", "64 MB", "bytes"),
        ("MODELPACK_BODY_LIMIT", "0", "bytes"),
        ("MODELPACK_ALLOW_REMOTE", "perhaps", "true or false"),
        ("MODELPACK_COERCE", "Lossless", "lossless or mlflow"),
        ("GUNICORN_CMD_ARGS", "--workers=many", "whole number"),
        ("GUNICORN_CMD_ARGS", "--workers", "expected one argument"),
        ("GUNICORN_CMD_ARGS", "--timeout '60", "quotation"),
        ("GUNICORN_CMD_ARGS", "--bind unix:/tmp/x", "HOST:PORT"),
        ("GUNICORN_CMD_ARGS", "--bind nowhere", "HOST:PORT"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(variable: str, text: str, hint: str) -> None:
    with pytest.raises(InvalidSetting, match=hint) as caught:
        Settings.read({}, {variable: text})
    assert str(caught.value).startswith(variable)
    assert "\n" not in str(caught.value)


def test_the_manifest_of_the_guide_takes_effect() -> None:
    environ = {
        "MLFLOW_MODEL_URI": "models:/churn-prediction-model/Production",
        "GUNICORN_CMD_ARGS": "--workers=4 --timeout=60",
    }
    settings = Settings.read({}, environ)
    assert (settings.model, settings.workers, settings.timeout) == (environ["MLFLOW_MODEL_URI"], 4, 60.0)


def test_gunicorn_arguments_are_taken_over_and_the_others_named() -> None:
    text = (
        "-w 2 -t 30 -b 0.0.0.0:8080 -b [::1]:9090 --graceful-timeout=20 --keep-alive 3 -k gevent --threads=4"
    )
    values, ignored = read_gunicorn({"GUNICORN_CMD_ARGS": text})
    assert values == {
        "workers": 2,
        "timeout": 30.0,
        "host": "::1",
        "port": 9090,
        "drain": 20.0,
        "keep_alive": 3.0,
    }
    assert ignored == ["-k", "gevent", "--threads=4"]


def test_the_command_line_beats_gunicorn_arguments_which_beat_variables() -> None:
    environ = {
        "GUNICORN_CMD_ARGS": "--workers=2 --timeout=20",
        "MODELPACK_WORKERS": "3",
        "MLFLOW_PORT": "3333",
        "MODELPACK_TIMEOUT": "30",
    }
    settings = Settings.read({"timeout": 10.0, "host": None}, environ)
    assert (settings.timeout, settings.workers, settings.port, settings.host) == (10.0, 2, 3333, "127.0.0.1")


def test_our_own_variable_beats_mlflows_and_an_empty_one_says_nothing() -> None:
    both = {"MODELPACK_PORT": "1111", "MLFLOW_PORT": "2222"}
    assert Settings.read({}, both).port == 1111
    assert Settings.read({}, {**both, "MODELPACK_PORT": ""}).port == 2222


def test_the_readme_holds_the_table_of_settings() -> None:
    readme = (Path(serving.__file__).parent / "README.md").read_text()
    assert subject.table() in readme, f"put this into serving/README.md:\n{subject.table()}"


def test_no_flag_and_no_variable_stands_for_two_settings() -> None:
    flags = [flag for option in OPTIONS.values() for flag in option.flags]
    variables = [name for option in OPTIONS.values() for name in option.variables]
    assert len(set(flags)) == len(flags)
    assert len(set(variables)) == len(variables)
