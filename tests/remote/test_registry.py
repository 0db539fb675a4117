"""A registry on a real MLflow server: the contract of stores, and each law that such a server cannot hold.

The laws it does not hold are overridden below, each by what is true instead.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import (
    AlreadyExists,
    DamagedModel,
    InvalidFilter,
    InvalidName,
    NotFound,
    StoreUnavailable,
    Unsupported,
)
from modelpack.registry.rest_store import RestStore
from modelpack.registry.store import NOT_GIVEN, RegistryStore
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Refused
from modelpack.remote.server import MlflowServer
from modelpack.testing._registry.search import MODELS_FOUND, VERSIONS_FOUND
from modelpack.testing._registry.steps import at_once, create, extend, find, names_of, promote
from modelpack.testing.registry import RegistryStoreContract
from tests.modelpack.registry.directories import contents
from tests.remote.conftest import Enter
from tests.remote.servers import Server

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]


def open_rest(server: Server) -> RestStore:
    return RestStore(MlflowServer.open(ServerAddress.parse(server.url), server.environ), user="me")


@pytest.fixture
def emptied(mlflow_on_postgres: Server) -> Server:
    """A server whose registry is empty; nobody else reads what was there."""
    with closing(open_rest(mlflow_on_postgres)) as store:
        for name in names_of(store):
            with suppress(NotFound):
                store.delete_model(name)
    return mlflow_on_postgres


class TestRest(RegistryStoreContract):
    @pytest.fixture
    def open_store(self, emptied: Server) -> Callable[[], RegistryStore]:
        return lambda: open_rest(emptied)

    # No compare and set: a check before the move would only seem to be one.

    def test_a_promotion_happens_only_while_its_expectation_holds(self, store: RegistryStore) -> None:
        extend(store, "churn")
        for expected in (None, 1):
            with pytest.raises(Unsupported, match="leave the expectation out"):
                promote(store, "churn", 1, "Production", expected=expected)
        assert store.get_version("churn", 1).stage == "None"

    def test_an_alias_moves_only_while_its_expectation_holds(self, store: RegistryStore) -> None:
        extend(store, "churn")
        with pytest.raises(Unsupported):
            store.set_alias("churn", "champion", 1, expected=None)
        assert store.get_model("churn").aliases == {}

    def test_of_many_with_the_same_expectation_exactly_one_is_promoted(self, store: RegistryStore) -> None:
        extend(store, "churn")
        with pytest.raises(Unsupported):
            promote(store, "churn", 1, "Production", expected=None)

    # No history.

    def test_the_history_tells_every_move_in_order(self, store: RegistryStore) -> None:
        extend(store, "churn")
        with pytest.raises(Unsupported, match="no history"):
            store.history("churn", version=None)

    def test_the_history_outlives_the_model(self, store: RegistryStore) -> None:
        extend(store, "churn")
        store.delete_model("churn")
        with pytest.raises(NotFound):
            store.history("churn", version=None)

    @pytest.mark.parametrize("stage", ["None", "Archived"])
    def test_archiving_and_expecting_go_with_staging_and_production_only(
        self, store: RegistryStore, stage: str
    ) -> None:
        extend(store, "churn")
        with pytest.raises(InvalidName):
            promote(store, "churn", 1, stage, archive=True)
        with pytest.raises(InvalidName):
            promote(store, "churn", 1, stage, expected=None)
        assert store.get_version("churn", 1).stage == "None"

    def test_a_new_name_takes_versions_aliases_and_history_along(self, store: RegistryStore) -> None:
        extend(store, "old")
        store.set_alias("old", "champion", 1, expected=NOT_GIVEN)
        store.rename_model("old", "new")
        assert store.get_version_by_alias("new", "champion").name == "new"
        with pytest.raises(NotFound):
            store.get_model("old")

    # It searches by less.

    def test_models_are_found_by_name_and_tags(self, store: RegistryStore) -> None:
        store.create_model("churn", description="", tags={"team": "growth", "a key": "it's"})
        store.create_model("churn_2", description="", tags={"team": "risk"})
        store.create_model("Churn", description="", tags={})
        store.create_model("fraud%", description="", tags={"mlflow.prompt.is_prompt": "true"})
        # It hides prompts unless it is asked for them.
        hidden = {
            where: names if "is_prompt" in where else [name for name in names if name != "fraud%"]
            for where, names in MODELS_FOUND.items()
        }
        assert {where: _found(lambda w: names_of(store, w), where) for where in MODELS_FOUND} == {
            where: names if where not in MODELS_UNASKED else "refused" for where, names in hidden.items()
        }

    def test_versions_are_found_by_what_they_are(self, store: RegistryStore) -> None:
        for number in range(1, 5):
            extend(
                store, "churn", digest=f"sha256:{number}", source=f"s3://bucket/{number}", run_id=f"r{number}"
            )
            if number % 2:
                store.set_tag("churn", "odd", "yes", version=number)
        promote(store, "churn", 3, "Staging")

        def numbers(where: str) -> list[int]:
            return [one.version for one in find(store, where, "version_number DESC")]

        assert {where: _found(numbers, where) for where in VERSIONS_FOUND} == {
            where: met if where not in VERSIONS_UNASKED else "refused"
            for where, met in VERSIONS_FOUND.items()
        }

    # With PostgreSQL behind it, a tag's value has 5,000 characters, and not 100,000.

    def test_tags_and_texts_have_limits(self, store: RegistryStore) -> None:
        extend(store, "churn")
        store.set_tag("churn", "k" * 250, "v" * 5_000, version=None)
        with pytest.raises(Refused) as caught:
            store.set_tag("churn", "long", "v" * 5_001, version=None)
        assert len(str(caught.value)) <= 300
        for key, value in (("k" * 251, "v"), ("k", "v" * 100_001), (" ", "v"), ("k", "\0"), ("\ud800", "v")):
            with pytest.raises(InvalidName):
                store.set_tag("churn", key, value, version=None)
        assert names_of(store) == ["churn"]

    # A rush for a new name, or names swapped while others delete them, can leave a request of such a server
    # waiting for its own database for half a minute, or answered with the database's complaint.

    def test_sixty_four_registrations_at_once_get_the_numbers_one_to_sixty_four(
        self, store: RegistryStore
    ) -> None:
        create(store, "churn")
        numbers = at_once(6, lambda _: extend(store, "churn").version)
        assert sorted(numbers) == list(range(1, 7))

    def test_of_many_who_enter_one_name_exactly_one_succeeds(self, store: RegistryStore) -> None:
        def enter(number: int) -> bool:
            try:
                create(store, "churn", description=str(number))
            except AlreadyExists:
                return False
            return True

        assert sum(at_once(3, enter)) == 1

    def test_names_that_are_swapped_at_once_do_not_get_stuck(self, store: RegistryStore) -> None:
        create(store, "a")
        store.rename_model("a", "b")
        with pytest.raises(NotFound):
            store.rename_model("a", "b")


MODELS_UNASKED = {
    "name NOT LIKE 'churn%'", "name NOT ILIKE 'CHURN%'", "name IN ('churn', 'nobody', 'fraud%')",
    "name NOT IN ('churn', 'fraud%')", "tags.team NOT LIKE 'g%'", "tags.team IS NULL",
    "tags.team IS NOT NULL", "creation_timestamp > 0 AND last_updated_timestamp >= 1",
}  # fmt: skip
VERSIONS_UNASKED = {
    "version_number IN (1, 4)", "version_number NOT IN (1, 4)", "stage = 'Staging'",
}  # fmt: skip


def _found(ask: Callable[[str], object], where: str) -> object:
    try:
        return ask(where)
    except InvalidFilter:
        return "refused"


class TestTeam(RegistryStoreContract):
    """Our own server holds the laws as they are, but for those that MLflow's API has no words for."""

    @pytest.fixture
    def open_store(self, team: Server) -> Callable[[], RegistryStore]:
        with closing(open_rest(team)) as store:
            for name in names_of(store):
                store.delete_model(name)
        return lambda: open_rest(team)

    test_a_promotion_happens_only_while_its_expectation_holds = (
        TestRest.test_a_promotion_happens_only_while_its_expectation_holds
    )
    test_an_alias_moves_only_while_its_expectation_holds = (
        TestRest.test_an_alias_moves_only_while_its_expectation_holds
    )
    test_of_many_with_the_same_expectation_exactly_one_is_promoted = (
        TestRest.test_of_many_with_the_same_expectation_exactly_one_is_promoted
    )
    test_archiving_and_expecting_go_with_staging_and_production_only = (
        TestRest.test_archiving_and_expecting_go_with_staging_and_production_only
    )
    # The history of a name goes on from test to test; tests/team looks at one that nobody else has.
    test_the_history_tells_every_move_in_order = None  # type: ignore[assignment]  # so that it is not run
    test_the_history_outlives_the_model = None  # type: ignore[assignment]  # likewise
    test_models_are_found_by_name_and_tags = TestRest.test_models_are_found_by_name_and_tags
    test_versions_are_found_by_what_they_are = TestRest.test_versions_are_found_by_what_they_are


