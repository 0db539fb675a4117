"""``modelpack env``: what a model needs, as text, as a file, or installed; and nothing that it may not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from modelpack.cli import _venv
from modelpack.cli._venv import Interpreter, Order, choose_python, create
from modelpack.errors import NotFound
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.small import saved

HERE = ".".join(map(str, sys.version_info[:3]))
MINOR = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture(autouse=True)
def _uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the environment of the tests, uv among them, are on PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("uv")


def written(folder: Path, **files: str) -> Path:
    """A model directory that says what it needs in *files* (``requirements`` for requirements.txt)."""
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    endings = {"requirements": "txt", "constraints": "txt", "conda": "yaml", "python_env": "yaml"}
    for name, text in files.items():
        (folder / f"{name}.{endings[name]}").write_text(text)
    return folder


def test_the_requirements_are_printed_one_a_line(verb: Verb, tmp_path: Path) -> None:
    model = saved(tmp_path / "model", requirements=["numpy==2.4.6", "scikit-learn"])
    assert verb("env", model).out == "numpy==2.4.6\nscikit-learn\n"
    told = verb("env", model, "--json").json
    assert told == {
        "python": HERE,
        "requirements": ["numpy==2.4.6", "scikit-learn"],
        "constraints": [],
        "sources": [],
        "conda": [],
    }


def test_a_conda_environment_is_the_models_own_or_made_of_its_requirements(
    verb: Verb, tmp_path: Path
) -> None:
    own = written(
        tmp_path / "own",
        conda="name: old\nchannels: [defaults]\ndependencies: [python=3.8.10, libgomp, {pip: [six==1]}]\n",
    )
    told = yaml.safe_load(verb("env", own, "--format", "conda").out)
    assert told == {
        "name": "old",
        "channels": ["defaults"],
        "dependencies": ["python=3.8.10", "libgomp", {"pip": ["six==1"]}],
    }
    made = written(tmp_path / "made", requirements="six==1\n", python_env="python: 3.10.4\n")
    told = yaml.safe_load(verb("env", made, "--format", "conda").out)
    assert told["dependencies"] == ["python=3.10.4", "pip", {"pip": ["six==1"]}]


def test_what_only_conda_brings_is_told_beside_the_requirements(verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", conda="dependencies: [libgomp, {pip: [six==1]}]\n")
    told = verb("env", model)
    assert told.out == "six==1\n"
    assert "libgomp" in told.err


def test_a_file_is_written_in_place_of_another(verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements="six==1\n")
    (tmp_path / "r.txt").write_text("old")
    assert verb("env", model, "-o", tmp_path / "r.txt").out == ""
    assert (tmp_path / "r.txt").read_text() == "six==1\n"


def test_constraints_beside_the_requirements_go_with_them(verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements="six\n-c constraints.txt\n", constraints="six<2\n")
    assert verb("env", model).out == f"-c {model / 'constraints.txt'}\nsix\n"
    assert verb("env", model, "--json").json["constraints"] == ["six<2"]


def test_ours_is_never_asked_of_an_index(verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements="Model_Pack==1\nModelPack[serve]==1\nsix\n")
    told = verb("env", model)
    assert told.out == "Model_Pack==1\nsix\n"
    assert "modelpack itself is left out" in told.err


@pytest.mark.parametrize(
    "line",
    [
        "--index-url http://me:hidden@evil/simple",
        "-r other.txt",
        "-e .",
        "wheels/x-1-py3-none-any.whl",
        "a @ https://x/a.whl",
    ],
)
def test_where_packages_come_from_is_the_operators_word(line: str, verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements=f"six\n{line}\n")
    for words in ([], ["--format", "conda"], ["--create", tmp_path / "venv"], ["--json"]):
        told = verb("env", model, *words)
        assert told.code == 1
        assert "--allow-sources" in told.err
        assert "hidden" not in told.err
        assert told.out == ""
    assert not (tmp_path / "venv").exists()
    assert verb("env", model, "--allow-sources").out == f"{line}\nsix\n"


@pytest.mark.parametrize("line", ["six; touch /tmp/p", "$(id)", "`id`", "six\x00", "six\x1b[31m"])
def test_a_line_reaches_no_shell_and_no_terminal_as_it_is(line: str, verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements=f"{line}\n")
    told = verb("env", model)
    assert (told.code, told.out) == (1, "")
    assert told.err.isprintable() or told.err.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    "words",
    [["--python", "3.11"], ["--create", "x", "-o", "y"], ["--create", "x", "--json"], ["--format", "x"]],
)
def test_words_that_go_not_together_are_wrong_usage(words: list[str], verb: Verb, tmp_path: Path) -> None:
    assert verb("env", written(tmp_path / "m", requirements="six\n"), *words).code == 2


def _pins(folder: Path) -> set[str]:
    (packages,) = folder.glob("lib/python*/site-packages")
    return {path.name for path in packages.glob("*.dist-info")}


def _without(program: str, folder: Path) -> str:
    """A PATH that has all but *program*."""
    folder.mkdir()
    for name in ("sh", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    assert shutil.which(program, path=str(folder)) is None
    return str(folder)


PINNED = "six==1.17.0\ntyping_extensions>=4\n-c constraints.txt\n"


def _pinned(folder: Path) -> Path:
    return written(
        folder, requirements=PINNED, constraints="typing-extensions<5\n", python_env=f"python: {HERE}\n"
    )


def test_a_new_environment_has_exactly_the_requirements(verb: Verb, tmp_path: Path) -> None:
    model, folder = _pinned(tmp_path / "m"), tmp_path / "venv"
    told = verb("env", model, "--create", folder)
    assert told.code == 0, told.err
    assert f"with Python {HERE}, by uv." in told.err
    assert "Note" not in told.err
    assert {name.partition("-")[0].lower() for name in _pins(folder)} == {"six", "typing_extensions"}
    code = "import json, six, sys; print(json.dumps([six.__version__, sys.prefix]))"
    done = subprocess.run([folder / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["1.17.0", str(folder)]
    assert verb("env", model, "--create", folder).code == 1
    assert "six" in {name.partition("-")[0] for name in _pins(folder)}


@pytest.mark.long
def test_pip_makes_it_where_there_is_no_uv(
    verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", _without("uv", tmp_path / "path"))
    told = verb("env", _pinned(tmp_path / "m"), "--create", tmp_path / "venv")
    assert told.code == 0, told.err
    assert "by venv and pip." in told.err
    assert "six-1.17.0.dist-info" in _pins(tmp_path / "venv")


@pytest.mark.parametrize("is_there", [False, True])
def test_nothing_is_left_of_an_environment_that_fails(is_there: bool, verb: Verb, tmp_path: Path) -> None:
    model = written(tmp_path / "m", requirements="six==0.0.0.dev999\n")
    if is_there:
        (tmp_path / "venv").mkdir()
    told = verb("env", model, "--create", tmp_path / "venv")
    assert told.code == 1
    assert "nothing is left" in told.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", *(["venv"] if is_there else [])]
    assert not is_there or not any((tmp_path / "venv").iterdir())


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_interrupted(sign: signal.Signals, tmp_path: Path) -> None:
    # An installer that hangs, in place of the real one.
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    uv.write_text('#!/bin/sh\n[ "$1" = venv ] && exec mkdir "$6"\nexec sleep 60\n')
    uv.chmod(0o755)
    model = _pinned(tmp_path / "m")
    environ = {**os.environ, "PATH": f"{uv.parent}:/usr/bin:/bin", "MODELPACK_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", "from modelpack.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "env", str(model), "--create", str(tmp_path / "venv")],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Installing"):
            break
    assert (tmp_path / "venv").is_dir()
    time.sleep(0.2)
    os.killpg(process.pid, sign)
    said = process.stderr.read()
    assert process.wait(30) == 130, said
    process.stderr.close()
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("kind", ["file", "full", "link"])
def test_a_place_that_is_taken_is_left_alone(kind: str, verb: Verb, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "link":
        folder.symlink_to(tmp_path / "nowhere")
    else:
        folder.mkdir()
        (folder / "mine").write_text("mine")
    told = verb("env", _pinned(tmp_path / "m"), "--create", folder)
    assert told.code == 1
    assert "exists already" in told.err
    assert folder.is_symlink() if kind == "link" else folder.exists()


def _fake(folder: Path, version: str) -> Path:
    """A program that says it is Python *version*."""
    folder.mkdir(parents=True, exist_ok=True)
    minor = ".".join(version.split(".")[:2])
    program = folder / f"python{minor}"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


def test_the_python_of_the_model_is_used_when_it_is_here(tmp_path: Path) -> None:
    old = _fake(tmp_path / "bin", "3.7.9")
    kept = _fake(tmp_path / "pyenv" / "versions" / "3.6.2" / "bin", "3.6.2").rename(
        tmp_path / "pyenv" / "versions" / "3.6.2" / "bin" / "python"
    )
    environ = {"PATH": f"{old.parent}:/bin", "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert choose_python("3.7.9", None, environ) == Interpreter(str(old), "3.7.9")
    assert choose_python("3.7.1", None, environ).version == "3.7.9"
    assert choose_python("3.6.2", None, environ) == Interpreter(str(kept), "3.6.2")
    assert choose_python(HERE, None, environ) == Interpreter(sys.executable, HERE)
    assert choose_python(None, None, environ).version == HERE
    assert choose_python("3.5.1", None, environ).version == HERE
    assert choose_python("3.5.1", "3.7", environ).version == "3.7.9"
    assert choose_python("3.5.1", str(old), environ).version == "3.7.9"


@pytest.mark.parametrize("given", ["3.5", "/bin/true", "no-such-program", "/etc/passwd"])
def test_a_python_that_is_asked_for_and_is_not_here_is_not_replaced(given: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no Python"):
        choose_python("3.11", given, {"PATH": "/bin", "PYENV_ROOT": str(tmp_path)})


def test_another_python_than_the_models_is_told(
    verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_venv, "_found", lambda *_: iter(()))
    model = written(tmp_path / "m", python_env="python: 3.5.1\n")
    told = verb("env", model, "--create", tmp_path / "venv")
    assert told.code == 0, told.err
    assert f"saved with Python 3.5.1, which is not here; {HERE} is used, and may not do" in told.err
    assert "does not say what it needs" in told.err


def test_a_file_that_names_its_sources_is_installed_from_where_it_lies(tmp_path: Path) -> None:
    # What an installer is told; it is a program that writes it down.
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    uv.write_text(f'#!/bin/sh\necho "$PWD|$*" >> {tmp_path}/said\n')
    uv.chmod(0o755)
    own = tmp_path / "m" / "requirements.txt"
    own.parent.mkdir()
    order = Order(requirements=["-r other.txt"], own=own)
    environ = {"PATH": str(uv.parent), "PYTHONPATH": "/evil", "VIRTUAL_ENV": "/other"}
    create(tmp_path / "venv", order, Interpreter("/py", "3.11.1"), environ=environ, say=lambda _: None)
    made, installed = (tmp_path / "said").read_text().splitlines()
    assert made.endswith(f"|venv --quiet --no-project --python /py {tmp_path}/venv")
    assert installed == f"{own.parent}|pip install --python {tmp_path}/venv/bin/python -r {own}"
