"""The ``python`` flavor: a function, or an object with ``predict``; MLflow's own ``pyfunc`` models too."""

import inspect
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel
from modelpack.files import inside
from modelpack.flavors import Config, Predict, SaveOptions, entry, lent, one_of, pickles, portable
from modelpack.flavors.frameworks import framework
from modelpack.schema import Table
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
        pickles.dump(_shaped(model), into / FILE, by_value=_code_of(model), left_alone=brought)
        return {
            PYTHON_FUNCTION: {
                "loader_module": self.loader_module,
                "python_model": FILE,
                "cloudpickle_version": cloudpickle.__version__,
                "python_version": platform.python_version(),
                "env": dict(layout.ENVIRONMENT),
                "code": options.code,
                "streamable": False,
            }
        }

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """What was saved: a function, an object, or MLflow's ``PythonModel``, its context loaded."""
        return _native(self._read(source, trust))

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls the model with a DataFrame for columns, arrays for tensors, else what came.

        The only *method* is ``predict``.
        """
        one_of(method or "predict", ["predict"], "method")
        shaped = _shaped(model)
        context = _context(source)
        takes_params, takes_context = _parameters(shaped.predict)
        wants_list = source.document.is_signature_from_type_hint

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            given = {"params": dict(params)} if takes_params else {}
            value = _as_input(data, wants_list=wants_list)
            return (
                shaped.predict(context, value, **given) if takes_context else shaped.predict(value, **given)
            )

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the pickle names, and pandas where the signature has columns."""
        name, compression = _file(source)
        inputs = source.signature.inputs if source.signature else None
        frames = {"pandas"} if inputs is not None and not inputs.is_tensor else set()
        return pickles.modules(source.file(name), compression) | frames

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle``, and ``code`` when modules come along."""
        return ("pickle", *(["code"] if entry(source.document.python_function, "code", str) else []))

    def _read(self, source: ModelDirectory, trust: Trust) -> Any:
        name, compression = _file(source)
        path = source.file(name)
        trust.require_pickle(name)
        model = pickles.load(path, compression)
        if not callable(getattr(model, "predict", None)):
            raise InvalidModel(f"{name} holds a {type(model).__qualname__}, which has no predict")
        load = getattr(model, "load_context", None)
        if load is not None:
            load(_context(source))
        return model


FLAVOR = PythonFlavor()


def _file(source: ModelDirectory) -> tuple[str, str | None]:
    config = source.document.python_function
    name = entry(config, "python_model", str)
    if name is None:
        raise InvalidModel("MLmodel names no python_model; this model was not saved as one object")
    return name, entry(config, "python_model_compression", str)


def _context(source: ModelDirectory) -> lent.Context:
    config = source.document.python_function
    artifacts = {}
    for name, place in entry(config, "artifacts", dict, {}).items():
        path = place.get("path") if isinstance(place, dict) else None
        if not isinstance(path, str):
            raise InvalidModel(f"the artifact {name!r} in MLmodel has no path")
        artifacts[name] = str(inside(source.path, path))
    return lent.Context(artifacts, entry(config, "config", dict, {}))


def _shaped(model: Any) -> Any:
    """*model* in the shape that MLflow calls: itself if it has it, else inside a PortableModel."""
    if any(class_.__module__ in _SHAPES for class_ in type(model).__mro__):
        return model
    predict = getattr(model, "predict", None)
    is_function = not callable(predict)
    takes_params, takes_context = _parameters(model if is_function else predict)
    return portable.PortableModel(
        model, is_function=is_function, takes_context=takes_context, takes_params=takes_params
    )


_SHAPES = ("mlflow.pyfunc.model", lent.__name__, portable.__name__)


def _native(model: Any) -> Any:
    # Its class came out of the file: it bears the name of ours, and is another.
    return model.model if type(model).__module__ == portable.__name__ else model


def _parameters(call: Any) -> tuple[bool, bool]:
    """Whether *call* has parameters named ``params`` and ``context``."""
    try:
        names = inspect.signature(call).parameters
    except (ValueError, TypeError):
        # Compiled code that does not say: the input alone.
        return False, False
    return "params" in names, "context" in names


def _code_of(model: Any) -> list[str]:
    """The modules whose code goes into the file: the adapter's, and the model's unless it is installed."""
    owners = {class_.__module__ for class_ in type(model).__mro__} | {getattr(model, "__module__", "")}
    return [portable.__name__, *sorted(name for name in owners if name and pickles.is_local(name))]


def _as_input(data: Any, *, wants_list: bool) -> Any:
    if not isinstance(data, Table):
        return data
    if wants_list and list(data.columns) == [0]:
        # list[str] as annotation: MLflow calls such a model with a list.
        return data.columns[0].tolist()
    return data.frame()
