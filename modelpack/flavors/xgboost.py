"""The ``xgboost`` flavor: boosters and scikit-learn estimators, in XGBoost's own UBJSON or JSON."""

import math
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import Config, Predict, SaveOptions, datafile, entry, one_of, served_method
from modelpack.flavors.audit import boosters
from modelpack.flavors.frameworks import framework
from modelpack.flavors.importances import Importances, named
from modelpack.trust import Trust

NAME = "xgboost"
FORMATS = ("ubj", "json")
METHODS = ("predict", "predict_proba")

_BOOSTER = "xgboost.core.Booster"
_KNOWN = frozenset(
    {
        _BOOSTER,
        *(
            f"xgboost.sklearn.{name}"
            for name in (
                "XGBClassifier",
                "XGBModel",
                "XGBRFClassifier",
                "XGBRFRegressor",
                "XGBRanker",
                "XGBRegressor",
            )
        ),
    }
)


class XgboostFlavor:
    """Loads with MLflow's ``mlflow.xgboost``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("xgboost",)
    loader_module: ClassVar[str] = "mlflow.xgboost"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model*, a ``Booster`` or an estimator, in the format ``ubj`` or ``json``."""
        xgboost = _xgboost()
        form = one_of(options.format or "ubj", FORMATS, "format of the xgboost flavor")
        _check_kept(model)
        path = into / f"model.{form}"
        try:
            model.save_model(path)
        except OSError:
            raise
        except Exception as error:
            raise InvalidModel(
                shorten(f"XGBoost cannot write this {type(model).__qualname__}: {_first_line(error)}")
            ) from error
        own = {
            "xgb_version": xgboost.__version__,
            "data": path.name,
            "model_class": datafile.full_name(type(model)),
            "model_format": form,
            "code": options.code,
        }
        return {NAME: own, PYTHON_FUNCTION: datafile.served(self.loader_module, path, options)}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The booster or the estimator; no trust is asked but for classes that are not XGBoost's."""
        xgboost = _xgboost()
        name = _class_name(source)
        # Without scikit-learn there are no estimators, and XGBModel is still a class.
        bases = (xgboost.Booster, xgboost.XGBModel)
        class_ = datafile.class_named(name, known=_KNOWN, bases=bases, trust=trust)
        path = source.file(datafile.data_name(source, NAME))
        content = path.read_bytes()
        boosters.check_xgboost(content)
        model = class_()
        try:
            # From memory XGBoost looks at the content; of a file it would believe the name.
            model.load_model(bytearray(content))
        except OSError:
            raise
        except Exception as error:
            raise InvalidModel(
                shorten(
                    f"{path.name} is no model that XGBoost {xgboost.__version__} reads: {_first_line(error)}"
                )
            ) from error
        return model

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls *method* with a DataFrame or an array. Params reach it where it has one of that name."""
        name = one_of(method or served_method(source.document), METHODS, "method")
        call = getattr(model, name, None)
        if call is None:
            raise InvalidModel(f"the {type(model).__name__} has no {name}")
        taken = frozenset(signature(call).parameters) - {"X", "data"}
        if not hasattr(model, "get_booster"):
            return _asking(model, taken)

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            known = {key: value for key, value in params.items() if key in taken}
            return call(datafile.frame(data, words=True), **known)

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """XGBoost, scikit-learn for an estimator, and pandas where the signature has columns."""
        name = _class_name(source)
        estimator = set() if name == _BOOSTER else {"sklearn", name.rpartition(".")[0]}
        return frozenset({"xgboost", "numpy"} | estimator | datafile.frames(source))

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """The class, where it is not XGBoost's; ``code`` when modules come along."""
        name = _class_name(source)
        return (*([] if name in _KNOWN else [name]), *datafile.code_needs(source, NAME))

    def importances(self, model: Any, source: ModelDirectory) -> tuple[Importances, ...]:
        """What splits by each feature have gained on average; of linear boosters, the coefficients."""
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
        xgboost = _xgboost()
        try:
            # What no split uses is not among them.
            found = booster.get_score(importance_type="gain")
        except xgboost.core.XGBoostError:
            found = booster.get_score(importance_type="weight")
            lists = [value if isinstance(value, list) else [value] for value in found.values()]
            groups = list(zip(*lists, strict=True))
            many = len(groups) > 1
            return tuple(
                named("coefficient", values, list(found), source, group=f"answer {place}" if many else "")
                for place, values in enumerate(groups)
            )
        gains = [found.get(name, 0.0) for name in names]
        return (named("gain", gains, booster.feature_names, source),)


FLAVOR = XgboostFlavor()


def _xgboost() -> Any:
    return framework("xgboost", package="xgboost-cpu", extra="xgboost")


def _class_name(source: ModelDirectory) -> str:
    # Before MLflow 1.22 there were boosters alone.
    name: str = entry(datafile.entries(source, NAME), "model_class", str, _BOOSTER)
    return name


def _check_kept(model: Any) -> None:
    """Refuse what the file would not keep, and the model would answer otherwise once it is loaded."""
    if not hasattr(model, "get_booster"):
        return
    missing = model.get_params().get("missing", math.nan)
    if missing is not None and not math.isnan(missing):
        raise InvalidModel(
            f"XGBoost's files do not keep missing={missing!r}, so the loaded model would answer otherwise; "
            "fit it on data whose missing values are NaN"
        )


def _asking(booster: Any, taken: frozenset[str]) -> Predict:
    xgboost = _xgboost()

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        known = {key: value for key, value in params.items() if key in taken}
        return booster.predict(_rows(xgboost, booster, datafile.frame(data, words=True)), **known)

    return predict


def _rows(xgboost: Any, booster: Any, data: Any) -> Any:
    if hasattr(data, "columns"):
        return xgboost.DMatrix(data, enable_categorical="c" in (booster.feature_types or ()))
    # An array has no names: its columns are the booster's, in order.
    names, types = booster.feature_names, booster.feature_types
    return xgboost.DMatrix(data, feature_names=names, feature_types=types)


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    # XGBoost puts the time before what it says, and a stack trace behind it.
    return lines[0].partition("] ")[2] or lines[0] if lines else type(error).__name__
