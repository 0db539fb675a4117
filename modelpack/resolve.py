"""A reference, step by step, to a directory on this disk."""

from pathlib import Path
from typing import Protocol

from modelpack.errors import InvalidUri, NotFound, shorten
from modelpack.plugins import Table
from modelpack.uris import ModelRef


class Resolver(Protocol):
    """Takes a reference one step nearer to a place that holds bytes."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """What *ref* leads to. Raises NotFound, saying what exists."""
        ...


class FileResolver:
    """Paths: they are where they lead to."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """*ref*, with the links of its path followed; raises NotFound where there is no folder."""
        path = ref.path.expanduser()
        if not path.is_dir():
            raise NotFound("model directory", str(path))
        return ModelRef("file", str(path.resolve()))


RESOLVERS: Table[Resolver] = Table(
    "kind of reference",
    group="modelpack.resolvers",
    builtins={
        "file": "modelpack.resolve:FILES",
        "models": "modelpack.registry.resolver:RegistryResolver",
        "runs": "modelpack.tracking.resolver:RunResolver",
        **dict.fromkeys(
            ("s3", "gs", "abfss", "abfs", "mlflow-artifacts", "http", "https"),
            "modelpack.artifacts.resolver:PlaceResolver",
        ),
    },
)

FILES = FileResolver()


def locate(ref: str | Path | ModelRef, *, hops: int = 8) -> Path:
    """Follow *ref* until it is a folder of this disk.

    A reference may lead to another one: an alias to a version, a version to a path. Raises InvalidUri for
    text that means no model and after *hops* steps, which are a loop; NotFound for what does not exist.
    """
    here = ModelRef.parse(ref)
    for _ in range(hops):
        there = _resolver(here).resolve(here)
        if there.scheme == "file":
            return FILES.resolve(there).path
        here = there
    raise InvalidUri(f"{shorten(str(ref), 120)} leads to another reference {hops} times over; it is a loop")


def _resolver(ref: ModelRef) -> Resolver:
    found = RESOLVERS[ref.scheme]
    # A class is as good as an object: what it needs it takes from the environment when it is used.
    return found() if isinstance(found, type) else found
