"""Flavors, the only things that know a framework: their table, and which one a model has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from modelpack.directory.document import Document
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, NotFound, shorten
from modelpack.plugins import Table
from modelpack.trust import Trust

Config: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What a flavor writes below ``flavors`` in MLmodel: its own entries, and those of ``python_function``."""

Predict: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""Input as ``modelpack.schema.enforce`` gives it, and params; answers what the model answers."""


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """*format* is how the model is written (None: as the flavor likes), *code* the folder of its modules."""

    format: str | None = None
    code: str | None = None


@runtime_checkable
class Flavor(Protocol):
    """Three verbs, and two answers given without running anything of the model.

    All else about a saved model is the same for every framework.
    """

    packages: ClassVar[tuple[str, ...]]
    """Top-level modules whose objects are this flavor's; the nearest owner among an object's classes wins."""

    loader_module: ClassVar[str]
    """What MLflow imports to load this flavor."""

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Write the files of *model* into the folder *into*; answers the entries that describe them."""
        ...

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """The native object. Raises Untrusted before anything runs that *trust* does not allow."""
        ...

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """What runs *model*, which ``load`` gave or ``save`` was given, on enforced input.

        *method* is the one to call; None means the one that the document names. Raises NotFound and
        InvalidModel for one that the model does not have, or that nobody may call from outside.
        """
        ...

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the files name, and that predicting by the signature needs. Runs nothing."""
        ...

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """The words of trust that loading would take: ``pickle``, ``code``, type names. Runs nothing."""
        ...


FLAVORS: Table[Flavor] = Table(
    "flavor",
    group="modelpack.flavors",
    builtins={
        name: f"modelpack.flavors.{name}:FLAVOR"
        for name in ("sklearn", "xgboost", "lightgbm", "catboost", "statsmodels", "onnx", "python")
    },
)


def detect(model: object) -> str:
    """The name of the flavor that saves *model*: the nearest owner among its classes, else ``python``.

    An estimator of a library that builds on scikit-learn belongs to that library, where it has a flavor.
    Raises InvalidModel for a thing that no flavor can run.
    """
    for class_ in type(model).__mro__:
        owner = class_.__module__.partition(".")[0]
        for name in FLAVORS:
            if owner in FLAVORS[name].packages:
                return name
    # A class has a predict too, and nothing to call it on.
    if not isinstance(model, type) and (callable(getattr(model, "predict", None)) or callable(model)):
        return "python"
    raise InvalidModel(
        f"no flavor can save {shorten(repr(type(model).__qualname__), 80)}; give an estimator, a function, "
        "or an object with a method called predict"
    )


def choose(document: Document) -> str:
    """The name of the flavor that loads what *document* describes.

    ``loader_module`` is looked up, never imported. Raises NotFound for one that no flavor answers for.
    """
    loaders = {FLAVORS[name].loader_module: name for name in FLAVORS}
    loader = document.python_function.get("loader_module")
    if loader is not None:
        if not isinstance(loader, str) or loader not in loaders:
            raise NotFound("loader module", loader, known=loaders, hint=_known())
        return loaders[loader]
    # Beside another flavor, onnx is that model's second form.
    for name in sorted(document.flavors, key=lambda one: one == "onnx"):
        if name in FLAVORS:
            return name
    raise NotFound("flavor", ", ".join(document.flavors), known=FLAVORS)


def served_method(document: Document) -> str:
    """The method that *document* wants called (``predict_fn``)."""
    name: str = entry(document.python_function, "predict_fn", str, "predict")
    return name


def entry(config: Mapping[str, Any], key: str, kind: type, default: Any = None) -> Any:
    """``config[key]``, held to the type *kind*; *default* when it is absent or null. Raises InvalidModel."""
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidModel(f"{key} in MLmodel must be a {kind.__name__}, not {shorten(repr(value), 60)}")
    return value


def one_of(name: str, known: Iterable[str], kind: str) -> str:
    """*name* when it is among *known*; raises NotFound with the nearest one."""
    choices = list(known)
    if name not in choices:
        raise NotFound(kind, name, known=choices)
    return name


def _known() -> str:
    return f"this version loads the flavors {', '.join(FLAVORS)}"
