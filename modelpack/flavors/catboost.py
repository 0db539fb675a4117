"""The ``catboost`` flavor: CatBoost's models in its own binary form (cbm) or JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import Config, Predict, SaveOptions, datafile, entry, one_of, served_method
from modelpack.flavors.frameworks import framework
from modelpack.flavors.importances import Importances, named
from modelpack.trust import Trust

NAME = "catboost"
FILE = "model.cb"
FORMATS = ("cbm", "json")
TYPES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
METHODS = ("predict", "predict_proba", "predict_log_proba")


class CatboostFlavor:
    """Loads with MLflow's ``mlflow.catboost``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("catboost",)
    loader_module: ClassVar[str] = "mlflow.catboost"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model* as ``cbm`` or ``json``. MLmodel can only name a class that is CatBoost's own."""
        catboost = _catboost()
        form = one_of(options.format or "cbm", FORMATS, "format of the catboost flavor")
        kind = one_of(type(model).__name__, TYPES, "class of CatBoost")
        path = into / FILE
        try:
            model.save_model(str(path), format=form)
        except catboost.CatBoostError as error:
            raise InvalidModel(shorten(f"CatBoost cannot write this {kind}: {error}")) from error
        own = {
            "catboost_version": catboost.__version__,
            "data": path.name,
            "model_type": kind,
            "save_format": form,
            "code": options.code,
        }
        return {NAME: own, PYTHON_FUNCTION: datafile.served(self.loader_module, path, options)}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The model; nothing has to be trusted."""
        catboost = _catboost()
        own = datafile.entries(source, NAME)
        form = one_of(entry(own, "save_format", str, "cbm"), FORMATS, "save_format")
        kind = one_of(entry(own, "model_type", str, "CatBoost"), TYPES, "model_type")
        path = source.file(datafile.data_name(source, NAME))
        model = getattr(catboost, kind)()
        try:
            model.load_model(str(path), format=form)
        except catboost.CatBoostError as error:
            raise InvalidModel(shorten(f"{path.name} is no model that CatBoost reads: {error}")) from error
        return model

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls *method* with a DataFrame or an array; params do not reach it, as in MLflow."""
        name = one_of(method or served_method(source.document), METHODS, "method")
        call = getattr(model, name, None)
        if call is None:
            raise InvalidModel(f"the {type(model).__name__} has no {name}")

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            return call(datafile.frame(data))

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """CatBoost, and pandas where the signature has columns."""
        return frozenset({"catboost", "numpy"} | datafile.frames(source))

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``code`` when modules come along."""
        return datafile.code_needs(source, NAME)

    def importances(self, model: Any, source: ModelDirectory) -> tuple[Importances, ...]:
        """How much answers change with each feature, in parts of a hundred."""
        found = model.get_feature_importance(type="PredictionValuesChange")
        names = model.feature_names_
        bare = all(name == str(place) for place, name in enumerate(names))
        return (named("change of answers, %", found, None if bare else names, source),)


FLAVOR = CatboostFlavor()


def _catboost() -> Any:
    return framework("catboost", extra="catboost")