@pytest.fixture
def registry(server: Server) -> Iterator[modelpack.Registry]:
    """The registry of each server, as the environment names it; without the model ``wine``."""
    with modelpack.Registry(user="me") as opened:
        with suppress(NotFound):
            opened.delete_model("wine")
        yield opened


def test_a_model_is_uploaded_promoted_found_and_loaded(
    registry: modelpack.Registry, wine: ModelDirectory
) -> None:
    version = registry.register(wine.path, "wine", description="first", tags={"team": "growth"})
    assert (version.version, version.digest, version.user) == (1, wine.digest, "me")
    assert dict(version.tags) == {"team": "growth"}
    registry.promote("wine", 1, "Production", archive_existing=True)
    registry.set_alias("wine", "champion", 1)
    assert [one.version for one in registry.search_versions("name = 'wine' AND tags.team = 'growth'")] == [1]
    for ref in ("models:/wine/1", "models:/wine/Production", "models:/wine/latest", "models:/wine@champion"):
        opened = modelpack.open_model(ref)
        assert contents(opened.path) == contents(wine.path)
    assert list(modelpack.load("models:/wine/Production").predict([[0.0], [3.0]])) == [0, 1]


def test_a_version_can_be_made_of_another_and_of_a_runs_files_without_a_copy(
    registry: modelpack.Registry, wine: ModelDirectory
) -> None:
    first = registry.register(wine.path, "wine")
    again = registry.register("models:/wine/1", "wine")
    run = registry.register(f"runs:/{first.run_id}/model", "wine")
    assert (again.source, again.digest, run.digest) == (first.source, wine.digest, wine.digest)
    assert run.run_id == first.run_id
    assert contents(registry.path(run)) == contents(wine.path)


