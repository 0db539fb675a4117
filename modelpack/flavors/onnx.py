"""The ``onnx`` flavor: a bare ONNX model, run by onnxruntime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import Config, Predict, SaveOptions, datafile, entry, one_of
from modelpack.flavors.audit import onnxfile
from modelpack.flavors.frameworks import framework
from modelpack.schema import Table
from modelpack.trust import Trust

NAME = "onnx"
FORMATS = ("onnx", "external")
"""One file, or the numbers in a second one beside it."""

DATA = f"{layout.ONNX}.data"

_CPU = "CPUExecutionProvider"

_DTYPES = {
    f"tensor({name})": np.dtype(dtype)
    for name, dtype in {
        "bool": np.bool_,
        "double": np.float64,
        "float": np.float32,
        "float16": np.float16,
        "int16": np.int16,
        "int32": np.int32,
        "int64": np.int64,
        "int8": np.int8,
        "string": np.object_,
        "uint16": np.uint16,
        "uint32": np.uint32,
        "uint64": np.uint64,
        "uint8": np.uint8,
    }.items()
}


class OnnxFlavor:
    """Loads with MLflow's ``mlflow.onnx``, entry by entry as MLflow 3.17 writes it."""

    packages: ClassVar[tuple[str, ...]] = ("onnx",)
    loader_module: ClassVar[str] = "mlflow.onnx"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model*, a ``ModelProto`` with all its numbers, and check it.

        The format is ``onnx``, one file, or ``external``, which models of 2 GiB and more are written in.
        """
        onnx = _onnx()
        form = one_of(options.format or "onnx", FORMATS, "format of the onnx flavor")
        if not isinstance(model, onnx.ModelProto):
            raise InvalidModel(f"the onnx flavor saves a ModelProto, not a {type(model).__qualname__}")
        if next(onnxfile.external(model), None) is not None:
            raise InvalidModel("the model's numbers are in files that it only names; read it with onnx.load")
        path = into / layout.ONNX
        _write(onnx, model, path, is_external=form == "external" or model.ByteSize() > onnxfile.LARGEST)
        try:
            onnx.checker.check_model(str(path))
        except onnx.checker.ValidationError as error:
            raise InvalidModel(shorten(f"the model is no valid ONNX: {error}")) from error
        own = {
            "onnx_version": onnx.__version__,
            "data": path.name,
            "providers": [_CPU],
            "onnx_session_options": None,
            "code": options.code,
        }
        return {NAME: own, PYTHON_FUNCTION: datafile.served(self.loader_module, path, options)}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The ``ModelProto``, once a child process has opened the file, unless *trust* allows any code."""
        onnx = _onnx()
        path = source.file(datafile.data_name(source, NAME))
        onnxfile.check(onnx, path, source)
        if not (trust.pickle or trust.code):
            _runtime()
            onnxfile.survive(path)
        return onnx.load_model(str(path))

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Feeds an array to the only input, a DataFrame's columns or a mapping to the inputs of their names.

        Answers a mapping of arrays by output; for columns a DataFrame, where each output is one value a row.
        """
        one_of(method or "predict", ["predict"], "method")
        session = _session(source)
        inputs = {one.name: one for one in session.get_inputs()}
        outputs = [one.name for one in session.get_outputs()]

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            given = _as_table(data)
            answers = dict(zip(outputs, session.run(outputs, _feeds(inputs, given)), strict=True))
            return _framed(answers, given.rows) if isinstance(given, Table) else answers

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """ONNX and its runtime, and pandas where the signature has columns."""
        return frozenset({"onnx", "onnxruntime", "numpy"} | datafile.frames(source))

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``code`` when modules come along."""
        return datafile.code_needs(source, NAME)


FLAVOR = OnnxFlavor()


def _onnx() -> Any:
    return framework("onnx", extra="onnx")


def _runtime() -> Any:
    return framework("onnxruntime", extra="onnx")


def _write(onnx: Any, model: Any, path: Path, *, is_external: bool) -> None:
    if not is_external:
        onnx.save_model(model, str(path))
        return
    onnx.save_model(
        model,
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=DATA,
        size_threshold=0,
    )
    # Writing has taken the numbers out of the caller's model.
    onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    for tensor in onnxfile.tensors(model):
        tensor.ClearField("data_location")
        tensor.ClearField("external_data")


def _session(source: ModelDirectory) -> Any:
    onnxruntime = _runtime()
    options = onnxruntime.SessionOptions()
    # Threads that wait by spinning take the processor from the server's other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    wanted = entry(datafile.entries(source, NAME), "providers", list, [])
    # By name alone: a provider's own options name files to write.
    names = [one[0] if isinstance(one, list) and one else one for one in wanted]
    providers = [one for one in onnxruntime.get_available_providers() if one in names and one != _CPU]
    path = source.file(datafile.data_name(source, NAME))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[*providers, _CPU])
    except Exception as error:
        raise InvalidModel(f"onnxruntime refuses the model: {shorten(str(error), 200)}") from error


def _as_table(data: Any) -> Any:
    """A DataFrame, which a model without a signature gets as it is, as a Table; anything else passes."""
    if isinstance(data, Table) or not hasattr(data, "columns"):
        return data
    return Table({name: data[name].to_numpy() for name in data.columns}, len(data))


def _feeds(inputs: Mapping[str, Any], data: Any) -> dict[str, np.ndarray]:
    """*data* by the names of the *inputs*, in their dtypes. Raises ValueError for what is no such input."""
    given: Mapping[str, Any]
    if isinstance(data, Table) and len(inputs) > 1:
        given = {name: _column(data, name, one) for name, one in inputs.items()}
    elif isinstance(data, Mapping):
        given = data
    elif len(inputs) == 1:
        given = {next(iter(inputs)): _matrix(data) if isinstance(data, Table) else data}
    else:
        raise ValueError(f"the model has the inputs {', '.join(inputs)}; one array cannot be all of them")
    unknown = [name for name in given if name not in inputs]
    if unknown:
        raise ValueError(f"the model has no input {unknown[0]!r}, but {', '.join(inputs)}")
    return {name: _cast(name, values, inputs[name].type) for name, values in given.items()}


def _column(table: Table, name: str, one: Any) -> np.ndarray:
    if name not in table.columns:
        raise ValueError(f"no column {name!r}, which is an input of the model")
    column = table.columns[name]
    if column.dtype == object and len(column) and isinstance(column[0], list | np.ndarray):
        column = np.stack(list(column))
    return column.reshape(-1, 1) if column.ndim == 1 and len(one.shape) == 2 else column


def _matrix(table: Table) -> np.ndarray:
    if all(column.dtype.kind in "biuf" for column in table.columns.values()):
        return table.matrix()
    return np.stack([column.astype(object) for column in table.columns.values()], axis=1)


def _cast(name: str, values: Any, kind: str) -> np.ndarray:
    wanted = _DTYPES.get(kind)
    array = np.asarray(values)
    if wanted is None or array.dtype == wanted:
        return array
    # Bodies of JSON hold doubles, and most models take floats.
    if not np.can_cast(array.dtype, wanted, "same_kind"):
        raise ValueError(f"the input {name!r} takes {wanted}, got {array.dtype}")
    return array.astype(wanted)


def _framed(answers: dict[str, Any], rows: int) -> Any:
    columns = {name: np.asarray(values) for name, values in answers.items()}
    if all(column.size == rows for column in columns.values()):
        return Table({name: column.reshape(-1) for name, column in columns.items()}, rows).frame()
    return answers
