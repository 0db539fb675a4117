"""The ``lightgbm`` flavor: boosters in LightGBM's own text, scikit-learn estimators by skops around it."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import (
    Config,
    Predict,
    SaveOptions,
    datafile,
    entry,
    one_of,
    pickles,
    served_method,
    skopsfile,
)
from modelpack.flavors.audit import boosters
from modelpack.flavors.frameworks import framework
from modelpack.flavors.importances import Importances, named
from modelpack.trust import Trust

NAME = "lightgbm"
FILES = {"skops": "model.skops", "cloudpickle": "model.pkl", "pickle": "model.pkl"}
"""Formats of an estimator, and what their files are called."""

METHODS = ("predict", "predict_proba")

_BOOSTER = "lightgbm.basic.Booster"


class LightgbmFlavor:
    """Loads with MLflow's ``mlflow.lightgbm``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("lightgbm",)
    loader_module: ClassVar[str] = "mlflow.lightgbm"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write a ``Booster`` as ``text``, an estimator by ``skops``, ``cloudpickle`` or ``pickle``."""
        lightgbm = _lightgbm()
        if isinstance(model, lightgbm.Booster):
            one_of(options.format or "text", ["text"], "format of a lightgbm Booster")
            path = into / "model.lgb"
            model.save_model(path)
            form, types = None, None
        else:
            form = one_of(options.format or "skops", FILES, "format of a lightgbm estimator")
            path = into / FILES[form]
            types = _write(model, path, form, into, options)
        own = {
            "lgb_version": lightgbm.__version__,
            "data": path.name,
            "model_class": datafile.full_name(type(model)),
            "serialization_format": form,
            # For MLflow, which takes the model's word for it; here it is a note.
            "skops_trusted_types": types,
            "code": options.code,
        }
        return {NAME: own, PYTHON_FUNCTION: datafile.served(self.loader_module, path, options)}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The booster or the estimator. Only a pickle, as MLflow may have written one, asks for trust."""
        lightgbm = _lightgbm()
        name = datafile.data_name(source, NAME)
        path = source.file(name)
        form = _form(source)
        if form == "skops":
            return skopsfile.load(path, trust)
        if form != "text":
            trust.require_pickle(name)
            return pickles.load(path)
        boosters.check_lightgbm(path.read_bytes())
        try:
            return lightgbm.Booster(model_file=path)
        except lightgbm.basic.LightGBMError as error:
            raise InvalidModel(shorten(f"{path.name} is no model that LightGBM reads: {error}")) from error

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls *method* with a DataFrame or an array; params do not reach it, as in MLflow."""
        name = one_of(method or served_method(source.document), METHODS, "method")
        call = getattr(model, name, None)
        if call is None:
            raise InvalidModel(f"the {type(model).__name__} has no {name}")

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            return call(datafile.frame(data, words=True))

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """LightGBM, what an estimator's file names, and pandas where the signature has columns."""
        found = {"lightgbm", "numpy"} | datafile.frames(source)
        form = _form(source)
        if form == "text":
            return frozenset(found)
        path = source.file(datafile.data_name(source, NAME))
        if form == "skops":
            return frozenset(found | skopsfile.modules(path) | {"sklearn", "skops"})
        own = {"cloudpickle"} if form == "cloudpickle" else set()
        return frozenset(found | pickles.modules(path) | {"sklearn"} | own)

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle``, or types that skops would have to be allowed; ``code`` when modules come along."""
        form = _form(source)
        code = datafile.code_needs(source, NAME)
        if form == "text":
            return code
        if form != "skops":
            return ("pickle", *code)
        return (*skopsfile.needs(source.file(datafile.data_name(source, NAME))), *code)

    def importances(self, model: Any, source: ModelDirectory) -> tuple[Importances, ...]:
        """What splits by each feature have gained in all."""
        booster = getattr(model, "booster_", model)
        gains, names = booster.feature_importance(importance_type="gain"), booster.feature_name()
        # Its own names for what has none.
        bare = all(name == f"Column_{place}" for place, name in enumerate(names))
        return (named("total gain", gains, None if bare else names, source),)


FLAVOR = LightgbmFlavor()


def _lightgbm() -> Any:
    return framework("lightgbm", extra="lightgbm")


def _form(source: ModelDirectory) -> str:
    """``text``, ``skops`` or a kind of pickle, by MLflow's own rules."""
    own = datafile.entries(source, NAME)
    # Before MLflow 1.23 there were boosters alone, and before 3.10 estimators were pickled.
    if entry(own, "model_class", str, _BOOSTER) == _BOOSTER:
        return "text"
    return one_of(entry(own, "serialization_format", str, "cloudpickle"), FILES, "serialization_format")


def _write(model: Any, path: Path, form: str, into: Path, options: SaveOptions) -> list[str] | None:
    """Write an estimator; answers the types that a reader with skops' own list must be told to trust."""
    if form == "skops":
        return list(skopsfile.dump(model, path))
    if form == "cloudpickle":
        brought = [] if options.code is None else [one.stem for one in (into / options.code).iterdir()]
        pickles.dump(model, path, left_alone=brought)
    else:
        pickles.write_with(pickle, model, path)
    return None
