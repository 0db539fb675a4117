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

# ``import modelpack as mlflow`` serves for scripts that track: these are MLflow's names.
_FLUENT = frozenset(
    [
        "ActiveRun",
        "active_run",
        "create_experiment",
        "delete_experiment",
        "delete_run",
        "delete_tag",
        "end_run",
        "get_experiment",
        "get_experiment_by_name",
        "get_parent_run",
        "get_registry_uri",
        "get_run",
        "get_tracking_uri",
        "last_active_run",
        "list_artifacts",
        "log_artifact",
        "log_artifacts",
        "log_dict",
        "log_figure",
        "log_input",
        "log_metric",
        "log_metrics",
        "log_param",
        "log_params",
        "log_text",
        "register_model",
        "search_experiments",
        "search_model_versions",
        "search_registered_models",
        "search_runs",
        "set_experiment",
        "set_experiment_tag",
        "set_registry_uri",
        "set_tag",
        "set_tags",
        "set_tracking_uri",
        "start_run",
    ]
)
_ROOMS = frozenset(
    [
        "catboost",
        "lightgbm",
        "models",
        "onnx",
        "pyfunc",
        "pytorch",
        "sklearn",
        "statsmodels",
        "tracking",
        "xgboost",
    ]
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _FLUENT:
        return getattr(importlib.import_module("modelpack.tracking.fluent"), name)
    if name in _ROOMS:
        return importlib.import_module(f"modelpack.{name}")
    raise AttributeError(f"module 'modelpack' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_FLUENT, *_ROOMS})
