"""Who comes in: real clients and ours, with a token, without one, and with another's."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import modelpack
from modelpack.errors import ModelpackError, StoreUnavailable
from modelpack.tracking import MlflowClient
from tests.compat.real_mlflow import NEWEST
from tests.team.clients import SCRIPTS, run_client
from tests.team.conftest import Enter, with_password
from tests.team.servers import Team

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]


@pytest.mark.parametrize("version", [NEWEST, pytest.param("2.10", marks=pytest.mark.long)])
def test_real_clients_are_told_at_once_that_nobody_knows_them(
    guarded: Team, tmp_path: Path, version: str
) -> None:
    environ = {"MLFLOW_TRACKING_URI": guarded.url}
    told = json.loads(run_client(SCRIPTS / "knock.py", work=tmp_path, environ=environ, version=version))
    assert [status for _, status, _ in told] == [401] * 8
    assert max(took for _, _, took in told) < 5


STRANGERS: list[dict[str, str]] = [
    {},
    {"MLFLOW_TRACKING_TOKEN": "mp_wrong"},
    {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "mp_wrong"},
]


@pytest.mark.parametrize("known", STRANGERS, ids=["nothing", "a wrong token", "a wrong password"])
def test_our_clients_say_what_to_set(guarded: Team, enter: Enter, known: dict[str, str]) -> None:
    enter({"MLFLOW_TRACKING_URI": guarded.url, **known})
    with MlflowClient() as client, modelpack.Registry() as registry:
        for act in (client.search_experiments, registry.search_models):
            with pytest.raises(StoreUnavailable, match="MLFLOW_TRACKING") as caught:
                act()
            assert "mp_wrong" not in str(caught.value)


@pytest.mark.parametrize("way", ["token", "password"])
def test_ours_track_register_promote_and_load(guarded: Team, enter: Enter, tmp_path: Path, way: str) -> None:
    enter(guarded.environ if way == "token" else with_password(guarded))
    model = LogisticRegression(C=1e6).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    saved = modelpack.save(model, tmp_path / "model")
    with MlflowClient() as client, modelpack.Registry() as registry:
        run = client.create_run("0", run_name=way)
        client.log_artifacts(run.info.run_id, saved.path, "model")
        name = f"by {way}"
        version = registry.register(f"runs:/{run.info.run_id}/model", name)
        assert (version.run_id, version.digest, version.user) == (run.info.run_id, saved.digest, "ada")
        assert registry.register(tmp_path / "model", name).digest == saved.digest
        registry.promote(name, 1, "Production")
        registry.promote(name, 2, "Production", archive_existing=True)
        registry.set_alias(name, "champion", 1)
        for reference in (f"models:/{name}/Production", f"models:/{name}@champion", f"models:/{name}/latest"):
            answers = modelpack.load(reference).predict(np.array([[0.0], [3.0]]))
            assert answers.tolist() == [0, 1], reference
        with pytest.raises(ModelpackError):
            registry.promote(name, 9, "Production")


def test_the_history_tells_whose_token_it_was(guarded: Team, enter: Enter, tmp_path: Path) -> None:
    enter(guarded.environ)
    saved = modelpack.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path / "model")
    with modelpack.Registry(user="somebody else") as registry:
        registry.register(saved.path, "watched")
        registry.promote("watched", 1, "Staging")
        registry.set_alias("watched", "champion", 1)
        moves = registry.history("watched")
    assert [(one.kind, one.after, one.user) for one in moves] == [
        ("stage", "Staging", "ada"),
        ("alias", "1", "ada"),
    ]
