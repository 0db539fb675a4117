"""The native model, asked as the flavors ask it."""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.schema import Table

Native: TypeAlias = Callable[[Table | np.ndarray, str], np.ndarray]
"""Enforced input and a method's name to what the model answers, an array. Raises what the model raises."""


def native(model: Any) -> Native:
    """Ask *model*, a scikit-learn estimator, directly and without its warnings."""
    wants_names = hasattr(model, "feature_names_in_")

    def ask(data: Table | np.ndarray, method: str) -> np.ndarray:
        with warnings.catch_warnings():
            # Unknown categories are among the questions on purpose.
            warnings.simplefilter("ignore")
            return dense(getattr(model, method)(as_input(data, wants_names=wants_names)))

    return ask


def as_input(data: Table | np.ndarray, *, wants_names: bool) -> Any:
    """*data* as an estimator takes it: a DataFrame where it was fitted on one, else an array."""
    if not isinstance(data, Table):
        return data
    if wants_names:
        return data.frame()
    if all(column.dtype.kind in "biuf" for column in data.columns.values()):
        return data.matrix()
    return np.asarray(data.frame().to_numpy(dtype=object))


def dense(answer: Any) -> np.ndarray:
    """*answer* as an array; sparse matrices and frames are unfolded."""
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    return np.asarray(answer)


_REQUIRED = object()


def kept(model: Any, name: str, default: Any = _REQUIRED) -> Any:
    """What scikit-learn keeps under the private *name*, or *default* where there is none.

    Raises NotConvertible without a default: another release keeps it elsewhere.
    """
    value = getattr(model, name, default)
    if value is _REQUIRED:
        raise NotConvertible(f"this release of scikit-learn keeps no {name} in {type(model).__name__}")
    return value
