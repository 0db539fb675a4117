"""Images that a real engine built, and containers of them: hardened, asked, searched, stopped under load."""

import http.client
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelpack import load_predictor
from modelpack.directory import ModelDirectory
from serving.images.context import Context
from serving.images.engine import Classic, Order, Program
from serving.images.errors import BuildFailed
from tests.containers import BASE, Engine
from tests.serving.images.making import PRODUCTION, customers

TRICKY = "a \"b\" $HOME ${HOME} `id` \\ 'c' {{7*7}} #d ä\\"
LINES = "one\ntwo $x\n"
HARDENED: Mapping[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": "12345:0",
}
MEGABYTE = 1_000_000
LIMITS = {"onnx": 150, "native": 350}
"""Megabytes that an image may add to its base."""


@dataclass(frozen=True)
class Built:
    """An image, what its making printed, and what it adds to its base in bytes."""

    tag: str
    attributes: Mapping[str, Any]
    added: int
    folder: Path


@pytest.fixture(scope="module")
def images(
    container_engine: Engine, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Built]]:
    """The guide's model as two images, made by the verb, side by side, with all that makes them special."""
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MODELPACK_", "MLFLOW_"))
        },
        "DOCKER_HOST": container_engine.host,
        "MODELPACK_HOME": str(home),
        "MODELPACK_ARTIFACT_ROOT": str(home / "artifacts"),
    }
    options = (
        "--sbom",
        "--env",
        f"TRICKY={TRICKY}",
        "--env",
        f"LINES={LINES}",
        "--label",
        f"org.example.x={TRICKY}",
    )
    making = {}
    for engine in LIMITS:
        folder = tmp_path_factory.mktemp(engine)
        words = ["build-docker", "-m", PRODUCTION, "-n", f"modelpack-test:{engine}", "--engine", engine]
        making[engine] = (
            folder,
            subprocess.Popen(
                [Path(sys.executable).with_name("modelpack"), *words, "--base", BASE, *options],
                cwd=folder,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ),
        )
    base = container_engine.client.images.get(BASE).attrs["Size"]
    found = {}
    for engine, (folder, process) in making.items():
        said, _ = process.communicate(timeout=500)
        assert process.returncode == 0, said[-3000:]
        assert "Step 1/" in said
        image = container_engine.client.images.get(f"modelpack-test:{engine}")
        assert said.splitlines()[-1] == f"modelpack-test:{engine} {image.id}"
        found[engine] = Built(f"modelpack-test:{engine}", image.attrs, image.attrs["Size"] - base, folder)
    yield found
    for one in found.values():
        container_engine.client.images.remove(one.tag, force=True, noprune=True)


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    """Fifty customers, as a body of /invocations."""
    return {"dataframe_split": customers().head(50).astype(float).to_dict(orient="split", index=False)}


@pytest.fixture(scope="module")
def predictions(model: ModelDirectory) -> list[int]:
    """What the model itself says of these."""
    answer = load_predictor(model.path, engine="native").predict(customers().head(50).astype(float))
    return list(np.asarray(answer).tolist())


@contextmanager
def _running(engine: Engine, image: Built, *words: str, **options: Any) -> Iterator[Any]:
    """A hardened container of *image*, with *words* behind its entry."""
    network = {} if options.get("network_mode") == "none" else {"ports": {"8080/tcp": ("127.0.0.1", None)}}
    container = engine.client.containers.run(
        image.tag, list(words), detach=True, **{**HARDENED, **network, **options}
    )
    try:
        yield container
    finally:
        container.remove(force=True)


def _port(container: Any) -> int:
    container.reload()
    return int(container.ports["8080/tcp"][0]["HostPort"])


def _ready(container: Any) -> str:
    """The address of the server in *container*, once it is ready."""
    url = f"http://127.0.0.1:{_port(container)}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=2):
                return url
        except OSError:
            container.reload()
            assert container.status == "running", container.logs().decode()
            time.sleep(0.05)
    raise AssertionError(container.logs().decode())


