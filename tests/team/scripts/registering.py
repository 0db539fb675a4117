"""Models logged, registered, promoted, searched for and loaded."""

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from seeing import MAJOR, client, known, mine, refused, saw
from sklearn.linear_model import LogisticRegression
from tracking import run_of

DATA = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0], "income": [1.0, 2.0, 3.0, 4.0]})
MODEL = LogisticRegression(C=1e6).fit(DATA, [0, 0, 1, 1])


def log_model():
    """Log a model in a run of its own; answers the run's id, and what is known of the model."""
    # Before MLflow 3 a logged model was files of its run, and nothing by itself.
    place = {"name": "model"} if MAJOR >= 3 else {"artifact_path": "model"}
    with mlflow.start_run(run_name="training") as run:
        known(run.info.run_id, "training")
        known(run.info.artifact_uri, "files of training")
        mlflow.log_metric("accuracy", 1.0)
        info = mlflow.sklearn.log_model(
            MODEL,
            **place,
            signature=infer_signature(DATA, MODEL.predict(DATA)),
            input_example=DATA.head(2),
            pip_requirements=["scikit-learn"],
        )
    if MAJOR >= 3:
        known(info.model_id, "logged model")
        known(client.get_logged_model(info.model_id).artifact_location, "files of logged model")
    saw("run with a model", run_of(run.info.run_id))
    return run.info.run_id, info


def answers(uri):
    """What the model at *uri* says; it must be what the one says that was logged."""
    loaded = mlflow.pyfunc.load_model(uri)
    said = loaded.predict(DATA).tolist()
    assert said == MODEL.predict(DATA).tolist()
    return [said, loaded.metadata.signature.to_dict()]


def registry(run_id, info):
    """Versions, stages, aliases and tags, and models loaded by each of them."""
    name, runs_uri = f"{mine} model", f"runs:/{run_id}/model"
    saw("answers by run", answers(runs_uri))
    register(name, runs_uri, info)
    describe(name)
    promote(name)
    for reference in ("1", "2", "3", "Production", "Staging", "Archived", "latest"):
        saw(f"answers by {reference}", answers(f"models:/{name}/{reference}"))
    saw("answers by alias", answers(f"models:/{name}@champion"))
    native = mlflow.sklearn.load_model(f"models:/{name}/Production")
    saw("native answers", native.predict(DATA).tolist())
    copied = client.copy_model_version(f"models:/{name}@champion", f"{mine} copy")
    saw("copied", [copied.name, copied.version, copied.source, copied.run_id, copied.current_stage])
    saw("answers by copy", answers(f"models:/{mine} copy/1"))
    find_models(name)
    find_versions(name, run_id)
    refusals(name)
    forget(name, runs_uri)


def register(name, runs_uri, info):
    """Three versions: of what was logged, of the run's files, and of a version."""
    first = mlflow.register_model(info.model_uri, name, tags={"by": "hand"})
    known(first.source, "source of the first")
    saw("registered", first)
    second = mlflow.register_model(runs_uri, name)
    saw("registered again", [second.version, second.current_stage, second.run_id, second.status])
    third = client.copy_model_version(f"models:/{name}/2", name)
    saw("registered from a version", [third.version, third.run_id, third.source])


def describe(name):
    """Texts and tags."""
    client.update_registered_model(name, "what it does")
    client.update_model_version(name, "1", "the first")
    client.set_registered_model_tag(name, "team", "growth")
    client.set_model_version_tag(name, "1", "checked", "yes")
    client.set_model_version_tag(name, "2", "checked", "no")


def promote(name):
    """Stages and aliases."""
    saw("promoted", client.transition_model_version_stage(name, "1", "Production"))
    second = client.transition_model_version_stage(name, "2", "production", archive_existing_versions=True)
    saw("promoted with the rest archived", second)
    saw("archived", client.get_model_version(name, "1"))
    client.transition_model_version_stage(name, "3", "Staging")
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "challenger", "3")
    client.set_registered_model_alias(name, "challenger", "2")
    saw("model", model_of(name))
    saw("by alias", client.get_model_version_by_alias(name, "challenger"))
    saw("latest", sorted((one.version, one.current_stage) for one in client.get_latest_versions(name)))
    some = client.get_latest_versions(name, ["production", "Archived"])
    saw("latest of stages", sorted((one.version, one.current_stage) for one in some))
    saw("stages", client.get_model_version_stages(name, "1"))


