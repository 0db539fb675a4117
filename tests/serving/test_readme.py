"""The examples in serving/README.md run as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelpack
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from tests.serving.kit import ServerProcess, serving
from tests.serving.saved import plan_prices

TEXT = (Path(__file__).resolve().parents[2] / "serving" / "README.md").read_text(encoding="utf-8")
ANSWER = {"33.1", "60.8"}
FRAME = "import pandas\nframe = pandas.DataFrame({'age': [31, 58], 'plan': ['basic', 'gold']})\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The model of the examples, behind a server of one process."""
    folder = tmp_path_factory.mktemp("readme")
    columns = Schema((ColumnSpec(DataType.long, "age"), ColumnSpec(DataType.string, "plan")))
    modelpack.save(plan_prices, folder / "churn", signature=Signature(inputs=columns))
    with serving(folder, "-m", str(folder / "churn"), "--trust", "pickle", "--grpc-port", "0") as running:
        yield running


def blocks(section: str, language: str) -> list[str]:
    """The examples in *language* under the heading *section*."""
    part = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## )", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert part is not None
    found = re.findall(rf"^```{language}\n(.*?)^```", part[1], flags=re.DOTALL | re.MULTILINE)
    assert found
    return found


def run(command: list[str], text: str, server: ServerProcess, folder: Path) -> str:
    text = text.replace("localhost:5001", f"localhost:{server.port}")
    text = text.replace("localhost:5002", f"localhost:{server.grpc_port}")
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, text], cwd=folder, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_open_inference_protocol_by_curl(server: ServerProcess, tmp_path: Path) -> None:
    for text in blocks("The Open Inference Protocol", "bash"):
        assert set(re.findall(r"\d+\.\d+", run(["bash", "-ec"], text, server, tmp_path))) == ANSWER


@pytest.mark.parametrize("section", ["The Open Inference Protocol", "gRPC"])
def test_the_open_inference_protocol_by_tritons_client(
    server: ServerProcess, tmp_path: Path, section: str
) -> None:
    for text in blocks(section, "python"):
        said = run([sys.executable, "-c"], FRAME + text, server, tmp_path)
        assert set(re.findall(r"\d+\.\d+", said)) == ANSWER


def test_arrow_and_parquet(server: ServerProcess, tmp_path: Path) -> None:
    for text in blocks("Arrow and Parquet", "bash"):
        assert set(re.findall(r"\d+\.\d+", run(["bash", "-ec"], text, server, tmp_path))) == ANSWER
    for text in blocks("Arrow and Parquet", "python"):
        said = run([sys.executable, "-c"], FRAME + text, server, tmp_path)
        assert set(re.findall(r"\d+\.\d+", said)) == ANSWER
