"""The ``pytorch`` flavor: modules of torch, as exported programs, as weights of a class, or pickled."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, Untrusted, shorten
from modelpack.files import inside
from modelpack.flavors import Config, Predict, SaveOptions, datafile, entry, one_of, torchfile
from modelpack.flavors.audit import exported
from modelpack.schema import Schema, Table
from modelpack.trust import Trust

NAME = "pytorch"
FORMATS = ("pt2", "state_dict", "pickle")
"""An exported program; the weights, and the name of the class; the whole module."""

FOLDER = "data"
FILES = {"pt2": "model.pt2", "state_dict": "state_dict.pth", "pickle": "model.pth"}


class TorchFlavor:
    """Loads with MLflow's ``mlflow.pytorch``, entry by entry as MLflow 3.17 writes it; but for weights."""

    packages: ClassVar[tuple[str, ...]] = ("torch",)
    loader_module: ClassVar[str] = "mlflow.pytorch"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write *model*, a ``Module``, or a program that is exported already.

        The format is ``pt2``, for which the example is needed; ``state_dict``, for which the class must be
        made anew by the arguments in ``model_config``; or ``pickle``.
        """
        torch = torchfile.load_torch()
        form = one_of(options.format or FORMATS[0], FORMATS, "format of the pytorch flavor")
        arguments = options.context.get("config", {})
        if arguments and form != "state_dict":
            raise InvalidModel(
                "model_config of a module is what its class is made with, for format='state_dict'"
            )
        if not isinstance(model, torch.nn.Module | torch.export.ExportedProgram):
            raise InvalidModel(f"the pytorch flavor saves a Module, not a {type(model).__qualname__}")
        folder = into / FOLDER
        folder.mkdir()
        path = folder / FILES[form]
        own: dict[str, Any] = {"model_data": FOLDER, "model_file": f"{FOLDER}/{path.name}"}
        with torchfile.evaluated(model):
            if form == "pt2":
                _write_program(torch, model, path, options)
            elif form == "state_dict":
                own |= {"model_class": datafile.full_name(type(model)), "arguments": dict(arguments)}
                torchfile.write_weights(torch, model, path, arguments, own["model_class"])
            else:
                torchfile.write_pickle(torch, model, path)
        own |= {"pytorch_version": str(torch.__version__), "code": options.code}
        served = {
            "loader_module": self.loader_module,
            "data": FOLDER,
            "pickle_module_name": torchfile.PICKLER,
            "python_version": platform.python_version(),
            "env": dict(layout.ENVIRONMENT),
            "code": options.code,
            "config": {"device": None},
        }
        return {NAME: own, PYTHON_FUNCTION: served}

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The module, ready to answer: of an exported program the module of its graph.

        Raises Untrusted for a pickle, for a class that *trust* does not name, and for a program that holds
        more than tensors and operations on them.
        """
        path = _file(source)
        if path.suffix == ".pt2":
            return torchfile.read_program(path, trust)
        if path.name == FILES["state_dict"]:
            class_ = _class(source, trust)
            arguments = entry(datafile.entries(source, NAME), "arguments", dict, {})
            return torchfile.read_weights(path, class_, arguments)
        trust.require_pickle(path.name)
        return torchfile.read_pickle(path)

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls the module with a tensor: of an array, or of the columns as float32; with named ones by name.

        Answers an array; a DataFrame for columns, where the answer is one or two deep; a mapping of arrays
        for a module that answers several. Params are the module's own arguments.
        """
        one_of(method or "predict", ["predict"], "method")
        torch = torchfile.load_torch()
        called = model.module() if isinstance(model, torch.export.ExportedProgram) else model

        def predict(data: Any, params: Mapping[str, Any]) -> Any:
            args, named = _tensors(torch, data)
            with torch.inference_mode(), torchfile.evaluated(called):
                answer = called(*args, **named, **params)
            return _answered(torch, answer, data)

        return predict

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """torch, pandas where the signature has columns, and the modules that a pickle names."""
        path = _file(source)
        named = torchfile.named(path) if path.suffix != ".pt2" else frozenset()
        return frozenset({"torch", "numpy"}) | named | datafile.frames(source)

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``pickle`` for a pickle, the class for weights, and ``code`` when modules come along."""
        path = _file(source)
        code = datafile.code_needs(source, NAME)
        if path.suffix == ".pt2":
            try:
                exported.check(path)
            except Untrusted:
                return ("pickle", *code)
            return code
        if path.name == FILES["state_dict"]:
            name = _class_name(source)
            return code if _is_brought(name, source) else (name, *code)
        return ("pickle", *code)


FLAVOR = TorchFlavor()


def _file(source: ModelDirectory) -> Path:
    """The file that holds the model. MLflow names the folder alone."""
    own = datafile.entries(source, NAME)
    name = entry(own, "model_data", str) or entry(source.document.python_function, "data", str)
    if name is None:
        raise InvalidModel("MLmodel names no folder for the model (model_data of the pytorch flavor)")
    if not inside(source.path, name).is_dir():
        return source.file(name)
    known = [f"{name}/{FILES[form]}" for form in ("pickle", "pt2", "state_dict")]
    found = [one for one in known if inside(source.path, one).is_file()]
    if len(found) != 1:
        raise InvalidModel(f"the folder {shorten(name, 60)} of the model holds none, or several, of {known}")
    return source.file(found[0])


