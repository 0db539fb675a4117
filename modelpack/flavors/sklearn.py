"""The ``sklearn`` flavor: scikit-learn's estimators, by skops unless asked otherwise."""

import pickle
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel
from modelpack.flavors import (
    Config,
    Predict,
    SaveOptions,
    entry,
    one_of,
    pickles,
    served_method,
    skopsfile,
)
from modelpack.flavors.frameworks import framework
from modelpack.flavors.importances import Importances, of_estimator
from modelpack.schema import Table
from modelpack.trust import Trust

NAME = "sklearn"
FILES = {"skops": "model.skops", "cloudpickle": "model.pkl", "pickle": "model.pkl"}
"""Formats, and what their files are called."""

METHODS = ("predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba")
"""What ``predict_fn`` may name; MLflow's list without ``score``, which wants the answers."""

MORE_METHODS = ("decision_function", "score_samples", "transform")
"""What may be asked for by name, and ``predict_fn`` may not name."""


class SklearnFlavor:
    """Loads with MLflow's ``mlflow.sklearn``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("sklearn",)
    loader_module: ClassVar[str] = "mlflow.sklearn"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model* in the format ``skops``, ``cloudpickle`` or ``pickle``.

        A model without ``predict`` gets no ``python_function``: it can be loaded and not served.
        """
        sklearn = framework("sklearn", package="scikit-learn", extra="sklearn")
        form = one_of(options.format or "skops", FILES, "format of the sklearn flavor")
        path = into / FILES[form]
        types: tuple[str, ...] = ()
        if form == "skops":
            types = skopsfile.dump(model, path)
        elif form == "cloudpickle":
            brought = [] if options.code is None else [one.stem for one in (into / options.code).iterdir()]
            pickles.dump(model, path, left_alone=brought)
        else:
            pickles.write_with(pickle, model, path)
        own = {
            "pickled_model": path.name,
            "sklearn_version": sklearn.__version__,
            "serialization_format": form,
            "code": options.code,
            # For MLflow, which takes the model's word for it; here it is a note.
            "skops_trusted_types": list(types) or None,
        }
        if not hasattr(model, "predict"):
            return {NAME: own}
        served = {
            "loader_module": self.loader_module,
            "model_path": path.name,
            "predict_fn": "predict",
            "python_version": platform.python_version(),
            "env": dict(layout.ENVIRONMENT),
            **({"code": options.code} if options.code else {}),
        }
        return {NAME: own, PYTHON_FUNCTION: served}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The estimator. ``skops_trusted_types`` of the document are the model's wish, and not heeded."""
        form, name = _file(source)
        path = source.file(name)
        if form == "skops":
            return skopsfile.load(path, trust)
        trust.require_pickle(name)
        return pickles.load(path)

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls *method*, or what ``predict_fn`` names, with a DataFrame or an array, as it was fitted."""
        if method is None:
            name = one_of(served_method(source.document), METHODS, "predict_fn")
        else:
            name = one_of(method, (*METHODS, *MORE_METHODS), "method")
        call = getattr(model, name, None)
        if call is None:
            raise InvalidModel(f"the {type(model).__name__} has no {name}, so it cannot be served")
        as_input = _as_input(model)

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            answer = call(as_input(data))
            return answer.toarray() if hasattr(answer, "toarray") else answer

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the file names, the format's own, and pandas where the signature has columns."""
        form, name = _file(source)
        path = source.file(name)
        named = skopsfile.modules(path) | {"skops"} if form == "skops" else pickles.modules(path)
        inputs = source.signature.inputs if source.signature else None
        frames = {"pandas"} if inputs is not None and not inputs.is_tensor else set()
        return named | frames | {"sklearn", "numpy"} | ({"cloudpickle"} if form == "cloudpickle" else set())

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle``, or the types that skops would have to be allowed; ``code`` when modules come along."""
        form, name = _file(source)
        code = ["code"] if _entries(source).get("code") or source.document.python_function.get("code") else []
        return (*(skopsfile.needs(source.file(name)) if form == "skops" else ["pickle"]), *code)

    def importances(self, model: Any, source: ModelDirectory) -> tuple[Importances, ...]:
        """``feature_importances_``, or ``coef_`` for each class."""
        return of_estimator(model, source)


FLAVOR = SklearnFlavor()


def _entries(source: ModelDirectory) -> Mapping[str, Any]:
    return source.document.flavors.get(NAME, {})


def _file(source: ModelDirectory) -> tuple[str, str]:
    own = _entries(source)
    # As MLflow reads it: no format means pickle, and without an entry of its own the one that is served.
    form = one_of(entry(own, "serialization_format", str, "pickle"), FILES, "serialization_format")
    served = source.document.python_function
    # What is served is called data since before MLflow 1.
    names = (entry(own, "pickled_model", str), entry(served, "model_path", str), entry(served, "data", str))
    name = next((one for one in names if one), None)
    if name is None:
        raise InvalidModel("MLmodel names no file for the model (pickled_model)")
    return form, name


def _as_input(model: Any) -> Callable[[Any], Any]:
    """How a Table becomes what *model* was fitted with; anything else passes."""
    wants_names = hasattr(model, "feature_names_in_")
    wants_texts = _first_step(model).startswith("sklearn.feature_extraction.text.")

    def convert(data: Any) -> Any:
        if not isinstance(data, Table):
            return data
        if wants_texts and len(data.columns) == 1:
            return next(iter(data.columns.values()))
        if wants_names:
            return data.frame()
        if all(column.dtype.kind in "biuf" for column in data.columns.values()):
            return data.matrix()
        return np.asarray(data.frame().to_numpy(dtype=object))

    return convert


def _first_step(model: Any) -> str:
    while (steps := getattr(model, "steps", None)) and isinstance(steps, list):
        model = steps[0][1]
    return f"{type(model).__module__}.{type(model).__qualname__}"
