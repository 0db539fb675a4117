"""The ``serve`` command: what it takes, and how it says no."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelpack.cli import run
from serving.cli import serve
from serving.settings import OPTIONS


@pytest.fixture(autouse=True)
def _bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS.values():
        for name in option.variables:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "hint"),
    [
        ([], {}, 2, "-m"),
        (["-m", "/nowhere/at/all"], {}, 1, "no model directory '/nowhere/at/all'"),
        ([], {"MLFLOW_MODEL_URI": "/nowhere/at/all"}, 1, "no model directory '/nowhere/at/all'"),
        ([], {"MODELPACK_MODEL_URI": "/first", "MLFLOW_MODEL_URI": "/second"}, 1, "/first"),
        (["-m", "/given"], {"MODELPACK_MODEL_URI": "/set"}, 1, "/given"),
        (["-m", "models:/nope/Production"], {}, 1, "no registered model 'nope'"),
        (["-m", "models:/nope"], {}, 1, "names no version"),
        (["-m", "EMPTY"], {}, 1, "MLmodel"),
        (["-m", "MODEL", "-h", "0.0.0.0"], {}, 1, "--allow-remote"),
        (["-m", "MODEL"], {"MLFLOW_HOST": "::"}, 1, "--allow-remote"),
        (["-m", "MODEL", "-h", "no.such.host.invalid"], {}, 1, "--allow-remote"),
        (
            ["-m", "MODEL", "-h", "no.such.host.invalid", "--allow-remote"],
            {},
            1,
            "no address of this machine",
        ),
        (["-m", "MODEL", "-h", "192.0.2.1", "--allow-remote"], {}, 1, "cannot listen at 192.0.2.1"),
        (["-m", "MODEL"], {"MLFLOW_PORT": "http"}, 1, "MLFLOW_PORT='http'"),
        (["-m", "MODEL"], {"GUNICORN_CMD_ARGS": "--workers=none"}, 1, "GUNICORN_CMD_ARGS --workers='none'"),
        (["-m", "MODEL", "-p", "http"], {}, 2, "'http': give a whole number from 0 to 65535"),
        (["-m", "MODEL", "--env-manager", "virtualenv"], {}, 2, "give local"),
        (["-m", "MODEL", "--no-conda", "--env-manager", "local", "-w", "0"], {}, 2, "whole number from 1"),
        (["-m", "MODEL", "--coerce", "much"], {}, 2, "lossless or mlflow"),
        (["-m", "MODEL", "--nope"], {}, 2, "--nope"),
    ],
)
def test_a_mistake_is_one_line_at_once(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environ: dict[str, str],
    code: int,
    hint: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    places = {"MODEL": str(models / "magic"), "EMPTY": str(tmp_path)}
    assert run(serve, [places.get(word, word) for word in arguments], name="serve") == code
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1
    assert hint in told[0]


def test_a_port_that_is_taken_is_one_line(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(serve, ["-m", str(models / "magic"), "-p", port], name="serve") == 1
    assert f"Error: cannot listen at 127.0.0.1 port {port}: Address already in use" in capsys.readouterr().err


def test_the_help_names_every_flag_and_variable() -> None:
    shown = " ".join(CliRunner().invoke(serve, ["--help"], terminal_width=500).output.split())
    for option in OPTIONS.values():
        for word in (*option.flags, *option.variables):
            assert word in shown


def test_a_server_without_its_libraries_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [name for name in sys.modules if name.startswith("serving.run")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(serve, ["-m", "/nowhere"], name="serve") == 1
    assert (
        'serving needs uvicorn, which is not installed: pip install "modelpack[serve]"'
        in capsys.readouterr().err
    )


def test_the_command_is_read_without_the_libraries_of_the_server() -> None:
    heavy = {"uvicorn", "starlette", "gunicorn", "numpy", "orjson"}
    code = f"import sys, serving.commands; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
