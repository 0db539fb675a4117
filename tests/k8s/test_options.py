"""Two hundred random sets of options: each is valid, safe, and comes back the same."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s.bundle import bundle
from k8s.commands import workload
from k8s.names import LONGEST_VALUE
from k8s.text import stream
from k8s.workload import LEEWAY, Object
from tests.k8s.linters import broken
from tests.k8s.making import VERSIONS, WITHOUT_SCHEMA, found, invalid
from tests.k8s.restricted import violations
from tests.k8s.test_workload import expanded

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
) | st.sampled_from(
    ["on", "1e3", "0o17", "2026-11-23", "~", "two\nlines\n", "$(A)$$", "# no", "{{7*7}}", "null", "=", "<<"]
)
PAIRS = st.dictionaries(st.from_regex(r"X_[A-F0-9]{1,8}", fullmatch=True), TEXTS, max_size=4)
IMAGES = st.builds(
    lambda host, path, tag, digest: (
        f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    ),
    HOSTS,
    LABELS,
    st.from_regex(r"v[0-9]\.[0-9]", fullmatch=True),
    st.none() | st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
)


@st.composite
def words(draw: st.DrawFn) -> dict[str, Any]:
    """What the command line may hand over, without contradictions."""
    usual = st.fixed_dictionaries(
        {"version": st.sampled_from(VERSIONS)},
        optional={
            "name": LABELS,
            "app": LABELS,
            "namespace": LABELS,
            "cpu": st.sampled_from(["1", "250m:1", "0.5:2.5"]),
            "memory": st.sampled_from(["512Mi", "1Gi:2Gi", "500M"]),
            "storage": st.sampled_from(["64Mi", "1Gi:2Gi"]),
            "scratch": st.sampled_from(["16Mi", "64Mi"]),
            "port": st.integers(1024, 65535),
            "workers": st.integers(1, 256),
            "linger": st.integers(0, 3600),
            "drain": st.integers(0, 86_400),
            "sleep": st.integers(1, 3600),
            "cpu_target": st.integers(1, 100),
            "allow_from": st.lists(LABELS, max_size=3).map(tuple),
            "allow_to": st.sampled_from([("10.0.0.0/8",), ("10.1.2.3/32:5432", "[fd00::/8]:443")]),
            "secrets": st.lists(LABELS, unique=True, max_size=3).map(tuple),
            "pull_secret": LABELS,
            "priority_class": LABELS,
            "variables": PAIRS.map(lambda pairs: tuple(f"{key}={value}" for key, value in pairs.items())),
        },
    )
    given: dict[str, Any] = draw(usual)
    if draw(st.booleans()):
        least = draw(st.integers(1, 50))
        given |= {"min_replicas": least, "max_replicas": max(2, least) + draw(st.integers(0, 50))}
    else:
        given |= draw(st.fixed_dictionaries({}, optional={"replicas": st.integers(2, 100)}))
    given |= draw(st.one_of(st.just({}), _ingress(), _route(), st.just({"kserve": True})))
    if not given.get("kserve"):
        given["monitor"] = draw(st.booleans())
    given["app_armor"] = int(given["version"].partition(".")[2]) >= 30 and draw(st.booleans())
    return given


def _ingress() -> st.SearchStrategy[dict[str, Any]]:
    optional = {"ingress_class": LABELS | st.just("nginx"), "ingress": LABELS}
    return st.fixed_dictionaries({"host": HOSTS, "tls_secret": LABELS}, optional=optional)


def _route() -> st.SearchStrategy[dict[str, Any]]:
    gateways = LABELS | st.tuples(LABELS, LABELS).map("/".join)
    return st.fixed_dictionaries({"host": HOSTS, "gateway": gateways})


def _expected_breaches(given: dict[str, Any]) -> set[str]:
    """The checks that need a field which the wanted version has not."""
    return {"unhealthy eviction"} if int(given["version"].partition(".")[2]) < 27 else set()


# The home is made once and never written to; a set of options takes tens of milliseconds.
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=words(), image=IMAGES)
def test_any_set_of_options_gives_valid_manifests(home: Path, given: dict[str, Any], image: str) -> None:
    work = workload(str(home / "model"), image, given)
    objects = bundle(work)
    _are_valid(objects, given["version"])
    _are_safe(objects, given)
    read = list(yaml.load_all(stream(objects), Loader=yaml.CSafeLoader))
    assert read == objects
    variables = {one["name"]: expanded(one["value"]) for many in found(read, "env") for one in many}
    assert variables == dict(text.split("=", 1) for text in given.get("variables", ()))
    assert all(len(value.encode()) <= LONGEST_VALUE for value in variables.values())
    assert list(found(read, "terminationGracePeriodSeconds")) == [work.stop]
    assert work.stop >= max(60, work.sleep + work.linger + work.drain + LEEWAY)


def _are_valid(objects: list[Object], version: str) -> None:
    """By the schemas of the version asked for and of the newest."""
    for one in objects:
        if one["kind"] not in WITHOUT_SCHEMA:
            assert invalid(one, version) + invalid(one, VERSIONS[-1]) == []


def _are_safe(objects: list[Object], given: dict[str, Any]) -> None:
    pods = [one["spec"]["template"] for one in objects if one["kind"] == "Deployment"]
    pods += [{"spec": one["spec"]["predictor"]} for one in objects if one["kind"] == "InferenceService"]
    assert [violations(pod) for pod in pods] == [[]]
    assert set(broken(objects)) <= _expected_breaches(given)
