"""Scripts that know MLflow's face find it here: runs, experiments, files, models, searches."""

import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import modelpack as mlflow
from modelpack.errors import Conflict, InvalidName, InvalidUri, NotFound
from modelpack.tracking import MlflowClient, current

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    state = current._State()
    monkeypatch.setattr(current, "_STATE", state)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    state.client().close()


def test_a_run_finishes_at_the_end_of_its_block() -> None:
    with mlflow.start_run(run_name="one") as run:
        assert mlflow.active_run() is run
        mlflow.log_params({f"p{n}": n for n in range(150)})
        mlflow.log_metrics({"f1": np.float32(0.5), "n": np.int64(3)}, step=2)
        mlflow.set_tags({"team": "growth"})
    found = mlflow.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.end_time is not None
    assert len(found.data.params) == 150
    assert found.data.metrics == {"f1": 0.5, "n": 3.0}
    assert found.data.tags["mlflow.source.type"] == "LOCAL"
    assert mlflow.active_run() is None
    last = mlflow.last_active_run()
    assert last is not None
    assert last.info.run_id == run.info.run_id


def test_a_run_that_raises_has_failed() -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"
    assert mlflow.active_run() is None


def test_runs_are_nested_only_when_that_is_asked_for() -> None:
    with mlflow.start_run() as outer:
        with pytest.raises(Conflict, match="nested=True"):
            mlflow.start_run()
        with mlflow.start_run(nested=True) as inner:
            mlflow.log_metric("m", 1)
        mlflow.log_metric("m", 2)
    parent = mlflow.get_parent_run(inner.info.run_id)
    assert parent is not None
    assert parent.info.run_id == outer.info.run_id
    assert mlflow.get_run(outer.info.run_id).data.metrics == {"m": 2.0}
    children = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{outer.info.run_id}'", output_format="list"
    )
    assert [run.info.run_id for run in children] == [inner.info.run_id]


def test_a_run_can_be_gone_on_with() -> None:
    with mlflow.start_run() as run:
        pass
    with mlflow.start_run(run_id=run.info.run_id, tags={"more": "yes"}):
        assert mlflow.get_run(run.info.run_id).info.status == "RUNNING"
        mlflow.log_param("late", True)
    assert mlflow.get_run(run.info.run_id).data.params == {"late": "True"}


def test_what_is_logged_without_a_run_begins_one() -> None:
    mlflow.log_metric("m", 1)
    run = mlflow.active_run()
    assert run is not None
    mlflow.end_run("KILLED")
    assert mlflow.get_run(run.info.run_id).info.status == "KILLED"


def test_each_thread_has_runs_of_its_own() -> None:
    seen: list[tuple[str, str]] = []

    def work(name: str) -> None:
        with mlflow.start_run(run_name=name) as run:
            mlflow.log_metric("m", len(name))
            seen.append((run.info.run_id, name))

    with mlflow.start_run():
        threads = [threading.Thread(target=work, args=("x" * n,)) for n in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 5
    for run_id, name in seen:
        assert mlflow.get_run(run_id).data.metrics == {"m": float(len(name))}


def test_an_experiment_is_entered_once_and_runs_begin_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = mlflow.set_experiment("churn", tags={"owner": "ada"})
    assert mlflow.set_experiment("churn").experiment_id == first.experiment_id
    with mlflow.start_run() as run:
        pass
    assert run.info.experiment_id == first.experiment_id
    assert mlflow.get_experiment(first.experiment_id).tags == {"owner": "ada"}
    mlflow.delete_experiment(first.experiment_id)
    with pytest.raises(Conflict, match="deleted"):
        mlflow.set_experiment("churn")
    with pytest.raises(InvalidName):
        mlflow.set_experiment()
    monkeypatch.setattr(current, "_STATE", current._State())
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by variable")
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "by variable"


def test_files_are_kept_with_a_run_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "a.txt").write_text("a")
    (tmp_path / "note.txt").write_text("first")
    with mlflow.start_run() as run:
        mlflow.log_artifact(tmp_path / "note.txt")
        (tmp_path / "note.txt").write_text("second")
        mlflow.log_artifact(tmp_path / "note.txt")
        mlflow.log_artifacts(tmp_path / "out", "results")
        mlflow.log_artifact(tmp_path / "out")
        mlflow.log_text("hello", "texts/greeting.txt")
        mlflow.log_dict({"a": [1, 2]}, "d.json")
        mlflow.log_dict({"a": [1, 2]}, "d.yaml")
        with pytest.raises(NotFound):
            mlflow.log_artifact(tmp_path / "absent")
        with pytest.raises(InvalidName):
            mlflow.log_text("x", "../outside.txt")
    run_id = run.info.run_id
    listed = mlflow.list_artifacts(run_id)
    assert [(one.path, one.is_dir) for one in listed] == [
        ("d.json", False),
        ("d.yaml", False),
        ("note.txt", False),
        ("out", True),
        ("results", True),
        ("texts", True),
    ]
    assert [one.path for one in mlflow.list_artifacts(run_id, "results")] == ["results/deep"]
    client = MlflowClient()
    note = Path(client.download_artifacts(run_id, "note.txt", tmp_path / "back"))
    assert note.read_text() == "second"
    folder = Path(client.download_artifacts(run_id, "results", tmp_path / "back"))
    assert (folder / "deep" / "a.txt").read_text() == "a"
    everything = Path(client.download_artifacts(run_id, "", tmp_path / "all"))
    assert (everything / "texts" / "greeting.txt").read_text() == "hello"
    with pytest.raises(NotFound):
        client.download_artifacts(run_id, "absent", tmp_path / "back")
    client.close()


