"""What real MLflow registered and logged is found, loaded and served by its references."""

from pathlib import Path

import pytest

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidUri, NotFound, StoreUnavailable
from modelpack.trust import Trust
from tests.compat.real_mlflow import NEWEST
from tests.modelpack.cli.conftest import Verb
from tests.remote.conftest import Enter, Written, written_by
from tests.remote.servers import OLDER, Bucket, Server
from tests.serving.kit import serving

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]


def predicted(ref: str, trust: Trust | None = None) -> list[int]:
    return [int(one) for one in modelpack.load(ref, trust=trust).predict([[0.0], [3.0]])]


@pytest.fixture(params=[NEWEST, pytest.param(OLDER, marks=pytest.mark.long)])
def logged(request: pytest.FixtureRequest, enter: Enter) -> Written:
    """What each of the two versions wrote to its server, which the environment names."""
    found = written_by(request.param, request)
    enter(found.environ)
    return found


def test_everything_that_real_mlflow_wrote_is_loaded_by_every_kind_of_reference(
    logged: Written,
) -> None:
    for ref in (
        "models:/iris/1",
        "models:/iris/Production",
        "models:/iris/latest",
        "models:/iris@champion",
        f"runs:/{logged.runs['server']}/old/model",
        "models:/logged/1",
        *([f"models:/{logged.model_id}"] if logged.model_id else []),
        # Since MLflow 3 a run's log_model keeps nothing below the run.
        f"runs:/{logged.logged_run}/model",
    ):
        assert predicted(ref, logged.trust) == [0, 1], ref


def test_what_is_not_on_the_server_is_not_found_and_says_what_is(logged: Written) -> None:
    for ref, said in (
        ("models:/irsi/1", "did you mean 'iris'"),
        ("models:/iris/2", r"1 \(Production\), 3 \(Staging\)"),
        ("models:/iris/Archived", "stage"),
        ("models:/iris@challenger", "champion"),
        (f"models:/m-{'0' * 32}", "no logged model"),
        (f"runs:/{'0' * 32}/model", "no run"),
        (f"runs:/{logged.runs['server']}/nothing", "nothing"),
    ):
        with pytest.raises(NotFound, match=said):
            modelpack.open_model(ref)


def test_a_version_that_lies_where_nobody_can_follow_is_refused(logged: Written) -> None:
    with pytest.raises(InvalidUri, match="dbfs:/nowhere"):
        modelpack.open_model("models:/lost/1")


@pytest.mark.parametrize("wrong", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_a_bucket_that_does_not_know_us_says_so_at_once_and_shows_no_secret(
    wrong: str, bucket: Bucket, enter: Enter
) -> None:
    enter({**bucket.environ, wrong: "c4nary"})
    with pytest.raises(StoreUnavailable, match="credentials") as caught:
        modelpack.open_model(f"s3://{bucket.name}/x")
    assert "c4nary" not in str(caught.value)
    assert "given up" not in str(caught.value)


@pytest.mark.parametrize(
    "server",
    [
        "proxied",
        "team",
        pytest.param("direct", marks=pytest.mark.long),
        pytest.param("older", marks=pytest.mark.long),
    ],
    indirect=True,
)
def test_the_stage_production_is_served(server: Server, wine: ModelDirectory, tmp_path: Path) -> None:
    name = "served"
    with modelpack.Registry() as registry:
        version = registry.register(wine.path, name)
        registry.promote(name, version.version, "Production", archive_existing=True)
    with serving(tmp_path, "-m", f"models:/{name}/Production", environ=server.environ) as process:
        assert process.score({"inputs": [[0.0], [3.0]]}) == (200, {"predictions": [0, 1]})


def test_the_verbs_of_the_registry_work_on_a_server(
    mlflow_server: Server, enter: Enter, verb: Verb, wine: ModelDirectory
) -> None:
    enter(mlflow_server.environ)
    assert verb("register", wine.path, "by verb", "--json").json["digest"] == wine.digest
    assert verb("promote", "by verb", "1", "Staging").code == 0
    assert verb("alias", "set", "by verb", "challenger", "1").code == 0
    assert verb("models", "show", "by verb", "--json").json["model"]["aliases"] == {"challenger": 1}
    assert "Every file is as it was saved" in verb("verify", "models:/by verb@challenger").out
    assert wine.digest in verb("cache", "ls").out
    refused = verb("models", "history", "by verb")
    assert (refused.code, refused.err.startswith("Error: an MLflow server keeps no history")) == (1, True)
