"""The port for gRPC is the server's own."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.errors import CannotListen
from serving.grpc.port import reserve
from tests.serving.kit import serving


def test_a_held_port_is_shared_by_those_who_say_so_alone() -> None:
    with reserve("127.0.0.1", 0, allow_remote=False) as held:
        address = held.getsockname()
        with socket.socket() as sharing:
            sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sharing.bind(address)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
        with pytest.raises(CannotListen, match=str(address[1])):
            reserve("127.0.0.1", address[1], allow_remote=False)


def test_beyond_this_machine_it_goes_only_when_allowed() -> None:
    with pytest.raises(CannotListen, match="--allow-remote"):
        reserve("0.0.0.0", 0, allow_remote=False)
    reserve("0.0.0.0", 0, allow_remote=True).close()


def test_a_port_that_is_taken_is_told_before_the_model_runs(models: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        how = ("-m", str(models / "magic"), "--trust", "pickle", "--grpc-port", port)
        with serving(tmp_path, *how, wait=False) as server:
            assert server.process.wait(30) == 1
            assert server.events.splitlines() == [
                f"Error: cannot listen at 127.0.0.1 port {port}: Address already in use"
            ]


WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "grpc":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from serving.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_grpc_the_extra_is_named(models: Path, workers: str) -> None:
    how = ["-m", str(models / "magic"), "--trust", "pickle", "-p", "0", "-w", workers, "--grpc-port", "0"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *how], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == 'Error: gRPC needs grpcio, which is not installed: pip install "modelpack[grpc]"\n'


def test_without_the_setting_grpc_is_not_imported(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "-m", str(models / "magic"), "--trust", "pickle") as server:
        assert "grpc" not in Path(f"/proc/{server.pid}/maps").read_text()
        assert "gRPC" not in server.events
    with serving(tmp_path / "on", "-m", str(models / "magic"), "--trust", "pickle", "--grpc-port", "0") as on:
        assert "grpc" in Path(f"/proc/{on.pid}/maps").read_text()
