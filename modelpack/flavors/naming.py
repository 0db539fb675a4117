"""The model that a script names: by ``modelpack.set_model``, or by ``mlflow.models.set_model``."""

import ast
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from modelpack.directory import code
from modelpack.errors import InvalidModel, MissingDependency, ModelpackError, shorten
from modelpack.flavors import lent

_ASKED: ContextVar[list[Any] | None] = ContextVar("modelpack_asked", default=None)
"""Where the script that runs now puts its model; None where nobody has asked for one."""

_MLFLOW = "mlflow"
_LARGEST = 16 << 20

# MLflow keeps the model that was named, and so do modules that are lent, in one place for the whole process.
_ALONE = threading.RLock()


def set_model(model: Any) -> None:
    """Say that *model*, a function or an object with ``predict``, is what this script is saved for.

    ``modelpack.save("script.py", …)`` and loading run the script, and take what it named last. Where it is
    run by hand nothing happens. Raises InvalidModel for what does not predict.
    """
    if isinstance(model, type) or not (callable(getattr(model, "predict", None)) or callable(model)):
        raise InvalidModel(
            f"a {type(model).__qualname__} does not predict; name a function or an object with predict"
        )
    if (named := _ASKED.get()) is not None:
        named.append(model)


def model_of(script: Path, config: Mapping[str, Any]) -> Any:
    """The model that *script* names; *config* is what MLflow's ``ModelConfig`` gives it.

    Runs the script: ask the operator first. Raises MissingDependency for a library that is not installed,
    InvalidModel where the script fails or names nothing.
    """
    named: list[Any] = []
    uses_mlflow = _MLFLOW in imports(script)
    token = _ASKED.set(named)
    try:
        with _mlflow(named, config, is_used=uses_mlflow):
            module = code.run(script)
    except ModelpackError:
        raise
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"the script {script.name}", package=_top(error.name) or str(error)
        ) from error
    except (Exception, SystemExit) as error:
        if _top(getattr(error, "name", None)) == _MLFLOW and not _is_installed():
            what = f"the script {script.name}, which asks MLflow for more than a model's base class,"
            raise MissingDependency(what, package=_MLFLOW) from error
        raise InvalidModel(
            shorten(f"the script {script.name} failed: {type(error).__name__}: {error}")
        ) from error
    finally:
        _ASKED.reset(token)
    if not named:
        sys.modules.pop(module.__name__, None)
        raise InvalidModel(
            f"the script {script.name} names no model; let it call modelpack.set_model(model) at its end"
        )
    return named[-1]


def imports(script: Path) -> frozenset[str]:
    """The top-level modules that *script* imports anywhere. Runs nothing; raises InvalidModel."""
    if script.stat().st_size > _LARGEST:
        raise InvalidModel(f"the script {script.name} has more than {_LARGEST >> 20} MiB")
    try:
        tree = ast.parse(script.read_bytes(), script.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidModel(shorten(f"{script.name} is no Python: {error}")) from None
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {_top(one.name) for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(_top(node.module))
    return frozenset(found)


@contextmanager
def _mlflow(named: list[Any], config: Mapping[str, Any], *, is_used: bool) -> Iterator[None]:
    """Hear what is told to MLflow: the real one where it is installed, stand-ins elsewhere."""
    if not is_used:
        yield
        return
    with _ALONE:
        if _is_installed():
            with _listening(named, config):
                yield
        else:
            with _lent(config):
                yield


@contextmanager
def _listening(named: list[Any], config: Mapping[str, Any]) -> Iterator[None]:
    model: Any = importlib.import_module("mlflow.models.model")
    settings: Any = importlib.import_module("mlflow.models.model_config")
    before = model.__mlflow_model__, settings.__mlflow_model_config__
    # An empty text: there are none, and a script that asks for them fails, as in MLflow.
    model.__mlflow_model__, settings.__mlflow_model_config__ = None, dict(config) or ""
    try:
        yield
        if not named and model.__mlflow_model__ is not None:
            named.append(model.__mlflow_model__)
    finally:
        model.__mlflow_model__, settings.__mlflow_model_config__ = before


@contextmanager
def _lent(config: Mapping[str, Any]) -> Iterator[None]:
    modules = lent.modules(set_model, config)
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)


def _is_installed() -> bool:
    found = sys.modules.get(_MLFLOW)
    return not lent.is_lent(found) if found is not None else importlib.util.find_spec(_MLFLOW) is not None


def _top(name: str | None) -> str:
    return (name or "").partition(".")[0]
