"""The main job on real data: train, save, register, promote, serve, ask, compare."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack

HERE = Path(__file__).resolve().parents[1]
HOME = HERE / ".cache" / "quickstart"
NAME = "breast-cancer"
REFERENCE = f"models:/{NAME}/Production"
READY_WITHIN = 60.0  # seconds


def main() -> int:
    """Run the story; answers 0 when the server said what the local model says."""
    os.environ["MODELPACK_HOME"] = str(HOME)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    started = time.monotonic()

    model, held_out = train()
    say(f"Trained a pipeline (scaler, 100 trees) on breast cancer data; {len(held_out)} rows held out.")

    with tempfile.TemporaryDirectory() as folder, modelpack.Registry() as registry:
        saved = modelpack.save(
            model,
            Path(folder) / "model",
            signature=modelpack.infer_signature(held_out, model.predict(held_out)),
            input_example=held_out.head(3),
        )
        say(f"Saved it with its signature: {saved.digest[:19]}…")
        version = registry.register(
            saved.path, NAME, description="Benign or malignant, from 30 measurements."
        )
        say(f"Registered it: {NAME}, version {version.version}.")
        registry.promote(NAME, version.version, "Production", archive_existing=True)
        say(f"Promoted it: {REFERENCE} is version {version.version} now.")

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("serve")), "-m", REFERENCE, "-p", str(port)]
    say(f"Serving it: {shlex.join(['serve', *command[1:]])}")
    server = subprocess.Popen(command)
    try:
        wait_until_ready(url, server)
        body = {"dataframe_split": held_out.to_dict(orient="split", index=False)}
        answers = post(f"{url}/invocations", body)["predictions"]
    finally:
        stop(server)

    local = model.predict(held_out).tolist()
    same = answers == local
    say(f"Asked it for {len(answers)} held-out rows: {'all as' if same else 'NOT as'} the local model says.")
    if not same:
        return 1
    explain(url, held_out, port)
    say(f"Done in {time.monotonic() - started:.1f} s; the server is stopped (exit code {server.returncode}).")
    return 0 if server.returncode == 0 else 1


def train() -> tuple[Pipeline, pd.DataFrame]:
    """A pipeline fitted on 75 % of scikit-learn's breast cancer rows, and the other rows (30 floats each)."""
    rows, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    seen, held_out, known, _ = train_test_split(rows, labels, random_state=7, stratify=labels)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=100, random_state=7))
    return model.fit(seen, known), held_out


def free_port() -> int:
    """A port of the loopback address that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Poll ``/ready``; raises RuntimeError when the server ends, or takes longer than a minute."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=1):  # noqa: S310 - our own loopback URL
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError("the server was not ready within a minute")


def post(url: str, body: dict[str, Any]) -> Any:
    """The JSON answer to *body*, posted as JSON."""
    request = urllib.request.Request(  # noqa: S310 - our own loopback URL
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own loopback URL
        return json.load(answer)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Ask the server to finish what it has, and wait until it has gone."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def explain(url: str, held_out: pd.DataFrame, port: int) -> None:
    """Tell how to do the same by hand."""
    row = held_out.head(1).round(6)
    body = json.dumps(
        {"dataframe_split": row.to_dict(orient="split", index=False)}, default=np.ndarray.tolist
    )
    home = HOME.relative_to(HERE)
    print(f"""
To try it yourself, start the server again:

  MODELPACK_HOME={home} .venv/bin/serve -m {REFERENCE} -p {port}

and ask it, or look at its description at {url}/docs:

  curl {url}/invocations -H 'Content-Type: application/json' -d '{body}'

  curl {url}/ready      curl {url}/version      curl {url}/openapi.json
""")


def say(text: str) -> None:
    """One line of the story, at once."""
    print(f"→ {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
