"""Registries of MLflow's, copied into one of ours."""

from modelpack.importing.copying import Outcome, copy_models
from modelpack.importing.sources import Source, open_source

__all__ = ["Outcome", "Source", "copy_models", "open_source"]
