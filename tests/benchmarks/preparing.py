"""One model, saved for every server, and the questions with their right answers."""

import json
import os
import subprocess
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import joblib

import modelpack
from modelpack.errors import Uncertified
from modelpack.schema import SignatureWarning
from tests.benchmarks.client import Question
from tests.benchmarks.onnx_form import labels_of, onnx_form
from tests.benchmarks.protocols import PROTOCOLS
from tests.benchmarks.servers import SERVERS, SERVICES, Answers, Server
from tests.benchmarks.subjects import Subject
from tests.benchmarks.works import Work


@dataclass(frozen=True, slots=True)
class Prepared:
    """A *subject* that lies in *folder* in the form each server wants; *labels* are those of its rows.

    *uncertified* says why ours has no ONNX form of it that is proved to answer the same; empty when it has.
    """

    subject: Subject
    folder: Path
    graph: bytes
    labels: list[Any]
    uncertified: str = ""

    def questions(self, work: Work, server: Server) -> tuple[list[Question], Path]:
        """What *work* asks of *server*, and the folder that holds the bodies as files 0, 1 and so on."""
        folder = self.folder / "bodies" / f"{work.name}-{server.protocol}"
        bodies = self._bodies(work, server.protocol, folder)
        return [
            Question(body, self._truth(server.answers, slice(number * work.rows, (number + 1) * work.rows)))
            for number, body in enumerate(bodies)
        ], folder

    def _truth(self, answers: Answers, rows: slice) -> list[Any] | None:
        if answers == "nothing":
            return None
        return self.labels[rows] if answers == "model" else labels_of(self.graph, self.subject.asked[rows])

    def _bodies(self, work: Work, protocol: str, folder: Path) -> list[bytes]:
        files = [folder / str(number) for number in range(work.bodies)]
        if not folder.exists():
            folder.mkdir(parents=True)
            for number, file in enumerate(files):
                rows = self.subject.asked.iloc[number * work.rows : (number + 1) * work.rows]
                file.write_bytes(PROTOCOLS[protocol].encode(rows))
        return [file.read_bytes() for file in files]


def prepare(
    subject: Subject, folder: Path, servers: Iterable[Server], *, certify: bool | Mapping[str, int] = True
) -> Prepared:
    """Save the model of *subject* below *folder* for *servers*, and work out what is right.

    *certify* is ``modelpack.save``'s.
    """
    folder.mkdir(parents=True)
    joblib.dump(subject.model, folder / "model.joblib")
    graph = onnx_form(subject)
    (folder / "model.onnx").write_bytes(graph)
    wanted = list(servers)
    uncertified = ""
    if any(server.kind == "ours" for server in wanted):
        _save_ours(subject, folder, certify)
        uncertified = _what_is_not_certified(folder / "ours")
    if SERVERS["mlflow"] in wanted:
        _save_for_mlflow(subject, folder)
    if any(server.environment == SERVERS["mlserver"].environment for server in wanted):
        _save_for_mlserver(folder)
    labels = subject.model.predict(subject.asked).tolist()
    return Prepared(subject, folder, graph, labels, uncertified)


def _save_ours(subject: Subject, folder: Path, certify: bool | Mapping[str, int]) -> None:
    with warnings.catch_warnings():
        # The guide's whole numbers are never missing.
        warnings.simplefilter("ignore", SignatureWarning)
        signature = modelpack.infer_signature(subject.seen, subject.model.predict(subject.seen))
    with mock.patch.dict(os.environ, {"MODELPACK_HOME": str(folder / "home")}):
        modelpack.save(
            subject.model,
            folder / "ours",
            signature=signature,
            input_example=subject.seen.head(3),
            reference_data=subject.seen,
            certify=certify,
        )


def _what_is_not_certified(place: Path) -> str:
    """Why the ONNX form of the saved model may not answer; nothing when it may."""
    try:
        modelpack.load_predictor(place, engine="onnx")
    except Uncertified as error:
        return str(error)
    return ""


def _save_for_mlflow(subject: Subject, folder: Path) -> None:
    """By MLflow itself, in its own environment."""
    rows = folder / "seen.json"
    rows.write_text(json.dumps(subject.seen.to_dict(orient="split", index=False)))
    python = SERVERS["mlflow"].programs / "python"
    subprocess.run(
        [python, "-W", "ignore", SERVICES / "mlflow_save.py", "model.joblib", rows, "mlflow"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "GIT_PYTHON_REFRESH": "quiet",
        },
        check=True,
        capture_output=True,
        timeout=240,
    )


def _save_for_mlserver(folder: Path) -> None:
    settings = {
        "name": "model",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib")},
    }
    home = folder / "mlserver" / "model"
    home.mkdir(parents=True)
    (home / "model-settings.json").write_text(json.dumps(settings))
