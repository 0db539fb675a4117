"""Stages, aliases and the history of their moves."""

# ruff: noqa: S101 - these are tests: they assert

import pytest

from modelpack.errors import Conflict, InvalidName, NotFound
from modelpack.registry.names import STAGES
from modelpack.registry.store import NOT_GIVEN, RegistryStore
from modelpack.testing._registry.steps import (
    extend,
    promote,
    stages_of,
)

BAD_ALIASES = ["", "latest", "LaTest", "v1", "V20", "a b", "a/b", "a\n", "a" * 256, "ä\0", "@", "\ud800"]


class Moves:
    """Stages and aliases move, only as expected, and every move is told."""

    def test_a_stage_is_meant_in_any_letter_case(self, store: RegistryStore) -> None:
        extend(store, "churn")
        for stage in STAGES:
            assert promote(store, "churn", 1, stage.upper()).stage == stage
            assert promote(store, "churn", 1, stage.lower()).stage == stage

    def test_there_are_no_other_stages(self, store: RegistryStore) -> None:
        extend(store, "churn")
        for stage in ("", "Prod", "production ", "\uff30roduction", "a" * 1000):
            with pytest.raises(InvalidName, match="None, Staging, Production, Archived"):
                promote(store, "churn", 1, stage)

    def test_archiving_moves_the_others_of_that_stage_and_only_them(self, store: RegistryStore) -> None:
        for stage in ("Production", "Production", "Staging", "None"):
            promote(store, "churn", extend(store, "churn").version, stage)
        promote(store, "churn", 4, "production", archive=True)
        assert stages_of(store, "churn") == ["Archived", "Archived", "Staging", "Production"]

    def test_without_archiving_a_stage_may_hold_several(self, store: RegistryStore) -> None:
        for _ in range(2):
            promote(store, "churn", extend(store, "churn").version, "Production")
        assert stages_of(store, "churn") == ["Production", "Production"]
        assert [one.version for one in store.latest_versions("churn", ["PRODUCTION"])] == [2]

    @pytest.mark.parametrize("stage", ["None", "Archived"])
    def test_archiving_and_expecting_go_with_staging_and_production_only(
        self, store: RegistryStore, stage: str
    ) -> None:
        extend(store, "churn")
        with pytest.raises(InvalidName):
            promote(store, "churn", 1, stage, archive=True)
        with pytest.raises(InvalidName):
            promote(store, "churn", 1, stage, expected=None)
        assert store.history("churn", version=None) == []

    def test_a_promotion_happens_only_while_its_expectation_holds(self, store: RegistryStore) -> None:
        for _ in range(3):
            extend(store, "churn")
        with pytest.raises(Conflict, match="no version"):
            promote(store, "churn", 1, "Production", expected=2)
        promote(store, "churn", 1, "Production", expected=None)
        with pytest.raises(Conflict, match="version 1"):
            promote(store, "churn", 2, "Production", expected=None, archive=True)
        promote(store, "churn", 2, "Production", expected=1, archive=True)
        promote(store, "churn", 3, "Production")
        with pytest.raises(Conflict, match="2, 3"):
            promote(store, "churn", 1, "Production", expected=3, archive=True)
        assert stages_of(store, "churn") == ["Archived", "Production", "Production"]

    def test_latest_versions_are_the_highest_of_each_stage(self, store: RegistryStore) -> None:
        for stage in ("Staging", "Production", "Staging", "None"):
            promote(store, "churn", extend(store, "churn").version, stage)
        latest = {one.stage: one.version for one in store.latest_versions("churn", ())}
        assert latest == {"Production": 2, "Staging": 3, "None": 4}
        assert [one.version for one in store.latest_versions("churn", ["staging", "Archived"])] == [3]
        with pytest.raises(InvalidName):
            store.latest_versions("churn", ["prod"])

    @pytest.mark.parametrize("alias", ["champion", "Production", "1", "v", "a-b_c", "größte", "a" * 255])
    def test_an_alias_means_a_version_until_it_is_moved(self, store: RegistryStore, alias: str) -> None:
        extend(store, "churn")
        extend(store, "churn")
        store.set_alias("churn", alias, 1, expected=NOT_GIVEN)
        assert store.get_version_by_alias("churn", alias).version == 1
        store.set_alias("churn", alias, 2, expected=NOT_GIVEN)
        assert store.get_version_by_alias("churn", alias).aliases == (alias,)
        assert store.get_version("churn", 1).aliases == ()
        assert store.get_model("churn").aliases == {alias: 2}

    def test_an_alias_outside_the_grammar_is_refused(self, store: RegistryStore) -> None:
        extend(store, "churn")
        for alias in BAD_ALIASES:
            with pytest.raises(InvalidName) as caught:
                store.set_alias("churn", alias, 1, expected=NOT_GIVEN)
            assert len(str(caught.value)) <= 300

    def test_an_alias_is_case_sensitive_and_its_absence_says_what_there_is(
        self, store: RegistryStore
    ) -> None:
        extend(store, "churn")
        store.set_alias("churn", "Champion", 1, expected=NOT_GIVEN)
        with pytest.raises(NotFound, match=r"Champion \(version 1\)"):
            store.get_version_by_alias("churn", "champion")

    def test_an_alias_moves_only_while_its_expectation_holds(self, store: RegistryStore) -> None:
        extend(store, "churn")
        extend(store, "churn")
        with pytest.raises(Conflict):
            store.set_alias("churn", "champion", 1, expected=1)
        store.set_alias("churn", "champion", 1, expected=None)
        with pytest.raises(Conflict, match="version 1"):
            store.set_alias("churn", "champion", 2, expected=None)
        store.set_alias("churn", "champion", 2, expected=1)
        assert store.get_version_by_alias("churn", "champion").version == 2

    def test_deleting_an_alias_twice_is_no_error(self, store: RegistryStore) -> None:
        extend(store, "churn")
        store.set_alias("churn", "champion", 1, expected=NOT_GIVEN)
        store.delete_alias("churn", "champion")
        store.delete_alias("churn", "champion")
        assert store.get_model("churn").aliases == {}

    def test_the_history_tells_every_move_in_order(self, store: RegistryStore) -> None:
        for _ in range(2):
            extend(store, "churn")
        promote(store, "churn", 1, "Production")
        promote(store, "churn", 1, "Production")
        promote(store, "churn", 2, "Production", archive=True)
        store.set_alias("churn", "champion", 1, expected=NOT_GIVEN)
        store.set_alias("churn", "champion", 2, expected=NOT_GIVEN)
        store.delete_version("churn", 2)
        moves = store.history("churn", version=None)
        assert [(move.kind, move.version, move.alias, move.before, move.after) for move in moves] == [
            ("stage", 1, None, "None", "Production"),
            ("stage", 1, None, "Production", "Archived"),
            ("stage", 2, None, "None", "Production"),
            ("alias", 1, "champion", None, "1"),
            ("alias", 2, "champion", "1", "2"),
            ("stage", 2, None, "Production", None),
            ("alias", 2, "champion", "2", None),
        ]
        assert all(move.user and move.at > 0 and move.name == "churn" for move in moves)
        assert [move.at for move in moves] == sorted(move.at for move in moves)
        assert [move.before for move in store.history("churn", version=1)] == ["None", "Production", None]

    def test_the_history_outlives_the_model(self, store: RegistryStore) -> None:
        extend(store, "churn")
        promote(store, "churn", 1, "Staging")
        store.delete_model("churn")
        told = [(move.before, move.after) for move in store.history("churn", version=None)]
        assert told == [("None", "Staging"), ("Staging", None)]
        extend(store, "churn")
        promote(store, "churn", 1, "Production")
        assert len(store.history("churn", version=None)) == 3
