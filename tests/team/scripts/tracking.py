"""Experiments and runs, and all kinds of things logged in them."""

import json
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Param, ViewType
from mlflow.exceptions import MlflowException
from seeing import MAJOR, client, known, known_experiment, mine, refused, saw, work


def experiments():
    """An experiment made, changed, hidden, shown and found; answers its id."""
    found = known_experiment(client.create_experiment(f"{mine}-first", tags={"team": "growth"}), "first")
    other = known_experiment(client.create_experiment(f"{mine}-other"), "other")
    known(client.get_experiment(found).artifact_location, "files of first")
    known(client.get_experiment(other).artifact_location, "files of other")
    client.set_experiment_tag(found, "mlflow.note.content", "what it is for")
    client.rename_experiment(other, f"{mine}-second")
    saw("experiment", client.get_experiment(found))
    saw("experiment by name", client.get_experiment_by_name(f"{mine}-second"))
    saw("no experiment by name", client.get_experiment_by_name(f"{mine}-none"))
    client.delete_experiment(other)
    saw("deleted experiment", client.get_experiment(other))
    find_experiments()
    refused("run in a deleted experiment", lambda: client.create_run(other))
    refused("name of a deleted experiment", lambda: client.create_experiment(f"{mine}-second"))
    refused("experiment deleted twice", lambda: client.delete_experiment(other))
    client.restore_experiment(other)
    saw("restored experiment", client.get_experiment(other))
    saw("default experiment", client.get_experiment("0").name)
    refused("no such experiment", lambda: client.get_experiment("987654321"))
    refused("experiment by text", lambda: client.get_experiment("abc"))
    refused("experiments by nonsense", lambda: client.search_experiments(filter_string="colour = 'red'"))
    return found


def find_experiments():
    """Search for the two."""
    like = f"name LIKE '{mine}-%'"
    saw("active experiments", client.search_experiments(filter_string=like))
    saw("deleted experiments", client.search_experiments(ViewType.DELETED_ONLY, filter_string=like))
    asked = {
        "view_type": ViewType.ALL,
        "filter_string": like,
        "order_by": ["name DESC"],
        "max_results": 1,
    }
    page = client.search_experiments(**asked)
    saw("first page of experiments", page)
    saw("second page of experiments", client.search_experiments(**asked, page_token=page.token))
    by_tag = client.search_experiments(filter_string=f"{like} AND tags.team = 'growth'")
    saw("experiments by a tag", [one.name for one in by_tag])


def runs():
    """A run with another inside, all kinds of things logged in them, and files; answers their ids."""
    mlflow.set_experiment(f"{mine}-first")
    with mlflow.start_run(run_name="parent", description="all of it") as parent:
        known(parent.info.run_id, "parent")
        known(parent.info.artifact_uri, "files of parent")
        log_values()
        with mlflow.start_run(run_name="child", nested=True) as child:
            known(child.info.run_id, "child")
            known(child.info.artifact_uri, "files of child")
            mlflow.log_param("depth", 5)
            mlflow.log_metric("f1", 0.75)
        log_files()
    run_id = parent.info.run_id
    saw("run", run_of(run_id))
    saw("nested run", run_of(child.info.run_id))
    for key in ("loss", "f1", "later", "absent"):
        points = client.get_metric_history(run_id, key)
        saw(f"history of {key}", [[one.key, one.value, one.step] for one in points])
    fetch_files(run_id, parent.info.artifact_uri)
    too_long(child.info.run_id)
    change(run_id)


def log_values():
    """Params, metrics, tags and data."""
    mlflow.log_param("depth", 4)
    mlflow.log_params({"rate": 0.1, "kind": "gbm", "none": None, "empty": "", "ünï/cödé key": "ö"})
    mlflow.log_metric("f1", 0.5)
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    infinite = float("inf")
    mlflow.log_metrics({"auc": 0.9, "nan": float("nan"), "most": infinite, "least": -infinite}, step=3)
    for step in range(20):
        mlflow.log_metric("later", step, step=step, synchronous=False)
    mlflow.flush_async_logging()
    mlflow.log_table({"a": [1, 2]}, "table.json")
    mlflow.set_tag("team", "growth")
    mlflow.set_tags({"priority": 1, "empty": ""})
    data = mlflow.data.from_pandas(
        pd.DataFrame({"a": [1.0, 2.0]}), name="customers", source="https://data.example/customers.csv"
    )
    for _ in range(2):
        mlflow.log_input(data, context="training")