def find_models(name):
    """Search for models, and turn pages."""
    mine_all = f"name LIKE '{mine}%'"

    def found(where=mine_all, **asked):
        return [one.name for one in client.search_registered_models(where, **asked)]

    saw("models", found())
    saw("models downwards", found(order_by=["name DESC"]))
    saw("models by tag", found(f"{mine_all} AND tags.team = 'growth'"))
    saw("models in any case", found(f"name ILIKE '{mine.upper()}%'"))
    saw("models without a filter", name in found(None, max_results=1_000))
    page = client.search_registered_models(mine_all, max_results=1)
    saw("pages of models", [[one.name for one in page], found(page_token=page.token, max_results=1)])


def find_versions(name, run_id):
    """Search for versions, and turn pages."""
    this = f"name = '{name}'"

    def found(where, **asked):
        return [[one.name, one.version] for one in client.search_model_versions(where, **asked)]

    saw("versions", sorted(found(this)))
    saw("versions upwards", found(this, order_by=["version_number ASC"]))
    saw("versions by tag", found(f"{this} AND tags.checked = 'yes'"))
    saw("versions by run", sorted(found(f"run_id = '{run_id}'")))
    saw("versions by number", sorted(found(f"{this} AND version_number >= 2")))
    saw("versions by runs", sorted(found(f"run_id IN ('{run_id}')")))
    downwards = {"max_results": 2, "order_by": ["version_number DESC"]}
    page = client.search_model_versions(this, **downwards)
    more = found(this, page_token=page.token, **downwards)
    saw("pages of versions", [[one.version for one in page], more])


def refusals(name):
    """What a client is told that asks for what is not there, or may not be."""
    for what, act in {
        "an alias that means nothing": lambda: client.get_model_version_by_alias(name, "nobody"),
        "no such model": lambda: client.get_registered_model("nobody knows"),
        "no such version": lambda: client.get_model_version(name, "77"),
    }.items():
        saw(f"said of {what}", refused(what, act))
    for what, act in {
        "a version by text": lambda: client.get_model_version(name, "one"),
        "a model that is there": lambda: client.create_registered_model(name),
        "a stage that is none": lambda: client.transition_model_version_stage(name, "1", "Live"),
        "an alias of no version": lambda: client.set_registered_model_alias(name, "a", "77"),
        "the alias latest": lambda: client.set_registered_model_alias(name, "latest", "1"),
        "the alias v1": lambda: client.set_registered_model_alias(name, "v1", "1"),
        "an alias with a slash": lambda: client.set_registered_model_alias(name, "a/b", "1"),
        "a version of no model": lambda: client.create_model_version("nobody knows", f"models:/{name}/1"),
        "a place of the server's": lambda: client.create_model_version(name, "file:///etc"),
        "models by nonsense": lambda: client.search_registered_models("colour = 'red'"),
        "versions by nonsense": lambda: client.search_model_versions("name LIKE"),
        "models ordered by nonsense": lambda: client.search_registered_models(order_by=["colour"]),
        "a tag of no model": lambda: client.set_registered_model_tag("nobody knows", "a", "b"),
        "a load of no model": lambda: mlflow.pyfunc.load_model("models:/nobody knows/1"),
        "a load of no stage": lambda: mlflow.pyfunc.load_model(f"models:/{name}/None"),
        "a name with a slash": lambda: client.create_registered_model("a/b"),
        "a name with a colon": lambda: client.create_registered_model("a:b"),
        "a name like a path": lambda: client.create_registered_model(".."),
        "a blank name": lambda: client.create_registered_model(" "),
    }.items():
        refused(what, act)


def forget(name, runs_uri):
    """Delete tags, aliases and versions, rename, and delete models."""
    for _ in range(2):
        client.delete_registered_model_alias(name, "challenger")
        client.delete_registered_model_tag(name, "team")
        client.delete_model_version_tag(name, "1", "checked")
    client.delete_model_version(name, "3")
    refused("a deleted version", lambda: client.get_model_version(name, "3"))
    refused("a version deleted twice", lambda: client.delete_model_version(name, "3"))
    saw("the number after a deleted one", mlflow.register_model(runs_uri, name).version)
    client.rename_registered_model(name, f"{mine} renamed")
    saw("renamed model", model_of(f"{mine} renamed"))
    saw("answers after renaming", answers(f"models:/{mine} renamed@champion"))
    refused("the name before", lambda: client.get_registered_model(name))
    refused("a name that is taken", lambda: client.rename_registered_model(f"{mine} renamed", f"{mine} copy"))
    client.delete_registered_model(f"{mine} copy")
    left = client.search_registered_models(f"name LIKE '{mine}%'")
    saw("models at the end", [one.name for one in left])


def model_of(name):
    """A registered model, its versions in order and in short."""
    model = dict(client.get_registered_model(name))
    versions = sorted(model["latest_versions"], key=lambda one: one.version)
    model["latest_versions"] = [[one.version, one.current_stage, one.description] for one in versions]
    return model
