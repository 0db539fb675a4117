"""Names, versions and tags."""

# ruff: noqa: S101 - these are tests: they assert

from collections.abc import Callable

import pytest

from modelpack.errors import AlreadyExists, InvalidName, NotFound
from modelpack.registry.records import ModelVersion
from modelpack.registry.store import NOT_GIVEN, RegistryStore
from modelpack.testing._registry.steps import (
    create,
    extend,
    find,
    names_of,
    promote,
    tags_of,
)

BAD_NAMES = [
    "", " ", "\t", "../x", "..x", "a/b", "a:b", ".", "..", "a" * 257, "a\0", "a\nb", "a\tb", "a\u2028b",
    "\ud800", "a\x7f", "a\x9f",
]  # fmt: skip
GOOD_NAMES = [
    "churn",
    "über-modell 2",
    "a.b",
    "…",
    "a@b",
    "%_",
    "'",
    '"',
    "`",
    "\\",
    "モデル",
    "a" * 256,
    "🐈",
]


class Names:
    """Names are entered, renamed, deleted; versions are counted; tags are set."""

    def test_a_model_is_what_was_entered(self, store: RegistryStore) -> None:
        made = store.create_model("churn", description="who leaves", tags={"team": "growth"})
        assert (made.name, made.description, made.tags) == ("churn", "who leaves", {"team": "growth"})
        assert (made.latest, made.aliases) == ((), {})
        assert 0 < made.created == made.updated
        assert store.get_model("churn") == made

    def test_a_taken_name_is_refused(self, store: RegistryStore) -> None:
        made = create(store, "churn", description="first")
        with pytest.raises(AlreadyExists, match="churn"):
            create(store, "churn", description="second")
        assert store.get_model("churn") == made

    def test_any_readable_name_will_do(self, store: RegistryStore) -> None:
        for name in GOOD_NAMES:
            extend(store, name)
        assert [store.get_version(name, 1).name for name in GOOD_NAMES] == GOOD_NAMES

    @pytest.mark.parametrize("verb", ["create", "extend", "rename"])
    def test_a_name_outside_the_grammar_is_refused(self, store: RegistryStore, verb: str) -> None:
        create(store, "good")
        acts: dict[str, Callable[[str], object]] = {
            "create": lambda name: create(store, name),
            "extend": lambda name: extend(store, name),
            "rename": lambda name: store.rename_model("good", name),
        }
        for name in BAD_NAMES:
            with pytest.raises(InvalidName) as caught:
                acts[verb](name)
            assert len(str(caught.value)) <= 300
        assert names_of(store) == ["good"]

    def test_an_unknown_name_says_which_there_are(self, store: RegistryStore) -> None:
        create(store, "churn")
        create(store, "fraud")
        with pytest.raises(NotFound, match="did you mean 'churn'"):
            store.get_model("chrun")
        with pytest.raises(NotFound, match="churn, fraud"):
            store.get_model("xyz")

    @pytest.mark.parametrize("name", ["no", "a" * 10_000, "\0", "\ud800"])
    def test_every_verb_meets_an_unknown_name_with_not_found(self, store: RegistryStore, name: str) -> None:
        for verb in (
            lambda: store.get_model(name),
            lambda: store.rename_model(name, "new"),
            lambda: store.update_model(name, description=""),
            lambda: store.delete_model(name),
            lambda: store.get_version(name, 1),
            lambda: store.latest_versions(name, ()),
            lambda: store.update_version(name, 1, description=""),
            lambda: store.delete_version(name, 1),
            lambda: promote(store, name, 1, "Staging"),
            lambda: store.set_alias(name, "champion", 1, expected=NOT_GIVEN),
            lambda: store.delete_alias(name, "champion"),
            lambda: store.get_version_by_alias(name, "champion"),
            lambda: store.set_tag(name, "k", "v", version=None),
            lambda: store.delete_tag(name, "k", version=None),
            lambda: store.history(name, version=None),
        ):
            with pytest.raises(NotFound) as caught:
                verb()
            assert len(str(caught.value)) <= 300

    def test_a_new_name_takes_versions_aliases_and_history_along(self, store: RegistryStore) -> None:
        extend(store, "old")
        store.set_alias("old", "champion", 1, expected=NOT_GIVEN)
        store.rename_model("old", "new")
        assert store.get_version_by_alias("new", "champion").name == "new"
        assert [move.name for move in store.history("new", version=None)] == ["old"]
        with pytest.raises(NotFound):
            store.get_model("old")
        with pytest.raises(NotFound):
            store.history("old", version=None)

    def test_a_model_cannot_take_another_ones_name(self, store: RegistryStore) -> None:
        extend(store, "a")
        extend(store, "b", description="of b")
        with pytest.raises(AlreadyExists):
            store.rename_model("a", "b")
        assert store.get_version("b", 1).description == "of b"
        assert store.get_version("a", 1).description == ""

    def test_a_deleted_model_takes_its_versions_along_and_starts_anew_at_one(
        self, store: RegistryStore
    ) -> None:
        extend(store, "churn")
        extend(store, "churn")
        store.delete_model("churn")
        with pytest.raises(NotFound):
            store.get_version("churn", 1)
        assert extend(store, "churn").version == 1

    def test_a_version_is_what_was_entered(self, store: RegistryStore) -> None:
        made = store.create_version(
            "churn",
            source="s3://bucket/model",
            digest="sha256:ab",
            location="models/ab",
            run_id="r1",
            description="with more trees",
            tags={"trees": "200"},
        )
        assert made == ModelVersion(
            name="churn",
            version=1,
            stage="None",
            source="s3://bucket/model",
            digest="sha256:ab",
            location="models/ab",
            run_id="r1",
            description="with more trees",
            tags={"trees": "200"},
            aliases=(),
            created=made.created,
            updated=made.created,
            status="READY",
            user=made.user,
        )
        assert made.user
        assert store.get_version("churn", 1) == made

    def test_numbers_run_from_one_and_never_return(self, store: RegistryStore) -> None:
        assert [extend(store, "churn").version for _ in range(3)] == [1, 2, 3]
        store.delete_version("churn", 3)
        store.delete_version("churn", 1)
        assert extend(store, "churn").version == 4
        assert [one.version for one in find(store, "name = 'churn'", "version_number")] == [2, 4]

    @pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**63, 10**30])
    def test_an_unknown_version_says_which_there_are(self, store: RegistryStore, number: int) -> None:
        extend(store, "churn")
        with pytest.raises(NotFound, match=r"1 \(None\)"):
            store.get_version("churn", number)
        with pytest.raises(NotFound):
            promote(store, "churn", number, "Staging")
        with pytest.raises(NotFound):
            store.set_alias("churn", "champion", number, expected=NOT_GIVEN)
        with pytest.raises(NotFound):
            store.delete_version("churn", number)
        with pytest.raises(NotFound):
            store.history("churn", version=number)

    def test_a_deleted_version_is_gone_with_its_aliases(self, store: RegistryStore) -> None:
        extend(store, "churn")
        store.set_alias("churn", "champion", 1, expected=NOT_GIVEN)
        store.delete_version("churn", 1)
        with pytest.raises(NotFound):
            store.delete_version("churn", 1)
        with pytest.raises(NotFound):
            store.get_version_by_alias("churn", "champion")
        assert store.get_model("churn").aliases == {}

    def test_descriptions_can_be_replaced(self, store: RegistryStore) -> None:
        extend(store, "churn")
        assert store.update_model("churn", description="of all").description == "of all"
        assert store.update_version("churn", 1, description="of one").description == "of one"
        assert store.get_model("churn").latest[0].description == "of one"

    @pytest.mark.parametrize("version", [None, 1])
    def test_a_tag_is_set_replaced_and_deleted(self, store: RegistryStore, version: int | None) -> None:
        extend(store, "churn")
        store.set_tag("churn", "team", "a", version=version)
        store.set_tag("churn", "team", "b", version=version)
        store.set_tag("churn", "empty", "", version=version)
        assert tags_of(store, "churn", version) == {"team": "b", "empty": ""}
        assert tags_of(store, "churn", 1 if version is None else None) == {}
        store.delete_tag("churn", "team", version=version)
        store.delete_tag("churn", "team", version=version)
        assert tags_of(store, "churn", version) == {"empty": ""}

    def test_tags_and_texts_have_limits(self, store: RegistryStore) -> None:
        extend(store, "churn")
        store.set_tag("churn", "k" * 250, "v" * 100_000, version=None)
        for key, value in (("k" * 251, "v"), ("k", "v" * 100_001), (" ", "v"), ("k", "\0"), ("\ud800", "v")):
            with pytest.raises(InvalidName):
                store.set_tag("churn", key, value, version=None)
            with pytest.raises(InvalidName):
                store.create_model("other", description="", tags={key: value})
        with pytest.raises(InvalidName):
            store.create_model("other", description="", tags={str(number): "" for number in range(1_001)})
        with pytest.raises(InvalidName):
            store.update_model("churn", description="a\0")
        assert names_of(store) == ["churn"]