def log_files():
    """Texts, one file, a folder with a folder, large and empty files, names as people give them, a figure."""
    # By name: only here is it needed, and its import is slow.
    from matplotlib.figure import Figure

    mlflow.log_text("hello\n", "texts/greeting.txt")
    mlflow.log_dict({"a": [1, 2]}, "config.json")
    mlflow.log_dict({"a": [1, 2]}, "config.yaml")
    (work / "loose.csv").write_text("a,b\n1,2\n")
    (work / "folder" / "deep").mkdir(parents=True)
    (work / "folder" / "deep" / "ümläut & space.txt").write_text("x")
    (work / "folder" / "empty").write_text("")
    (work / "folder" / "large.bin").write_bytes(bytes(range(256)) * 20_000)
    mlflow.log_artifact(str(work / "loose.csv"))
    mlflow.log_artifact(str(work / "loose.csv"), "data")
    mlflow.log_artifacts(str(work / "folder"), "whole")
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    mlflow.log_figure(figure, "plots/line.svg")


def fetch_files(run_id, uri):
    """List all files, and fetch some of them."""
    listed = files_of(run_id)
    # How large a drawing is depends on who draws it.
    saw("files", {path: [kind, bool(size) if path.endswith("svg") else size] for path, kind, size in listed})
    saw("files of a file", files_of(run_id, "config.json"))
    saw("files of nothing", files_of(run_id, "nothing"))
    saw("text", mlflow.artifacts.load_text(f"{uri}/texts/greeting.txt"))
    saw("dict", mlflow.artifacts.load_dict(f"runs:/{run_id}/config.json"))
    whole = Path(client.download_artifacts(run_id, "whole", str(work)))
    for file in sorted(one for one in whole.rglob("*") if one.is_file()):
        place = file.relative_to(whole)
        saw(f"fetched {place}", file.read_bytes() == (work / "folder" / place).read_bytes())


def change(run_id):
    """Change what may be changed of a run, and try what may not."""
    refused("a param that changes", lambda: client.log_param(run_id, "depth", 5))
    client.log_param(run_id, "depth", 4)
    refused("params that change", lambda: client.log_batch(run_id, params=[Param("depth", "6")]))
    refused("a key like a path", lambda: client.log_param(run_id, "../x", 5))
    refused("a tag that is not there", lambda: client.delete_tag(run_id, "absent"))
    refused("no such run", lambda: client.get_run("0" * 32))
    refused("log in no run", lambda: client.log_metric("0" * 32, "a", 1.0))
    client.delete_tag(run_id, "priority")
    client.set_tag(run_id, "mlflow.runName", "renamed")
    saw("renamed", client.get_run(run_id).info.run_name)
    client.update_run(run_id, status="FAILED", name="parent")
    changed = client.get_run(run_id)
    tags = sorted(one for one in changed.data.tags if not one.startswith("mlflow.source"))
    saw("updated", [changed.info.status, changed.info.run_name, tags])


def too_long(run_id):
    """What becomes of a param and of a tag that are too long."""
    told = {}
    for name, act in {
        "param": lambda: client.log_param(run_id, "long", "x" * 7_000),
        "tag": lambda: client.set_tag(run_id, "long", "x" * 9_000),
    }.items():
        try:
            act()
        except MlflowException as error:
            told[name] = error.error_code
        else:
            told[name] = "taken"
    saw("too long", told)


def run_of(run_id):
    """A run, without where this script is."""
    run = client.get_run(run_id)
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.source")}
    history = "mlflow.log-model.history"
    if history in tags:
        tags[history] = [one["artifact_path"] for one in json.loads(tags[history])]
    told = {"info": run.info, "data": {**dict(run.data), "tags": tags}, "inputs": run.inputs}
    return told | ({"outputs": run.outputs} if MAJOR >= 3 else {})


def files_of(run_id, path=None):
    """All files below *path* of a run."""
    found = []
    for one in client.list_artifacts(run_id, path):
        found.append((one.path, "folder" if one.is_dir else "file", one.file_size))
        if one.is_dir:
            found += files_of(run_id, one.path)
    return found
