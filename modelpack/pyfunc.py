"""Models of Python code with a run, under MLflow's names: ``log_model``, ``save_model``, ``load_model``."""

from typing import Any

from modelpack.loading import load_predictor
from modelpack.predictor import Predictor
from modelpack.tracking.logged import Face

__all__ = ["load_model", "log_model", "save_model"]

_FACE = Face("pyfunc", "python_model")
log_model, save_model = _FACE.log_model, _FACE.save_model


def load_model(model_uri: str, **given: Any) -> Predictor:
    """What calls the model at *model_uri*, of whatever flavor, as far as the operator trusts it.

    *given* is what MLflow takes besides, for the sake of scripts; nothing of it changes what is loaded.
    """
    del given
    return load_predictor(model_uri)
