"""``modelpack server --compose`` writes the files of a team server and serves nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from modelpack.cli import cli, run
from modelpack.cli.server import DEPLOYMENTS


def test_it_hands_the_folder_and_the_door_on_and_says_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def write(folder: Path, **words: Any) -> Sequence[Path]:
        asked.append((folder, words))
        return [folder / "docker-compose.yaml"]

    monkeypatch.setitem(DEPLOYMENTS._loaded, "compose", write)
    words = ["server", "--compose", str(tmp_path), "--force", "--port", "8443", "--workers", "3"]
    assert run(cli, [*words, "--allowed-hosts", "a.example.org,b.example.org"], name="modelpack") == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "docker-compose.yaml")]
    assert asked == [
        (
            tmp_path,
            {
                "again": True,
                "host": "127.0.0.1",
                "port": 8443,
                "workers": 3,
                "allowed_hosts": ("a.example.org", "b.example.org"),
            },
        )
    ]


def test_the_writer_comes_with_the_toolkit() -> None:
    assert DEPLOYMENTS["compose"].__module__ == "serving.compose.write"


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    assert run(cli, ["server", "--compose", str(tmp_path)], name="modelpack") == 1
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "docker-compose.yaml").read_text() == "services: {}\n"
