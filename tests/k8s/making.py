"""Workloads and schemas that several tests ask for."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from k8s.names import Image
from k8s.workload import Workload

DIGEST = "sha256:" + "ab" * 32
VERSIONS = [f"1.{minor}" for minor in range(25, 38)]
WITHOUT_SCHEMA = {"HTTPRoute", "ServiceMonitor", "InferenceService", "Kustomization"}
"""Kinds that a cluster learns from others."""

_SCHEMAS = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema"


def workload(**given: Any) -> Workload:
    """The guide's workload, changed by *given*."""
    usual: dict[str, Any] = {
        "name": "churn-prediction-model",
        "app": "churn-model",
        "image": Image.parse("your-registry/churn-model:v1.2.0"),
        "model": "models:/churn-prediction-model/Production",
        "digest": DIGEST,
    }
    return Workload(**{**usual, **given})


def invalid(thing: Mapping[str, Any], version: str) -> list[str]:
    """What the strict schema of *version* says against *thing*; the same that kubernetes-validate says."""
    group, _, api = thing["apiVersion"].rpartition("/")
    name = "-".join(part for part in (thing["kind"].lower(), group.partition(".")[0], api) if part)
    return [error.message for error in _validator(version, name).iter_errors(thing)]


@cache
def _validator(version: str, name: str) -> jsonschema.Draft202012Validator:
    folder = _SCHEMAS / f"v{version}.0-local-strict"
    schema = json.loads((folder / f"{name}.json").read_text())
    return jsonschema.Draft202012Validator(schema, registry=_definitions(folder))


@cache
def _definitions(folder: Path) -> Registry[Any]:
    shared = Resource.from_contents(json.loads((folder / "_definitions.json").read_text()))
    registry: Registry[Any] = Registry()
    return shared @ registry


def found(thing: Any, key: str) -> Iterator[Any]:
    """Every value under *key*, at any depth of *thing*."""
    if isinstance(thing, Mapping):
        for name, value in thing.items():
            if name == key:
                yield value
            yield from found(value, key)
    elif isinstance(thing, list):
        for one in thing:
            yield from found(one, key)
