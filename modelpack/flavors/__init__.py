"""Flavors, the only things that know a framework: their table, and which one a model has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from modelpack.directory.document import Document
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, NotFound, Unsupported, shorten
from modelpack.plugins import Table
from modelpack.schema import Schema
from modelpack.trust import Trust

Config: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What a flavor writes below ``flavors`` in MLmodel: its own entries, and those of ``python_function``."""

Predict: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""Input as ``modelpack.schema.enforce`` gives it, and params; answers what the model answers."""


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """*format* is how the model is written (None: as the flavor likes), *code* the folder of its modules.

    *context* are the entries of MLmodel for what a Python model is told when it is loaded: ``artifacts`` and
    ``config``. *example* is input as ``modelpack.schema.enforce`` gives it, *inputs* what the model takes.
    """

    format: str | None = None
    code: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None
    inputs: Schema | None = None


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


_HOMES = {"pytorch": "torch"}
"""Modules that are called otherwise than their flavors, which MLflow has named."""

FLAVORS: Table[Flavor] = Table(
    "flavor",
    group="modelpack.flavors",
    builtins={
        name: f"modelpack.flavors.{_HOMES.get(name, name)}:FLAVOR"
        for name in (
            "sklearn",
            "xgboost",
            "lightgbm",
            "catboost",
            "pytorch",
            "statsmodels",
            "onnx",
            "python",
            "script",
        )
    },
)


def detect(model: object) -> str:
    """The name of the flavor that saves *model*: the nearest owner among its classes, else ``python``.

    An estimator of a library that builds on scikit-learn belongs to that library, where it has a flavor.
    The path of a Python file is a script that names a model. Raises InvalidModel for a thing that no flavor
    can run.
    """
    if isinstance(model, str | Path) and Path(model).suffix == ".py":
        return "script"
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
        "an object with a method called predict, or the path of a script that ends in .py"
    )


def choose(document: Document) -> str:
    """The name of the flavor that loads what *document* describes.

    ``loader_module`` is looked up, never imported. Raises NotFound for one that no flavor answers for,
    Unsupported for MLflow's models of chats.
    """
    loaders = {FLAVORS[name].loader_module: name for name in FLAVORS}
    loader = document.python_function.get("loader_module")
    if loader is not None:
        if isinstance(loader, str) and loader in _CHATS:
            raise Unsupported(
                f"{loader} loads a model of chats, which nobody serves here; ask it with MLflow itself"
            )
        if not isinstance(loader, str) or loader not in loaders:
            raise NotFound("loader module", loader, known=loaders, hint=_known())
        return loaders[loader]
    # Beside another flavor, onnx is that model's second form.
    for name in sorted(document.flavors, key=lambda one: one == "onnx"):
        if name in FLAVORS:
            return name
    raise NotFound("flavor", ", ".join(document.flavors), known=FLAVORS)


_CHATS = frozenset(
    f"mlflow.pyfunc.loaders.{name}" for name in ("chat_model", "chat_agent", "responses_agent")
)


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
