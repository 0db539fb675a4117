"""Which step of a pipeline is the first at which a model and its ONNX form part."""

from dataclasses import replace
from typing import Any

import numpy as np

from modelpack.errors import ModelpackError
from modelpack.onnx.convert import candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.layout import Layout, Output
from modelpack.onnx.native import native
from modelpack.onnx.session import OnnxSession
from modelpack.schema import Signature, Table


def first_difference(model: Any, signature: Signature, form: str, data: Table | np.ndarray | None) -> str:
    """The name and class of the first step whose results differ on *data*, in the form that is called *form*.

    The last step where all before it agree; the class of *model* where it has no steps; nothing where the
    form has no parts that can be asked.
    """
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    if not hasattr(model, "steps"):
        return type(model).__name__
    if data is None:
        return ""
    for place, (name, step) in enumerate(model.steps[:-1]):
        if step is None or isinstance(step, str):
            continue
        apart = _apart(model[: place + 1], signature, form, data)
        if apart is None:
            return ""
        if apart.any():
            return f"{name} ({type(step).__name__}){_inside(step, apart)}"
    name, step = model.steps[-1]
    return f"{name} ({type(step).__name__})"


def _apart(steps: Any, signature: Signature, form: str, data: Table | np.ndarray) -> np.ndarray | None:
    """For each column that *steps* make, whether both differ in any bit; None where they cannot be asked."""
    for candidate in candidates(steps, signature=signature, methods=("transform",)):
        if candidate.name != form:
            continue
        if candidate.model is None or candidate.layout is None:
            return None
        try:
            wanted = np.asarray(native(steps)(data, "transform"), dtype=np.float64)
            session = OnnxSession(candidate.model.SerializeToString(), _doubles(candidate.layout), Domain())
            got = session.run(data, "transform")
        except (ModelpackError, ValueError, TypeError):
            return None
        if got.shape != wanted.shape:
            return np.ones(1, dtype=bool)
        differs = (got != wanted) & ~(np.isnan(got) & np.isnan(wanted))
        return np.asarray(differs.any(axis=0))
    return None


def _doubles(layout: Layout) -> Layout:
    outputs = {name: Output(one.name, "float64", flat=False) for name, one in layout.outputs.items()}
    return replace(layout, outputs=outputs)


def _inside(step: Any, apart: np.ndarray) -> str:
    """Which of a ColumnTransformer's own transformers it was."""
    slices = getattr(step, "output_indices_", None)
    if not slices:
        return ""
    for name, where in slices.items():
        if apart[where].any():
            return f", in {name}"
    return ""
