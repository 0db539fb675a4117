"""What the README says works as it stands there."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelpack.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_main_job_by_hand_runs_as_it_is_written(tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "MODELPACK_"))}
    environ = {
        **clean,
        "MODELPACK_HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(
        [sys.executable, "-c", _block("python")], cwd=tmp_path, env=environ, check=True, timeout=120
    )
    script = "set -e\n" + _block("bash").replace("5001", _free_port())
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        raise
    assert shell.returncode == 0
    assert '{"predictions":' in said.replace(" ", "")


@pytest.mark.parametrize("verb", COMMANDS.names())
def test_every_verb_is_in_the_table_and_has_help(verb: str) -> None:
    assert re.search(rf"`modelpack {verb}\b", TEXT)
    answer = CliRunner().invoke(cli, [verb, "--help"])
    assert answer.exit_code == 0
    assert len(answer.output) > 80


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).is_file()] == []
