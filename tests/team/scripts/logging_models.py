"""What MLflow 3 knows of models by themselves."""

import json

import mlflow
from registering import answers
from seeing import client, known, refused, saw

_UPWARDS = [{"field_name": "creation_timestamp", "ascending": True}]


def logged_models(experiment, run_id, info):
    """The model that was logged, and one that lies elsewhere."""
    look(info)
    made = mlflow.initialize_logged_model(
        name="external", params={"a": "1"}, tags={"t": "u"}, model_type="agent", source_run_id=run_id
    )
    known(made.model_id, "external")
    known(made.artifact_location, "files of external")
    mlflow.log_metric("score", 0.5, model_id=made.model_id, run_id=run_id)
    saw("a model before", str(made.status))
    ready = mlflow.finalize_logged_model(made.model_id, "READY")
    saw("a model after", [str(ready.status), ready.name, ready.params, ready.model_type, ready.source_run_id])
    # Not in 3.0.
    if hasattr(mlflow, "log_model_params"):
        mlflow.log_model_params({"b": "2"}, made.model_id)
        saw("more params", client.get_logged_model(made.model_id).params)
    find(experiment, run_id)
    saw("outputs of the run", client.get_run(run_id).outputs)
    client.delete_logged_model(made.model_id)
    refused("a deleted logged model", lambda: client.get_logged_model(made.model_id))
    left = client.search_logged_models([experiment], order_by=_UPWARDS)
    saw("logged models at the end", [one.name for one in left])


def look(info):
    """Read it, tag it, load it."""
    told = client.get_logged_model(info.model_id).to_dictionary()
    told["tags"] = {key: value for key, value in told["tags"].items() if not key.startswith("mlflow.source")}
    # MLflow's server notes a version here, and its client notes it again.
    noted = json.loads(told["tags"].pop("mlflow.modelVersions"))
    told["versions"] = sorted({(one["name"], str(one["version"])) for one in noted})
    told["metrics"] = [[one.key, one.value] for one in told["metrics"] or ()]
    saw("logged model", told)
    saw("answers by id", answers(f"models:/{info.model_id}"))
    client.set_logged_model_tags(info.model_id, {"stage": "trial", "other": "x"})
    client.delete_logged_model_tag(info.model_id, "other")
    refused("a tag taken away twice", lambda: client.delete_logged_model_tag(info.model_id, "other"))
    saw("tag of a logged model", client.get_logged_model(info.model_id).tags["stage"])
    refused("no such logged model", lambda: client.get_logged_model("m-" + "0" * 32))


def find(experiment, run_id):
    """Search for logged models, and turn pages."""

    def found(where=None, **asked):
        return [one.name for one in client.search_logged_models([experiment], where, **asked)]

    saw("logged models", found(order_by=_UPWARDS))
    saw("logged models by name", found("name = 'external'"))
    saw("logged models by type", found("model_type = 'agent'"))
    saw("logged models by run", found(f"source_run_id = '{run_id}'", order_by=_UPWARDS))
    saw("logged models by tag", found("tags.stage = 'trial'"))
    saw("logged models by param", found("params.a = '1'"))
    saw("logged models by metric", found("metrics.score >= 0.5"))
    page = client.search_logged_models([experiment], max_results=1, order_by=_UPWARDS)
    more = found(max_results=1, order_by=_UPWARDS, page_token=page.token)
    saw("pages of logged models", [[one.name for one in page], more])
    refused("logged models by nonsense", lambda: found("colour = "))
