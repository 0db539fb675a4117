"""Signatures of models, under MLflow's names for them."""

from modelpack.schema import Signature as ModelSignature
from modelpack.schema import infer_signature

__all__ = ["ModelSignature", "infer_signature"]
