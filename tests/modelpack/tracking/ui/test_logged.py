"""Pages of logged models, asked over HTTP."""

import time
from pathlib import Path

from starlette.testclient import TestClient

import modelpack
from modelpack.tracking.records import LoggedModel, Metric
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from tests.modelpack.small import frame, labels, pipeline

HOSTILE = "<script>alert(1)</script>"


def _upload(parts: Parts, folder: Path, location: str) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            path = f"{parts.files.place(location)}/{file.relative_to(folder).as_posix()}"
            arrival = parts.files.receive(path)
            arrival.write(file.read_bytes())
            arrival.finish()


def _logged(parts: Parts, run_id: str = "", name: str = "churn") -> LoggedModel:
    models = SqlLoggedModels(parts.database)
    made = models.create("0", name=name, source_run_id=run_id, params={"depth": HOSTILE}, user="ada")
    return models.finalize(made.model_id, "LOGGED_MODEL_READY")


def _run(parts: Parts) -> str:
    now = int(time.time() * 1000)
    return parts.tracking.create_run(
        "0", run_name="night", user_id="ada", start_time=now, tags={}
    ).info.run_id


def test_a_run_leads_to_what_it_made_and_that_to_its_files_and_versions(
    parts: Parts, browser: TestClient, tmp_path: Path
) -> None:
    run, signature = _run(parts), modelpack.infer_signature(frame(), labels())
    model, used = _logged(parts, run), _logged(parts, name="teacher")
    SqlLoggedModels(parts.database).log_outputs(run, [(model.model_id, 7)])
    SqlLoggedModels(parts.database).log_model_inputs(run, [used.model_id])
    saved = modelpack.save(pipeline(), tmp_path / "model", signature=signature, input_example=frame().head(2))
    _upload(parts, saved.path, model.artifact_uri)
    point = Metric(
        "f1", 0.91, 1, 3, model_id=model.model_id, dataset_name="test", dataset_digest="d1", run_id=run
    )
    parts.tracking.log_batch(run, metrics=[point])
    parts.registry("ada").create_version(
        "kept",
        source=f"models:/{model.model_id}",
        digest="",
        location="models/x",
        run_id=run,
        description="",
        tags={},
        model_id=model.model_id,
    )

    page = browser.get(f"/runs/{run}").text
    assert f'href="/logged-models/{model.model_id}"' in page
    assert "made it" in page
    assert "used it" in page
    assert ">7<" in page

    page = browser.get(f"/logged-models/{model.model_id}").text
    for told in (f"/runs/{run}", "paperless", "0.91", "d1", "/models/kept/1", "scikit-learn", "MLmodel"):
        assert told in page, told
    assert HOSTILE not in page
    assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;") in page

    base = f"/logged-models/{model.model_id}"
    assert "flavors:" in browser.get(f"{base}/files/MLmodel").text
    raw = browser.get(f"{base}/raw/MLmodel")
    assert raw.content == saved.file("MLmodel").read_bytes()
    assert raw.headers["content-disposition"].startswith("attachment")
    assert browser.get("/models/kept/1").text.count(f'href="{base}"') == 1


def test_logged_models_are_listed_and_filtered(parts: Parts, browser: TestClient) -> None:
    assert "/experiments/0/logged-models" not in browser.get("/experiments/0").text
    assert "No model was logged here" in browser.get("/experiments/0/logged-models").text
    for name in ("churn", "fraud"):
        _logged(parts, name=name)
    assert 'href="/experiments/0/logged-models"' in browser.get("/experiments/0").text
    found = browser.get("/experiments/0/logged-models", params={"where": "name = 'fraud'"}).text
    assert ">fraud<" in found
    assert ">churn<" not in found
    wrong = browser.get("/experiments/0/logged-models", params={"where": "name ="})
    assert wrong.status_code == 400
    assert 'id="wrong"' in wrong.text


def test_a_logged_model_whose_files_are_gone_or_that_is_deleted_says_so(
    parts: Parts, browser: TestClient
) -> None:
    model = _logged(parts)
    assert "No file was uploaded." in browser.get(f"/logged-models/{model.model_id}").text
    SqlLoggedModels(parts.database).delete(model.model_id)
    assert "This model is deleted." in browser.get(f"/logged-models/{model.model_id}").text
    assert browser.get("/logged-models/m-0").status_code == 404
    assert browser.get("/logged-models/m-0/files/MLmodel").status_code == 404
