"""What is written stays as it is until somebody means to change it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.bundle import KINDS
from tests.k8s.goldens import FOLDER, SETS, different
from tests.k8s.linters import broken
from tests.k8s.making import VERSIONS, WITHOUT_SCHEMA, invalid
from tests.k8s.restricted import violations


def _read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def test_the_files_hold_what_is_written_now() -> None:
    assert different() == []  # python -m tests.k8s.goldens --renew


def test_each_file_belongs_to_a_set() -> None:
    assert {path.stem for path in Path(FOLDER).iterdir()} == set(SETS)


def test_together_they_hold_every_kind() -> None:
    assert {one["kind"] for name in SETS for one in _read(name)} == set(KINDS)


@pytest.mark.parametrize("name", SETS)
def test_they_are_valid_in_every_version_they_are_for(name: str) -> None:
    minor = SETS[name].version[1]
    assert [
        (version, one["kind"], why)
        for version in VERSIONS[minor - 25 :]
        for one in _read(name)
        if one["kind"] not in WITHOUT_SCHEMA
        for why in invalid(one, version)
    ] == []


@pytest.mark.parametrize("name", SETS)
def test_their_pods_are_restricted(name: str) -> None:
    objects = _read(name)
    pods = [one["spec"]["template"] for one in objects if one["kind"] == "Deployment"]
    pods += [{"spec": one["spec"]["predictor"]} for one in objects if one["kind"] == "InferenceService"]
    assert [violations(pod) for pod in pods] == [[]]


def test_the_full_one_passes_every_default_check_of_the_linters() -> None:
    assert broken(_read("everything")) == []


@pytest.mark.parametrize("name", SETS)
def test_the_order_is_the_one_to_apply(name: str) -> None:
    kinds = [one["kind"] for one in _read(name)]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert kinds[:2] == ["ServiceAccount", "ConfigMap"]
