"""The ``python`` flavor: a function, or an object with ``predict``; MLflow's own ``pyfunc`` models too."""

import platform
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel
from modelpack.flavors import (
    Config,
    Predict,
    SaveOptions,
    calling,
    datafile,
    entry,
    one_of,
    pickles,
    portable,
)
from modelpack.flavors.frameworks import framework
from modelpack.trust import Trust

FILE = "python_model.pkl"


class PythonFlavor:
    """Loads with MLflow's ``mlflow.pyfunc.model``; the file carries all but the libraries of the model."""

    packages: ClassVar[tuple[str, ...]] = ()
    loader_module: ClassVar[str] = "mlflow.pyfunc.model"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model*; the only format is ``cloudpickle``."""
        one_of(options.format or "cloudpickle", ["cloudpickle"], "format of the python flavor")
        cloudpickle = framework("cloudpickle", extra="sklearn")
        brought = [] if options.code is None else [path.stem for path in (into / options.code).iterdir()]
        pickles.dump(calling.shaped(model), into / FILE, by_value=_code_of(model), left_alone=brought)
        return {
            PYTHON_FUNCTION: {
                "loader_module": self.loader_module,
                "python_model": FILE,
                "cloudpickle_version": cloudpickle.__version__,
                "python_version": platform.python_version(),
                "env": dict(layout.ENVIRONMENT),
                "code": options.code,
                "streamable": False,
                **options.context,
            }
        }

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """What was saved: a function, an object, or MLflow's ``PythonModel``, its context loaded."""
        return calling.native(self._read(source, trust))

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls the model with a DataFrame for columns, arrays for tensors, else what came.

        The only *method* is ``predict``.
        """
        return calling.predictor(model, source, method)

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the pickle names, and pandas where the signature has columns."""
        name, compression = _file(source)
        return pickles.modules(source.file(name), compression) | datafile.frames(source)

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle``, and ``code`` when modules come along."""
        return ("pickle", *(["code"] if entry(source.document.python_function, "code", str) else []))

    def _read(self, source: ModelDirectory, trust: Trust) -> Any:
        name, compression = _file(source)
        path = source.file(name)
        trust.require_pickle(name)
        return calling.with_context(pickles.load(path, compression), name, source)


FLAVOR = PythonFlavor()


def _file(source: ModelDirectory) -> tuple[str, str | None]:
    config = source.document.python_function
    name = entry(config, "python_model", str)
    if name is None:
        raise InvalidModel("MLmodel names no python_model; this model was not saved as one object")
    return name, entry(config, "python_model_compression", str)


def _code_of(model: Any) -> list[str]:
    """The modules whose code goes into the file: the adapter's, and the model's unless it is installed."""
    owners = {class_.__module__ for class_ in type(model).__mro__} | {getattr(model, "__module__", "")}
    return [portable.__name__, *sorted(name for name in owners if name and pickles.is_local(name))]
