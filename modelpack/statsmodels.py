"""Models of statsmodels with a run, under MLflow's names: ``log_model``, ``save_model``, ``load_model``."""

from modelpack.tracking.logged import Face

__all__ = ["load_model", "log_model", "save_model"]

_FACE = Face("statsmodels", "statsmodels_model")
log_model, save_model, load_model = _FACE.log_model, _FACE.save_model, _FACE.load_model
