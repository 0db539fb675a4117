"""Pickle files: what one names, told without running it; loading one that the operator trusts; writing."""

import bz2
import gzip
import lzma
import pickle
import pickletools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from modelpack.errors import InvalidModel, MissingDependency, NotFound, shorten
from modelpack.flavors import lent
from modelpack.flavors.frameworks import framework

_OPENERS: dict[str, Callable[[Path], Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "lzma": lzma.open,
}
_STRINGS = frozenset(
    {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)
_STORES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_FETCHES = frozenset({"GET", "BINGET", "LONG_BINGET"})
_SILENT = frozenset({"PROTO", "FRAME", "MEMOIZE"}) | _STORES

CODE_INSIDE = "cloudpickle.cloudpickle"
"""The module that a pickle names when code lies in it, and not just the names of classes."""


class Global(NamedTuple):
    """Something that a pickle imports."""

    module: str
    name: str


def scan(file: BinaryIO) -> frozenset[Global]:
    """All that the pickle in *file* would import. Runs nothing; raises InvalidModel for what is no pickle."""
    found: set[Global] = set()
    memo: dict[int, str | Global | None] = {}
    last: list[str | Global | None] = [None, None, None]
    try:
        for code, argument, _ in pickletools.genops(file):
            if code.name == "MEMOIZE":
                memo[len(memo)] = last[-1]
            elif code.name in _STORES:
                memo[_place(argument)] = last[-1]
            if code.name in _SILENT:
                continue
            pushed = _push(code.name, argument, last, memo)
            if isinstance(pushed, Global) and code.name not in _FETCHES:
                found.add(pushed)
            last = [*last[1:], pushed]
    except (ValueError, EOFError, IndexError, UnicodeDecodeError) as error:
        raise InvalidModel(shorten(f"the file is no pickle: {error}")) from None
    return frozenset(found)


def _push(
    code: str, argument: Any, last: list[str | Global | None], memo: Mapping[int, str | Global | None]
) -> str | Global | None:
    if code in _STRINGS:
        return str(argument)
    if code in _FETCHES:
        return memo.get(_place(argument))
    if code in ("GLOBAL", "INST"):
        return Global(*str(argument).split(" ", 1))
    if code == "STACK_GLOBAL" and isinstance(last[-2], str) and isinstance(last[-1], str):
        return Global(last[-2], last[-1])
    if code == "TUPLE1" and isinstance(last[-1], str) and _is_import(last[-2]):
        # How cloudpickle writes a module that code refers to: subimport("numpy").
        return Global(last[-1], "*")
    return None


def _place(argument: Any) -> int:
    return int(argument)


def _is_import(thing: str | Global | None) -> bool:
    return isinstance(thing, Global) and thing.module == CODE_INSIDE and thing.name == "subimport"


def modules(path: Path, compression: str | None = None) -> frozenset[str]:
    """The modules that the pickle file *path* names; runs nothing."""
    with _opened(path, compression) as file:
        return frozenset(one.module for one in scan(file))


def load(path: Path, compression: str | None = None) -> Any:
    """The object in the pickle file *path*. Runs what the file says: ask the operator first.

    Raises MissingDependency for a library that is not installed, InvalidModel when it cannot be built.
    """
    with _opened(path, compression) as file:
        try:
            return lent.load_pickle(file)
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            raise MissingDependency(f"the model in {path.name}", package=name or str(error)) from error
        except Exception as error:
            raise InvalidModel(
                shorten(f"{path.name} cannot be unpickled: {type(error).__name__}: {error}")
            ) from error


def dump(thing: Any, path: Path, *, by_value: Iterable[str] = (), left_alone: Iterable[str] = ()) -> None:
    """Write *thing* to *path* with cloudpickle.

    Code of modules that no installed distribution holds goes into the file, so that it loads where they are
    missing; so does that of the modules *by_value*. Those *left_alone* (top-level names) come along
    otherwise. Raises InvalidModel for what cannot be pickled.
    """
    cloudpickle = framework("cloudpickle", extra="sklearn")
    alone = frozenset(left_alone)
    inside: set[str] = set(by_value)
    while True:
        with registered(inside):
            write_with(cloudpickle, thing, path)
        local = {name for name in modules(path) if is_local(name) and name.partition(".")[0] not in alone}
        if local <= inside:
            return
        inside |= local


def write_with(library: Any, thing: Any, path: Path) -> None:
    """Write *thing* to *path* with the module *library*, pickle or cloudpickle; raises InvalidModel."""
    try:
        with path.open("wb") as file:
            # The interpreter's default, not the newest: more readers understand it. As MLflow does.
            library.dump(thing, file, protocol=pickle.DEFAULT_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidModel(
            shorten(f"{type(thing).__qualname__} cannot be written by {library.__name__}: {error}")
        ) from error


def is_local(module: str) -> bool:
    """Whether *module* is Python source that no installed distribution holds, nor Python itself."""
    top = module.partition(".")[0]
    if top in _OURS or top in sys.stdlib_module_names or top in ("__main__", "cloudpickle"):
        return False
    origin = getattr(sys.modules.get(module), "__file__", None) or ""
    return origin.endswith(".py") and not any(part in _INSTALLED for part in Path(origin).parts)


_OURS = ("modelpack", "serving", "k8s")
_INSTALLED = ("site-packages", "dist-packages")


@contextmanager
def registered(names: Iterable[str]) -> Iterator[None]:
    """Have cloudpickle write the code of the modules *names* into what is pickled meanwhile."""
    cloudpickle = framework("cloudpickle", extra="sklearn")
    known = cloudpickle.list_registry_pickle_by_value()
    added = [sys.modules[name] for name in names if name in sys.modules and name not in known]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


def _opened(path: Path, compression: str | None) -> Any:
    if compression is None:
        return path.open("rb")
    if compression not in _OPENERS:
        raise NotFound("compression", compression, known=_OPENERS)
    return _OPENERS[compression](path)