def _write_program(torch: Any, model: Any, path: Path, options: SaveOptions) -> None:
    if isinstance(model, torch.jit.ScriptModule):
        raise InvalidModel(
            "a ScriptModule cannot be exported; save it with format='pickle', or the Module itself"
        )
    with torchfile.quietly():
        if isinstance(model, torch.nn.Module):
            model = _exported(torch, model, options)
        torch.export.save(model, path)


def _exported(torch: Any, model: Any, options: SaveOptions) -> Any:
    if options.example is None or options.inputs is None:
        raise InvalidModel(
            "a module is exported by running it once: give input_example, or save it with "
            "format='state_dict' or format='pickle'"
        )
    args, named = _tensors(torch, _repeated(options.example, options.inputs))
    shapes = _shapes(torch, options.inputs)
    try:
        return torch.export.export(model, args, kwargs=named, dynamic_shapes=shapes)
    except Exception as error:
        why = shorten(f"{type(error).__name__}: {error}", 160)
        raise InvalidModel(
            f"the module cannot be exported ({why}); save it with format='state_dict' or format='pickle'"
        ) from error


def _repeated(example: Any, inputs: Schema) -> Any:
    """*example* with two rows at least: a single one would be taken for the only number there is."""
    if isinstance(example, Table):
        return example.matrix().astype(np.float32)[[0, 0]] if example.rows == 1 else example
    if isinstance(example, Mapping):
        free = {spec.name: spec.shape[:1] == (-1,) for spec in inputs.tensors}
        return {name: _twice(array, free.get(name, False)) for name, array in example.items()}
    return _twice(example, not inputs.is_tensor or inputs.tensors[0].shape[:1] == (-1,))


def _twice(array: Any, is_free: bool) -> Any:
    return np.concatenate([array, array]) if is_free and len(array) == 1 else array


def _shapes(torch: Any, inputs: Schema) -> Any:
    """Which sides of the arguments are free: the number of rows for sure, others where the module lets."""
    rows, any_ = torch.export.Dim.DYNAMIC, torch.export.Dim.AUTO
    if not inputs.is_tensor:
        return ({0: rows},)
    free = [
        {axis: any_ if axis else rows for axis, side in enumerate(spec.shape) if side == -1}
        for spec in inputs.tensors
    ]
    names = [spec.name for spec in inputs.tensors]
    return (free[0],) if names == [None] else dict(zip(names, free, strict=True))


def _class(source: ModelDirectory, trust: Trust) -> Any:
    """The class that the weights are for."""
    name = _class_name(source)
    known = frozenset({name} if _is_brought(name, source) else ())
    bases = (torchfile.load_torch().nn.Module,)
    return datafile.class_named(name, known=known, bases=bases, trust=trust)


def _class_name(source: ModelDirectory) -> str:
    name = entry(datafile.entries(source, NAME), "model_class", str)
    if name is None:
        raise InvalidModel("MLmodel names no class for the weights (model_class of the pytorch flavor)")
    return str(name)


def _is_brought(name: str, source: ModelDirectory) -> bool:
    """Whether the module of the class *name* comes along, and *code* is what has to be trusted."""
    folder = entry(datafile.entries(source, NAME), "code", str)
    top = name.partition(".")[0]
    return folder is not None and any(
        inside(source.path, f"{folder}/{one}").exists() for one in (top, f"{top}.py") if one
    )


def _tensors(torch: Any, data: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """*data* as the arguments of a module, by place and by name."""
    if isinstance(data, Table):
        # Column by column in memory, as a DataFrame gives them to MLflow: sums come out in the same last bit.
        return (torch.from_numpy(np.asfortranarray(data.matrix(), dtype=np.float32)),), {}
    if isinstance(data, Mapping):
        return (), {str(name): _tensor(torch, array) for name, array in data.items()}
    return (_tensor(torch, data),), {}


def _tensor(torch: Any, array: Any) -> Any:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise ValueError("a module takes arrays of numbers, or columns of them")
    # Not one that somebody else may not write to: torch cannot keep that promise, and warns.
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _answered(torch: Any, answer: Any, data: Any) -> Any:
    if isinstance(answer, Mapping):
        return {str(name): _array(torch, one) for name, one in answer.items()}
    if isinstance(answer, tuple | list):
        return {f"output_{place}": _array(torch, one) for place, one in enumerate(answer)}
    array = _array(torch, answer)
    if not isinstance(data, Table) or array.ndim not in (1, 2) or len(array) != data.rows:
        return array
    columns = array.reshape(data.rows, -1)
    return Table({place: columns[:, place] for place in range(columns.shape[1])}, data.rows).frame()


def _array(torch: Any, answer: Any) -> np.ndarray:
    if not isinstance(answer, torch.Tensor):
        raise TypeError(f"the module answers a {type(answer).__name__}, and no tensor")
    found = answer.detach().cpu()
    array: np.ndarray = (found.float() if found.dtype == torch.bfloat16 else found).numpy()
    return array
