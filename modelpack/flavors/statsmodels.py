"""The ``statsmodels`` flavor: results of a fit, which statsmodels itself can only pickle."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import Config, Predict, SaveOptions, datafile, one_of, pickles
from modelpack.flavors.frameworks import framework
from modelpack.trust import Trust

NAME = "statsmodels"
FILE = "model.statsmodels"


class StatsmodelsFlavor:
    """Loads with MLflow's ``mlflow.statsmodels``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("statsmodels",)
    loader_module: ClassVar[str] = "mlflow.statsmodels"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model*, the results of a fit, in the only format, ``pickle``.

        The data of the fit go into the file; ``results.remove_data()`` before takes them out.
        """
        statsmodels = _statsmodels()
        one_of(options.format or "pickle", ["pickle"], "format of the statsmodels flavor")
        if not callable(getattr(model, "save", None)) or not hasattr(model, "model"):
            raise InvalidModel(
                f"{shorten(type(model).__qualname__, 80)} is not the result of a fit; save what fit() answers"
            )
        path = into / FILE
        try:
            model.save(str(path))
        except OSError:
            raise
        except Exception as error:
            raise InvalidModel(shorten(f"statsmodels cannot write this model: {error}")) from error
        own = {"statsmodels_version": statsmodels.__version__, "data": path.name, "code": options.code}
        return {NAME: own, PYTHON_FUNCTION: datafile.served(self.loader_module, path, options)}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The results of the fit, once pickles are trusted."""
        name = datafile.data_name(source, NAME)
        path = source.file(name)
        trust.require_pickle(name)
        _statsmodels()
        return pickles.load(path)

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls ``predict`` with a DataFrame or an array; for a time series one row of ``start``, ``end``."""
        one_of(method or "predict", ["predict"], "method")
        series = framework("statsmodels.tsa.base.tsa_model", extra="statsmodels").TimeSeriesModel
        is_series = isinstance(getattr(model, "model", None), series)

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            rows = datafile.frame(data)
            if not is_series:
                return model.predict(rows)
            if len(rows) != 1 or not {"start", "end"} <= set(rows):
                raise ValueError("a time series takes one row with the columns start and end")
            return model.predict(start=rows["start"].iloc[0], end=rows["end"].iloc[0])

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the pickle names, and pandas, which the results of a fit hold."""
        named = pickles.modules(source.file(datafile.data_name(source, NAME)))
        return frozenset({"statsmodels", "numpy", "pandas"} | named)

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle``, and ``code`` when modules come along."""
        return ("pickle", *datafile.code_needs(source, NAME))


FLAVOR = StatsmodelsFlavor()


def _statsmodels() -> Any:
    return framework("statsmodels", extra="statsmodels")
