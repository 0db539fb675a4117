"""Every kind is valid in every version that is written for."""

from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it publishes no types
import pytest

from k8s.bundle import bundle
from k8s.names import version
from tests.k8s.making import VERSIONS, WITHOUT_SCHEMA, found, invalid, workload

FULL: dict[str, Any] = {
    "max_replicas": 9,
    "host": "models.example.org",
    "tls_secret": "models-tls",
    "ingress_class": "nginx",
    "variables": (("GUNICORN_CMD_ARGS", "--workers=4"),),
    "secrets": ("store",),
    "pull_secret": "registry",
    "allow_from": ("web",),
    "allow_to": ("10.0.0.0/8:5432",),
    "priority_class": "high",
}


@pytest.mark.parametrize("wanted", VERSIONS)
def test_the_default_is_valid_everywhere(wanted: str) -> None:
    for one in bundle(workload(**FULL)):
        assert invalid(one, wanted) == []


@pytest.mark.parametrize("wanted", VERSIONS)
def test_what_is_written_for_a_version_is_valid_in_it_and_in_the_newest(wanted: str) -> None:
    objects = bundle(workload(**FULL, version=version("version", wanted)))
    assert [invalid(one, wanted) + invalid(one, VERSIONS[-1]) for one in objects] == [[]] * len(objects)


@pytest.mark.parametrize("wanted", ["1.25", "1.37"])
def test_kubernetes_validate_itself_says_the_same(wanted: str) -> None:
    for one in bundle(workload(**FULL)):
        assert kubernetes_validate.validate(one, wanted, strict=True) == wanted
        broken = {**one, "spec": {"surprise": 1}}
        assert invalid(broken, wanted)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(broken, wanted, strict=True)


def test_newer_fields_wait_for_their_version() -> None:
    ages = {
        "1.25": (False, False),
        "1.26": (False, False),
        "1.27": (True, False),
        "1.29": (True, False),
        "1.30": (True, True),
    }
    for wanted, (eviction, sleep) in ages.items():
        objects = bundle(workload(version=version("version", wanted)))
        assert bool(list(found(objects, "unhealthyPodEvictionPolicy"))) is eviction
        assert bool(list(found(objects, "sleep"))) is sleep


def test_the_kinds_that_schemas_do_not_know_are_the_three_of_others() -> None:
    kinds = {
        one["kind"]
        for given in (
            {**FULL, "monitor": True},
            {"host": "a.example", "gateway": "edge/public"},
            {"kserve": True},
        )
        for one in bundle(workload(**given))
    }
    assert kinds & WITHOUT_SCHEMA == {"HTTPRoute", "ServiceMonitor", "InferenceService"}
