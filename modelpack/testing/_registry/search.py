"""Search, order and pages."""

# ruff: noqa: S101 - these are tests: they assert

import pytest

from modelpack.errors import InvalidFilter
from modelpack.registry.store import RegistryStore
from modelpack.testing._registry.steps import (
    create,
    extend,
    find,
    names_of,
    promote,
)

MODELS_FOUND = {
    "": ["Churn", "churn", "churn_2", "fraud%"],
    "name = 'churn'": ["churn"],
    "name != 'churn'": ["Churn", "churn_2", "fraud%"],
    "name LIKE 'churn%'": ["churn", "churn_2"],
    "name NOT LIKE 'churn%'": ["Churn", "fraud%"],
    "name ILIKE 'CHURN'": ["Churn", "churn"],
    "name NOT ILIKE 'CHURN%'": ["fraud%"],
    "name LIKE 'churn_2'": ["churn_2"],
    "name LIKE '_hurn'": ["Churn", "churn"],
    r"name LIKE 'fraud\%'": [],
    "name LIKE '%*%'": [],
    "name LIKE '[cC]hurn'": [],
    "name LIKE ''": [],
    "name IN ('churn', 'nobody', 'fraud%')": ["churn", "fraud%"],
    "name NOT IN ('churn', 'fraud%')": ["Churn", "churn_2"],
    "name = '; DROP TABLE modelpack_models; --'": [],
    "tags.team = 'growth'": ["churn"],
    # Only what bears the tag differs in it; the rest is asked for by IS NULL.
    "tags.team != 'growth'": ["churn_2"],
    "tags.team NOT LIKE 'g%'": ["churn_2"],
    "tags.team IS NULL": ["Churn", "fraud%"],
    "tags.team IS NOT NULL": ["churn", "churn_2"],
    "tag.`a key` = 'it''s' AND name LIKE 'c%'": ["churn"],
    'tags."a key" ILIKE "IT%"': ["churn"],
    # What MLflow's clients send with every search.
    "tag.`mlflow.prompt.is_prompt` != 'true'": ["Churn", "churn", "churn_2"],
    "tag.`mlflow.prompt.is_prompt` = 'true'": ["fraud%"],
    "creation_timestamp > 0 AND last_updated_timestamp >= 1": ["Churn", "churn", "churn_2", "fraud%"],
}
VERSIONS_FOUND = {
    "name = 'churn'": [4, 3, 2, 1],
    "run_id = 'r2'": [2],
    "run_id IN ('r1', 'r3')": [3, 1],
    "run_id NOT IN ('r1', 'r3')": [4, 2],
    "source_path LIKE '%/2'": [2],
    "version_number >= 2 AND version_number < 4": [3, 2],
    "version_number != 2": [4, 3, 1],
    "version_number IN (1, 4)": [4, 1],
    "version_number NOT IN (1, 4)": [3, 2],
    "version_number > -1 AND version_number <= 1": [1],
    "tags.odd = 'yes' AND version_number > 1": [3],
    "stage = 'Staging'": [3],
    "digest = 'sha256:2'": [2],
}
UNASKABLE = [
    " ", "name", "name = churn", "name > 'a'", "name = 3", "version_number = '3'", "nonsense = 'x'",
    "name = 'x' OR name = 'y'", "(name = 'x')", "metrics.m > 1", "params.p = 'x'", "name IS NULL",
    "version_number > 1.5", f"version_number > {10**30}", "name IN (1)", "name = 'a\0'",
    "tags.k > 'v'", "tags.`\0` = 'v'", "name IN ('a', '\ud800')",
    "1 = 1", "name = 'x'; DROP TABLE modelpack_models", "description = 'x'", "name = 'x' --",
]  # fmt: skip
UNORDERABLE = [
    ["password"], ["lower(name)"], ["name; DROP TABLE modelpack_models"], ["name DOWN"],
    ["name", "name DESC"],
    ["name"] * 10_000, ["(SELECT 1)"], [""], ["tags.k"], ["1"], ["name, version_number"],
]  # fmt: skip


class Search:
    """The search grammar finds what it says, and nothing else."""

    def test_models_are_found_by_name_and_tags(self, store: RegistryStore) -> None:
        store.create_model("churn", description="", tags={"team": "growth", "a key": "it's"})
        store.create_model("churn_2", description="", tags={"team": "risk"})
        store.create_model("Churn", description="", tags={})
        store.create_model("fraud%", description="", tags={"mlflow.prompt.is_prompt": "true"})
        assert {where: names_of(store, where) for where in MODELS_FOUND} == MODELS_FOUND

    def test_versions_are_found_by_what_they_are(self, store: RegistryStore) -> None:
        for number in range(1, 5):
            extend(
                store, "churn", digest=f"sha256:{number}", source=f"s3://bucket/{number}", run_id=f"r{number}"
            )
            if number % 2:
                store.set_tag("churn", "odd", "yes", version=number)
        promote(store, "churn", 3, "Staging")
        met = {
            where: [one.version for one in find(store, where, "version_number DESC")]
            for where in VERSIONS_FOUND
        }
        assert met == VERSIONS_FOUND

    def test_what_cannot_be_asked_is_refused(self, store: RegistryStore) -> None:
        for where in UNASKABLE:
            with pytest.raises(InvalidFilter) as caught:
                find(store, where)
            assert len(str(caught.value)) <= 300

    def test_what_nothing_is_ordered_by_is_refused(self, store: RegistryStore) -> None:
        for order in UNORDERABLE:
            with pytest.raises(InvalidFilter):
                find(store, "", *order)
            with pytest.raises(InvalidFilter):
                names_of(store, "", *order)

    def test_order_is_kept_and_ties_are_broken_the_same_way(self, store: RegistryStore) -> None:
        for name in ("b", "a"):
            for _ in range(2):
                extend(store, name)
        by_number = find(store, "", "version_number", "name DESC")
        assert [(one.name, one.version) for one in by_number] == [("b", 1), ("a", 1), ("b", 2), ("a", 2)]
        assert names_of(store, "", "name DESC") == ["b", "a"]
        promote(store, "b", 1, "Staging")
        assert find(store, "")[0].stage == "Staging"

    def test_pages_follow_each_other_without_gap_or_overlap(self, store: RegistryStore) -> None:
        names = [f"model-{number:02}" for number in range(7)]
        for name in names:
            create(store, name)
        met: list[str] = []
        token: str | None = None
        for wanted in (3, 3, 1):
            page = store.search_models("", order_by=(), max_results=3, page_token=token)
            met += [model.name for model in page]
            assert len(page) == wanted
            token = page.next_token
        assert (met, token) == (names, None)

    def test_a_token_that_no_search_gave_is_refused(self, store: RegistryStore) -> None:
        for token in ("x", "e30=", "eyJvZmZzZXQiOi0xfQ==", "eyJvZmZzZXQiOiJhIn0=", "ü", "W10=", "\ud800"):
            with pytest.raises(InvalidFilter, match="token"):
                store.search_models("", order_by=(), max_results=3, page_token=token)

    def test_a_page_has_a_sensible_size(self, store: RegistryStore) -> None:
        for most in (0, -1, 10**9):
            with pytest.raises(InvalidFilter, match="max_results"):
                store.search_models("", order_by=(), max_results=most, page_token=None)