def _post(url: str, body: object) -> Any:
    request = urllib.request.Request(
        f"{url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["predictions"]


@pytest.mark.parametrize("engine", LIMITS)
def test_an_image_is_small(images: Mapping[str, Built], engine: str) -> None:
    print(f"{engine}: {images[engine].added / MEGABYTE:.0f} MB on top of {BASE}")
    assert images[engine].added <= LIMITS[engine] * MEGABYTE


@dataclass
class Tally:
    """What callers met: counts of answers by their status, and requests that got none."""

    answers: dict[int, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def _call(port: int, body: bytes, tally: Tally, asked_to_stop: threading.Event) -> None:
    """Ask again and again, on one connection as long as it lasts, until the server leaves."""
    deadline = time.monotonic() + 120
    connection: http.client.HTTPConnection | None = None
    try:
        while time.monotonic() < deadline:
            fresh = connection is None
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.connect() if fresh else None
            except OSError as error:
                if not asked_to_stop.is_set():
                    tally.lost.append(f"not let in: {error!r}")
                return
            try:
                connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                # The engine's own proxy lets callers in when the server no longer does, and hangs up on them.
                if not (fresh and asked_to_stop.is_set()):
                    tally.lost.append(repr(error))
                return
            tally.answers[answer.status] = tally.answers.get(answer.status, 0) + 1
            if answer.status != 200:
                return
            if answer.will_close:
                connection.close()
                connection = None
    finally:
        if connection is not None:
            connection.close()


@pytest.mark.parametrize(
    ("engine", "workers"), [("onnx", 4), pytest.param("native", 2, marks=pytest.mark.long)]
)
def test_under_the_guides_variables_it_answers_as_the_model_does_until_it_is_stopped_and_loses_nothing(
    container_engine: Engine,
    images: Mapping[str, Built],
    rows: dict[str, Any],
    predictions: list[int],
    engine: str,
    workers: int,
) -> None:
    environment = {
        "MLFLOW_MODEL_URI": PRODUCTION,
        "GUNICORN_CMD_ARGS": f"--workers={workers} --timeout=60",
        "DISABLE_NGINX": "true",
    }
    with _running(container_engine, images[engine], environment=environment) as container:
        url = _ready(container)
        assert _post(url, rows) == predictions
        for path in ("/ping", "/health", "/version"):
            with urllib.request.urlopen(f"{url}{path}", timeout=10) as answer:
                assert answer.status == 200
        tally = _stopped_under_load(container, json.dumps(rows).encode())
        code = container.wait()["StatusCode"]
        said = container.logs().decode()
    assert code == 0, said[-2000:]
    assert tally.lost == []
    assert set(tally.answers) <= {200, 503}
    assert tally.answers[200] > 16
    assert f"on the engine {engine}, {workers} processes" in said
    assert "churn-prediction-model version 1 (sha256:" in said
    assert "Traceback" not in said
    assert "telemetry" not in said


def _stopped_under_load(container: Any, body: bytes) -> Tally:
    """Have sixteen callers ask without a pause, and stop *container* a second later."""
    tally, asked, port = Tally(), threading.Event(), _port(container)
    callers = [threading.Thread(target=_call, args=(port, body, tally, asked)) for _ in range(16)]
    for caller in callers:
        caller.start()
    time.sleep(1)
    asked.set()
    begun = time.monotonic()
    container.stop(timeout=90)
    print(f"stopped in {time.monotonic() - begun:.1f} s, answers {tally.answers}")
    for caller in callers:
        caller.join(130)
    return tally


_LOOK_INSIDE = """
import importlib.util, json, os, pathlib, sys, time, urllib.request
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8080/ready", timeout=2)
        break
    except OSError:
        time.sleep(0.05)
body = pathlib.Path("/opt/ml/model/serving_input_example.json").read_bytes()
url = "http://127.0.0.1:8080/invocations"
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
places = [path for path in pathlib.Path("/opt").rglob("*") if not path.is_symlink()]
print(json.dumps({
    "answer": json.load(urllib.request.urlopen(request))["predictions"],
    "owners": sorted({(path.stat().st_uid, path.stat().st_gid) for path in places}),
    "writable": [str(path) for path in places if path.stat().st_mode & 0o022 or os.access(path, os.W_OK)],
    "there": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
    "user": os.getuid(),
    "image": json.loads(pathlib.Path("/opt/ml/image.json").read_bytes()),
    "sbom": pathlib.Path("/opt/ml/sbom.cdx.json").read_text(),
    "tools": [name for name in ("gcc", "cc", "uv", "make") for place in os.environ["PATH"].split(":")
              if os.path.exists(os.path.join(place, name))],
}))
"""


def test_without_a_network_and_with_nothing_to_write_it_serves_and_is_healthy(
    container_engine: Engine, images: Mapping[str, Built], predictions: list[int]
) -> None:
    options = {"network_mode": "none", "healthcheck": {"interval": 500_000_000}}
    with _running(container_engine, images["onnx"], **options) as container:
        asked = ["pandas", "sklearn", "scipy", "pip", "setuptools", "onnxruntime"]
        code, said = container.exec_run(["python", "-I", "-c", _LOOK_INSIDE, *asked])
        assert code == 0, said.decode()
        found = json.loads(said)
        assert _health(container) == "healthy"
        container.stop(timeout=90)
        assert container.wait()["StatusCode"] == 0
    assert found["answer"] == predictions[:3]
    assert found["owners"] == [[0, 0]]
    assert found["writable"] == []
    assert found["there"] == ["onnxruntime"]
    assert found["tools"] == []
    assert found["user"] == 12345
    assert found["image"]["variables"] == {"LINES": LINES}
    beside = images["onnx"].folder / "modelpack-test-onnx.cdx.json"
    assert found["sbom"] == beside.read_text()


def _health(container: Any) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        container.reload()
        status = str(container.attrs["State"]["Health"]["Status"])
        if status != "starting":
            return status
        time.sleep(0.2)
    return f"starting: {container.attrs['State']['Health']}"


@pytest.mark.long
def test_it_is_healthy_at_another_port_too(container_engine: Engine, images: Mapping[str, Built]) -> None:
    options = {"network_mode": "none", "healthcheck": {"interval": 500_000_000}}
    # Hosts such as SageMaker say "serve" to every image.
    with _running(container_engine, images["onnx"], "serve", "--port", "9000", **options) as container:
        assert _health(container) == "healthy"
        assert "9000" in container.logs().decode()


def test_another_model_than_the_one_inside_is_refused_in_one_line(
    container_engine: Engine, images: Mapping[str, Built]
) -> None:
    environment = {"MODELPACK_MODEL_URI": "models:/churn-prediction-model/Staging"}
    with _running(container_engine, images["onnx"], environment=environment) as container:
        assert container.wait(timeout=60)["StatusCode"] == 1
        said = container.logs().decode()
    assert said.startswith("Error: no model in this image 'models:/churn-prediction-model/Staging'")
    assert "models:/churn-prediction-model/1" in said
    assert len(said.splitlines()) == 1


def test_what_an_orchestrator_reads_is_there(images: Mapping[str, Built], model: ModelDirectory) -> None:
    said = images["onnx"].attributes["Config"]
    assert said["User"] == "65532:65532"
    assert said["StopSignal"] == "SIGTERM"
    assert said["Entrypoint"] == ["serve"]
    assert said["Cmd"] is None
    assert said["ExposedPorts"] == {"8080/tcp": {}}
    assert said["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    labels = said["Labels"]
    assert labels["org.opencontainers.image.title"] == "churn-prediction-model"
    assert labels["org.opencontainers.image.version"] == "1"
    assert labels["org.opencontainers.image.base.name"] == BASE
    assert labels["modelpack.model.digest"] == model.digest


def test_values_come_back_as_they_were_given(images: Mapping[str, Built]) -> None:
    said = images["onnx"].attributes["Config"]
    assert f"TRICKY={TRICKY}" in said["Env"]
    assert said["Labels"]["org.example.x"] == TRICKY


CANARY = "canary-7f3a9c"
_SMALL = (
    f'FROM {BASE}\nCOPY x.txt /\nRUN ["python", "-c", "import os; assert \'HTTP_PROXY\' in os.environ"]\n'
)


def _order(
    engine: Engine,
    tag: str,
    *,
    arguments: Mapping[str, str] | None = None,
    secrets: Mapping[str, Path] | None = None,
) -> Order:
    platform = f"linux/{engine.client.version()['Arch']}"
    return Order(
        tag=f"modelpack-test:{tag}", platform=platform, arguments=arguments or {}, secrets=secrets or {}
    )


def _everything(engine: Engine, tag: str) -> bytes:
    """All bytes of an image: its layers, its configuration, its history."""
    image = engine.client.images.get(tag)
    return b"".join([*image.save(named=True), json.dumps([image.attrs, image.history()]).encode()])


def test_a_proxy_with_a_password_is_in_no_layer_and_no_line(
    container_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", container_engine.host)
    proxy = f"http://ada:{CANARY}@proxy.example.org:3128"
    shown: list[str] = []
    order = _order(container_engine, "proxy", arguments={"HTTP_PROXY": proxy})
    Classic().build(Context({"Dockerfile": _SMALL.encode(), "x.txt": b"visible"}), order, shown.append)
    try:
        held = _everything(container_engine, order.tag)
    finally:
        container_engine.client.images.remove(order.tag, force=True)
    assert b"visible" in held
    assert CANARY.encode() not in held
    assert CANARY not in "\n".join(shown)


def test_a_secret_that_buildkit_mounts_is_in_no_layer_and_no_line(
    container_engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", container_engine.host)
    # Debian's client brings BuildKit's; others need a plug-in.
    monkeypatch.setenv("PATH", f"/usr/bin{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "netrc").write_text(CANARY)
    reads = f"assert open('/run/secrets/netrc').read() == '{CANARY[:6]}' + '{CANARY[6:]}'"
    mount = "--mount=type=secret,id=netrc,target=/run/secrets/netrc"
    text = f'FROM {BASE}\nCOPY x.txt /\nRUN {mount} ["python", "-c", {json.dumps(reads)}]\n'
    shown: list[str] = []
    order = _order(container_engine, "secret", secrets={"netrc": tmp_path / "netrc"})
    context = Context({"Dockerfile": text.encode(), "x.txt": b"visible"})
    identity = Program("docker").build(context, order, shown.append)
    try:
        assert container_engine.client.images.get(order.tag).id == identity
        held = _everything(container_engine, order.tag)
    finally:
        container_engine.client.images.remove(order.tag, force=True)
    assert b"visible" in held
    assert CANARY.encode() not in held
    assert CANARY not in "\n".join(shown)


def test_a_step_that_fails_is_said_in_one_line(
    container_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", container_engine.host)
    text = f'FROM {BASE}\nRUN ["python", "-c", "raise SystemExit(3)"]\n'
    order = _order(container_engine, "fails")
    with pytest.raises(BuildFailed, match="3") as caught:
        Classic().build(Context({"Dockerfile": text.encode()}), order, lambda _: None)
    assert "\n" not in str(caught.value)


def test_the_classic_builder_reads_the_archive_as_it_is(
    container_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", container_engine.host)
    text = f"FROM {BASE}\nCOPY model/ /model/\n"
    order = _order(container_engine, "modes")
    context = Context({"Dockerfile": text.encode(), "model/ä b/'$(id)'.bin": b"1"})
    Classic().build(context, order, lambda _: None)
    try:
        walk = "[(at, os.stat(at).st_uid, oct(os.stat(at).st_mode)) for at, _, _ in os.walk('/model')]"
        script = f"import os; print({walk})"
        said = container_engine.client.containers.run(order.tag, ["python", "-c", script], remove=True)
        saved = b"".join(container_engine.client.images.get(order.tag).save())
    finally:
        container_engine.client.images.remove(order.tag, force=True)
    assert said.decode().strip() == "[('/model', 0, '0o40755'), ('/model/ä b', 0, '0o40755')]"
    assert _names(saved) >= {"model/ä b/'$(id)'.bin"}


def _names(saved: bytes) -> set[str]:
    found = set()
    with tarfile.open(fileobj=io.BytesIO(saved)) as image:
        for member in image.getmembers():
            if member.name.endswith("layer.tar") and (layer := image.extractfile(member)) is not None:
                with tarfile.open(fileobj=layer) as archive:
                    found.update(archive.getnames())
    return found
