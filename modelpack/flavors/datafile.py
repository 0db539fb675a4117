"""What flavors share whose model is one file, which MLmodel calls ``data``, as MLflow writes it."""

import importlib
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelpack.directory import layout
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, MissingDependency, Untrusted, shorten
from modelpack.flavors import SaveOptions, entry
from modelpack.schema import Table
from modelpack.trust import Trust


def entries(source: ModelDirectory, flavor: str) -> Mapping[str, Any]:
    """What MLmodel says of *flavor*."""
    return source.document.flavors.get(flavor, {})


def data_name(source: ModelDirectory, flavor: str) -> str:
    """The name of the model's file. Raises InvalidModel where MLmodel names none."""
    name = entry(entries(source, flavor), "data", str) or entry(source.document.python_function, "data", str)
    if name is None:
        raise InvalidModel(f"MLmodel names no file for the model (data of the {flavor} flavor)")
    return str(name)


def served(loader_module: str, path: Path, options: SaveOptions) -> dict[str, Any]:
    """The entries of ``python_function``."""
    return {
        "loader_module": loader_module,
        "data": path.name,
        "python_version": platform.python_version(),
        "env": dict(layout.ENVIRONMENT),
        **({"code": options.code} if options.code else {}),
    }


def code_needs(source: ModelDirectory, flavor: str) -> tuple[str, ...]:
    """``code`` when modules come along."""
    code = entry(entries(source, flavor), "code", str) or entry(source.document.python_function, "code", str)
    return ("code",) if code else ()


def frames(source: ModelDirectory) -> frozenset[str]:
    """pandas, where the signature has columns."""
    inputs = source.signature.inputs if source.signature else None
    return frozenset({"pandas"} if inputs is not None and not inputs.is_tensor else ())


def full_name(class_: type) -> str:
    """``package.module.Class``, as MLflow writes it."""
    return f"{class_.__module__}.{class_.__name__}"


def class_named(name: str, *, known: frozenset[str], bases: tuple[type, ...], trust: Trust) -> Any:
    """The class *name* that MLmodel gives for the model: one of *known*, or one that *trust* names.

    Raises Untrusted for any other, before it is imported; InvalidModel for one that is none of *bases*.
    """
    if name not in known and not trust.allow_type(name):
        what = shorten(repr(name), 100)
        raise Untrusted(
            f"the model is a {what}, which would be imported",
            allow=f"--trust {shorten(name, 80)}",
            types=[name],
        )
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        raise MissingDependency("this model", package=(error.name or module).partition(".")[0]) from error
    if not isinstance(found, type) or not issubclass(found, bases):
        raise InvalidModel(f"{shorten(name, 100)} is no {' or '.join(one.__name__ for one in bases)}")
    return found


def frame(data: Any, *, words: bool = False) -> Any:
    """A Table as a DataFrame; anything else passes. With *words*, text becomes pandas' categories."""
    if not isinstance(data, Table):
        return data
    made = data.frame()
    texts = [name for name, column in data.columns.items() if column.dtype == object] if words else []
    return made.astype(dict.fromkeys(texts, "category")) if texts else made