def test_files_can_go_to_a_run_that_exists_and_only_once(
    registry: modelpack.Registry, wine: ModelDirectory
) -> None:
    first = registry.register(wine.path, "wine")
    second = registry.register(wine.path, "wine", run_id=first.run_id)
    third = registry.register(wine.path, "wine", run_id=first.run_id)
    assert (second.run_id, third.source) == (first.run_id, second.source)


def test_files_that_were_changed_on_the_server_are_refused(
    mlflow_server: Server, enter: Enter, wine: ModelDirectory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    enter(mlflow_server.environ)
    with modelpack.Registry() as registry:
        version = registry.register(wine.path, "forged")
        place = version.source.removeprefix("mlflow-artifacts:/")
        (folder,) = tmp_path_factory.getbasetemp().glob(f"mlflow-servers0/artifacts/{place}")
        other = folder / "model.skops"
        other.write_bytes(other.read_bytes()[:-1] + b"x")
        with pytest.raises(DamagedModel):
            registry.path(version)


def test_a_registry_can_be_given_by_hand(mlflow_server: Server, enter: Enter) -> None:
    enter(mlflow_server.environ)
    with modelpack.Registry(mlflow_server.url) as registry:
        with suppress(AlreadyExists):
            registry.create_model("by hand")
        assert registry.get_model("by hand").name == "by hand"
        with pytest.raises(InvalidName):
            registry.set_tag("by hand", "modelpack.digest", "x")


@pytest.mark.parametrize("password", [None, "wr0ng"])
def test_a_server_that_does_not_know_us_says_what_to_set(
    password: str | None, mlflow_server: Server, enter: Enter
) -> None:
    enter({"MLFLOW_TRACKING_URI": mlflow_server.url})
    if password:
        enter({**mlflow_server.environ, "MLFLOW_TRACKING_PASSWORD": password})
    with modelpack.Registry() as registry, pytest.raises(StoreUnavailable, match="USERNAME") as caught:
        registry.search_models()
    assert not password or password not in str(caught.value)


def test_no_database_library_is_needed_for_a_server(mlflow_server: Server, enter: Enter) -> None:
    enter(mlflow_server.environ)
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import modelpack; print(len(modelpack.Registry().search_models()) >= 0)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n", done.stderr
