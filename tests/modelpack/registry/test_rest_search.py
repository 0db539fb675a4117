"""Filters and orders as an MLflow server takes them."""

import pytest

from modelpack.errors import InvalidFilter
from modelpack.registry.rest_search import MODELS, VERSIONS, Asked, filter_for, order_for, require_size


@pytest.mark.parametrize(
    ("asked", "where", "sent"),
    [
        (MODELS, "", ""),
        (MODELS, "name like 'a%' and tag.`a key` != 'x'", "name LIKE 'a%' AND tags.`a key` != 'x'"),
        (MODELS, "name = 'it''s'", 'name = "it\'s"'),
        (MODELS, 'name ILIKE "say ""hi"""', "name ILIKE 'say \"hi\"'"),
        (
            VERSIONS,
            "run_id IN ('a', 'b') AND version_number >= 2",
            "run_id IN ('a', 'b') AND version_number >= 2",
        ),
        (VERSIONS, "digest = 'sha256:0'", "tags.`modelpack.digest` = 'sha256:0'"),
        (VERSIONS, "attributes.source_path LIKE 's3%'", "source_path LIKE 's3%'"),
    ],
)
def test_a_filter_is_sent_in_the_servers_own_form(asked: Asked, where: str, sent: str) -> None:
    assert filter_for(where, asked) == sent


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (MODELS, "name NOT LIKE 'a'"),
        (MODELS, "name IN ('a')"),
        (MODELS, "digest = 'x'"),
        (MODELS, "tags.k IS NULL"),
        (MODELS, "name = 'it''s \"so\"'"),
        (MODELS, "name = 3"),
        (VERSIONS, "stage = 'Staging'"),
        (VERSIONS, "version_number IN (1)"),
        (VERSIONS, "version_number = 1.5"),
        (VERSIONS, "version_number = '1'"),
        (VERSIONS, f"version_number > {10**30}"),
        (VERSIONS, "name = 'a\0'"),
        (VERSIONS, "metrics.m > 1"),
        (VERSIONS, "nonsense"),
    ],
)
def test_what_a_server_would_not_understand_is_refused_before(asked: Asked, where: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        filter_for(where, asked)
    assert len(str(caught.value)) <= 300


def test_an_order_is_sent_with_its_direction() -> None:
    assert order_for(["name DESC", "version_number"], VERSIONS) == ["name DESC", "version_number ASC"]
    with pytest.raises(InvalidFilter, match="nothing is ordered by"):
        order_for(["version_number"], MODELS)


@pytest.mark.parametrize("size", [0, -1, 1_001, 10**9])
def test_a_page_has_a_sensible_size(size: int) -> None:
    with pytest.raises(InvalidFilter, match="max_results"):
        require_size(size, MODELS)
