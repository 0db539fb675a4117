"""How a Python model is called: its shape, its context, its input."""

from collections.abc import Mapping
from typing import Any

from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, Unsupported, shorten
from modelpack.files import inside
from modelpack.flavors import Predict, entry, lent, one_of, portable
from modelpack.schema import Table

_MLFLOW = "mlflow.pyfunc.model"
_SHAPES = (_MLFLOW, lent.__name__, portable.__name__)
_CHATS = frozenset({"ChatModel", "ChatAgent", "ResponsesAgent"})


def predictor(model: Any, source: ModelDirectory, method: str | None) -> Predict:
    """Calls *model* with a DataFrame for columns, arrays for tensors, else what came; a list where annotated.

    The only *method* is ``predict``.
    """
    one_of(method or "predict", ["predict"], "method")
    called = shaped(model)
    context = context_of(source)
    takes_params, takes_context = portable.parameters(called.predict)
    wants_list = source.document.is_signature_from_type_hint

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        given = {"params": dict(params)} if takes_params else {}
        value = portable.as_annotated(called.predict, _as_input(data, wants_list=wants_list))
        return called.predict(context, value, **given) if takes_context else called.predict(value, **given)

    return predict


def shaped(model: Any) -> Any:
    """*model* in the shape that MLflow calls: itself if it has it, else inside a PortableModel."""
    is_shaped = any(class_.__module__ in _SHAPES for class_ in type(model).__mro__)
    return model if is_shaped else portable.shaped(model)


def native(model: Any) -> Any:
    """*model* without the shape that was put around it when it was saved."""
    # Its class came out of the file: it bears the name of ours, and is another.
    return model.model if type(model).__module__ == portable.__name__ else model


def with_context(model: Any, name: str, source: ModelDirectory) -> Any:
    """*model*, which *name* held, once it has read its context.

    Raises InvalidModel for what does not predict, Unsupported for MLflow's models of chats.
    """
    for class_ in type(model).__mro__:
        if class_.__module__.startswith("mlflow.") and class_.__name__ in _CHATS:
            raise Unsupported(
                f"{shorten(name, 80)} is a {class_.__name__} of MLflow's; models of chats are not served here"
            )
    if not (callable(getattr(model, "predict", None)) or callable(model)):
        raise InvalidModel(f"{shorten(name, 80)} holds a {type(model).__qualname__}, which has no predict")
    if (load := getattr(model, "load_context", None)) is not None:
        load(context_of(source))
    return model


def context_of(source: ModelDirectory) -> lent.Context:
    """The paths of the artifacts, and the settings, that the document names. Raises InvalidModel."""
    config = source.document.python_function
    artifacts = {}
    for name, place in entry(config, "artifacts", dict, {}).items():
        path = place.get("path") if isinstance(place, dict) else None
        if not isinstance(path, str):
            raise InvalidModel(f"the artifact {name!r} in MLmodel has no path")
        artifacts[name] = str(inside(source.path, path))
    return lent.Context(artifacts, entry(config, "config", dict, {}))


def _as_input(data: Any, *, wants_list: bool) -> Any:
    if not isinstance(data, Table):
        return data
    if wants_list and list(data.columns) == [0]:
        # list[str] as annotation: MLflow calls such a model with a list.
        return data.columns[0].tolist()
    return data.frame()
