"""Takes a trained model to where it is used: package, register, promote, serve."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from modelpack._version import __version__

# onnxruntime 1.32 writes a device id and calls its makers, unless it finds this when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from modelpack.certifying import certify
    from modelpack.directory import ModelDirectory
    from modelpack.errors import ModelpackError
    from modelpack.flavors.naming import set_model
    from modelpack.loading import load, load_predictor, open_model
    from modelpack.predictor import Predictor
    from modelpack.registry import Registry
    from modelpack.saving import save
    from modelpack.schema import Signature, infer_signature
    from modelpack.trust import Trust

__all__ = [
    "ModelDirectory",
    "ModelpackError",
    "Predictor",
    "Registry",
    "Signature",
    "Trust",
    "__version__",
    "certify",
    "infer_signature",
    "load",
    "load_predictor",
    "open_model",
    "save",
    "set_model",
]

# Found on first use: a script that only parses references pays for no database and no arrays.
_HOMES = {
    "ModelDirectory": "modelpack.directory",
    "ModelpackError": "modelpack.errors",
    "Predictor": "modelpack.predictor",
    "Registry": "modelpack.registry",
    "Signature": "modelpack.schema",
    "Trust": "modelpack.trust",
    "certify": "modelpack.certifying",
    "infer_signature": "modelpack.schema",
    "load": "modelpack.loading",
    "load_predictor": "modelpack.loading",
    "open_model": "modelpack.loading",
    "save": "modelpack.saving",
    "set_model": "modelpack.flavors.naming",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelpack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
