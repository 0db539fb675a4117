"""Run by real MLflow's Python: the same models in a server, in a folder of files, and in a SQLite file."""

import json
import os
import sys
from pathlib import Path

# The server's address, and who we are to it; nothing where there is no server.
os.environ.update(json.loads(sys.argv[2]))
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

into, server = Path(sys.argv[1]), json.loads(sys.argv[2]).get("MLFLOW_TRACKING_URI")
model = LogisticRegression(C=1e6).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
saved = into / "saved"
mlflow.sklearn.save_model(model, str(saved), pip_requirements=["scikit-learn"])


def fill(uri: str, experiment: str) -> str:
    """The model ``iris``: version 1 of a run's files, 2 deleted, 3 of the same files, with all that moves."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri, uri)
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_artifacts(str(saved), "old/model")
    client.create_registered_model("iris", tags={"team": "growth"}, description="flowers")
    for number in (1, 2, 3):
        source = f"runs:/{run.info.run_id}/old/model" if number == 1 else f"{run.info.artifact_uri}/old/model"
        client.create_model_version(
            "iris", source, run_id=run.info.run_id, tags={"number": str(number)}, description=f"the {number}."
        )
    client.transition_model_version_stage("iris", "1", "Production")
    client.transition_model_version_stage("iris", "3", "Staging")
    client.set_registered_model_alias("iris", "champion", "1")
    client.delete_model_version("iris", "2")
    client.create_registered_model("lost")
    client.create_model_version("lost", "dbfs:/nowhere/model")
    return run.info.run_id


def log():
    """Keep and register the model ``logged`` by one verb; its run, and its id since MLflow 3."""
    # Before MLflow 3 a logged model was files of its run, and nothing by itself.
    place = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
    with mlflow.start_run(experiment_id="0") as run:
        logged = mlflow.sklearn.log_model(
            model, **place, registered_model_name="logged", pip_requirements=["scikit-learn"]
        )
        return {"logged_run": run.info.run_id, "model_id": getattr(logged, "model_id", None)}


runs = {"server": fill(server, "0")} if server else {}
told = log() if server else {"logged_run": None, "model_id": None}

for kind, uri in (("folder", f"file://{into}/mlruns"), ("database", f"sqlite:///{into}/data/mlflow.db")):
    (into / "data").mkdir(exist_ok=True)
    mlflow.set_tracking_uri(uri)
    place = f"file://{into}/data/artifacts" if kind == "database" else None
    experiment = MlflowClient(uri, uri).create_experiment("ours", artifact_location=place)
    runs[kind] = fill(uri, experiment)

print(json.dumps({"runs": runs, **told}))
