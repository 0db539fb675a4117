"""Names for models: versions, stages, aliases, and the history of their moves."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelpack.registry.client import Registry
    from modelpack.registry.names import STAGES
    from modelpack.registry.records import ModelVersion, Move, Page, RegisteredModel

__all__ = ["STAGES", "ModelVersion", "Move", "Page", "RegisteredModel", "Registry"]

# Found on first use: records and names cost nothing, a Registry brings more.
_HOMES = {
    "STAGES": "modelpack.registry.names",
    "ModelVersion": "modelpack.registry.records",
    "Move": "modelpack.registry.records",
    "Page": "modelpack.registry.records",
    "RegisteredModel": "modelpack.registry.records",
    "Registry": "modelpack.registry.client",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelpack.registry' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
