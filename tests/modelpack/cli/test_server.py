"""``modelpack server`` and ``modelpack ui``: which settings are meant, and what a person is told."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelpack.tracking.server import run
from modelpack.tracking.server.settings import ServerSettings
from tests.modelpack.cli.conftest import Verb


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings of servers that a verb would have begun."""
    found: list[ServerSettings] = []

    def start(settings: ServerSettings, *, tell: Callable[[str], None] | None = None) -> int:
        found.append(settings)
        if tell is not None:
            tell("http://127.0.0.1:5000")
        return 0

    monkeypatch.setattr(run, "start", start)
    for variable in ("MODELPACK_TRACKING_URI", "MODELPACK_PORT", "MODELPACK_HOST", "MODELPACK_WORKERS"):
        monkeypatch.delenv(variable, raising=False)
    return found


def test_without_a_word_it_is_this_persons_registry_on_this_machine(
    verb: Verb, begun: list[ServerSettings], tmp_path: Path
) -> None:
    assert verb("server").code == 0
    home = tmp_path / "home"
    assert begun == [
        ServerSettings(
            backend_store_uri=f"sqlite:///{home / 'registry.db'}", artifact_root=str(home / "artifacts")
        )
    ]


@pytest.mark.parametrize(
    ("words", "environ", "name", "value"),
    [
        (["-p", "7"], {"MLFLOW_PORT": "8"}, "port", 7),
        ([], {"MLFLOW_PORT": "8"}, "port", 8),
        ([], {"MLFLOW_WORKERS": "3"}, "workers", 3),
        (["-h", "::1"], {}, "host", "::1"),
        ([], {"MLFLOW_BACKEND_STORE_URI": "sqlite:///a.db"}, "backend_store_uri", "sqlite:///a.db"),
        ([], {"MLFLOW_TRACKING_URI": "sqlite:///b.db"}, "backend_store_uri", "sqlite:///b.db"),
        ([], {"MLFLOW_DEFAULT_ARTIFACT_ROOT": "s3://b/x"}, "artifact_root", "s3://b/x"),
        (["--artifacts-destination", "/x"], {}, "artifact_root", "/x"),
        (
            ["--default-artifact-root", "mlflow-artifacts:/", "--artifacts-destination", "/x"],
            {},
            "artifact_root",
            "/x",
        ),
        (["--require-auth"], {}, "require_auth", True),
        (["--allowed-hosts", "a.example, *.b.example"], {}, "allowed_hosts", ("a.example", "*.b.example")),
        (["--cors-allowed-origins", "https://a"], {}, "allowed_origins", ("https://a",)),
        (["--body-limit", "1MiB"], {}, "body_limit", 1 << 20),
        (["--artifact-limit", "2g"], {}, "artifact_limit", 2 << 30),
        (["--no-pages"], {}, "pages", False),
        (["--serve-artifacts"], {}, "workers", 1),
    ],
)
def test_what_is_said_goes_before_variables_and_these_before_the_default(
    verb: Verb,
    begun: list[ServerSettings],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    environ: dict[str, str],
    name: str,
    value: Any,
) -> None:
    for variable, text in environ.items():
        monkeypatch.setenv(variable, text)
    answer = verb("server", *words)
    assert answer.code == 0, answer.err
    assert getattr(begun[0], name) == value


def test_a_server_that_is_tracked_to_is_not_what_a_server_stands_on(
    verb: Verb, begun: list[ServerSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert verb("server").code == 0
    assert begun[0].backend_store_uri.endswith("registry.db")


@pytest.mark.parametrize("words", [["--body-limit", "much"], ["--port", "70000"], ["--workers", "0"]])
def test_a_wrong_word_is_wrong_usage(verb: Verb, words: list[str]) -> None:
    assert verb("server", *words).code == 2


@pytest.mark.parametrize("name", ["server", "ui"])
def test_it_does_not_open_a_door_to_other_machines_without_a_word(
    verb: Verb, name: str, tmp_path: Path
) -> None:
    answer = verb(name, "--host", "0.0.0.0", "--port", "0")
    assert (answer.code, answer.out) == (1, "")
    assert "--require-auth" in answer.err
    assert not (tmp_path / "home").exists()


def test_it_refuses_an_address_that_is_no_database_in_one_line(verb: Verb) -> None:
    answer = verb("server", "--backend-store-uri", "http://elsewhere", "--port", "0")
    assert answer.code == 1
    assert answer.err.startswith("Error: --backend-store-uri")
    assert answer.err.count("\n") == 1


def test_one_person_is_told_where_to_look(verb: Verb, begun: list[ServerSettings]) -> None:
    answer = verb("ui")
    assert answer.out == "Open http://127.0.0.1:5000 in a browser; Ctrl-C ends it.\n"
    assert begun[0].host == "127.0.0.1"


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(
    verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "modelpack.tracking.server.run":
            raise ModuleNotFoundError("No module named 'starlette'", name="starlette")
        return known(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    answer = verb("server")
    assert answer.code == 1
    assert 'pip install "modelpack[track]"' in answer.err