def test_a_search_is_a_data_frame() -> None:
    assert list(mlflow.search_runs().columns)[:2] == ["run_id", "experiment_id"]
    for depth in (2, 4):
        with mlflow.start_run():
            mlflow.log_param("depth", depth)
            mlflow.log_metric("f1", depth / 10)
    found = mlflow.search_runs(order_by=["metrics.f1 DESC"])
    assert list(found["params.depth"]) == ["4", "2"]
    assert list(found["metrics.f1"]) == [0.4, 0.2]
    assert str(found["start_time"].dtype).startswith("datetime64")
    assert len(mlflow.search_runs(filter_string="metrics.f1 > 0.3")) == 1
    assert len(mlflow.search_runs(max_results=1)) == 1
    assert len(mlflow.search_runs(experiment_names=["absent"])) == 0
    assert len(mlflow.search_runs(search_all_experiments=True)) == 2


@pytest.mark.parametrize("value", ["0.5", True, None, [1], math.nan])
def test_a_metric_is_a_number(value: object) -> None:
    with mlflow.start_run():
        if isinstance(value, float):
            mlflow.log_metric("m", value)
        else:
            with pytest.raises(InvalidName, match="number"):
                mlflow.log_metric("m", value)


def test_a_model_is_logged_registered_promoted_and_loaded_by_its_run() -> None:
    rows = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    model = LogisticRegression().fit(rows, [0, 0, 1, 1])
    signature = mlflow.models.infer_signature(rows, model.predict(rows))
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(
            model, "model", signature=signature, registered_model_name="churn", input_example=rows.head(2)
        )
    assert logged.model_uri == f"runs:/{run.info.run_id}/model"
    assert logged.registered_model_version == "1"
    assert (mlflow.sklearn.load_model(logged.model_uri).predict(rows) == model.predict(rows)).all()
    version = mlflow.register_model(logged.model_uri, "churn")
    assert (version.version, version.run_id) == ("2", run.info.run_id)
    client = MlflowClient()
    client.transition_model_version_stage("churn", version.version, "Production", True)
    client.set_registered_model_alias("churn", "champion", "2")
    by_stage = mlflow.pyfunc.load_model("models:/churn/Production")
    assert (by_stage.predict(rows) == model.predict(rows)).all()
    assert by_stage.directory.document.run_id == run.info.run_id
    assert [one.current_stage for one in client.search_model_versions("name = 'churn'")] == [
        "Production",
        "None",
    ]
    assert client.get_registered_model("churn").aliases == {"champion": "2"}
    assert "model" in mlflow.get_run(run.info.run_id).data.tags["mlflow.log-model.history"]
    client.close()


def test_an_onnx_model_is_logged_and_loaded_by_the_room_that_converts() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "same",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, [None, 2])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, [None, 2])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    with mlflow.start_run():
        logged = mlflow.onnx.log_model(onnx_model=model, name="same")
    assert "onnx" in logged.flavors
    found = mlflow.onnx.load_model(logged.model_uri)
    assert found.graph.SerializeToString() == graph.SerializeToString()


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    mlflow.set_tracking_uri(tmp_path / "mlruns")
    with pytest.raises(InvalidUri):
        mlflow.start_run()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'other.db'}")
    with mlflow.start_run():
        mlflow.log_metric("m", 1)
    assert (tmp_path / "other.db").is_file()
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"]
    mlflow.set_tracking_uri("")


def test_a_child_that_is_forked_logs_for_itself() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    code = (
        "import os, modelpack as mlflow\n"
        "with mlflow.start_run() as run:\n"
        "    mlflow.log_metric('m', 1)\n"
        "    pid = os.fork()\n"
        "    for step in range(20):\n"
        "        mlflow.log_metric('child' if pid == 0 else 'parent', step, step=step)\n"
        "    if pid == 0:\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "print(run.info.run_id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert mlflow.get_run(done.stdout.strip()).data.metrics == {"m": 1.0, "child": 19.0, "parent": 19.0}
