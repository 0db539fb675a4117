"""The files that a module of torch is written to and read from: programs, weights, pickles."""

import io
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.version import Version

from modelpack.errors import InvalidModel, MissingDependency, Unsupported, Untrusted, shorten
from modelpack.flavors import one_of, pickles
from modelpack.flavors.audit import exported
from modelpack.flavors.frameworks import framework
from modelpack.trust import Trust

INFO = "pickle_module_info.txt"
"""Which module MLflow has unpickle the model."""

PICKLER = "mlflow.pytorch.pickle_module"
_PICKLERS = (PICKLER, "cloudpickle", "pickle")

SAFE = Version("2.10")
"""Before it, ``weights_only`` let code run or memory be corrupted (CVE-2025-32434, CVE-2026-24747)."""


def load_torch() -> Any:
    """The framework."""
    return framework("torch")


@contextmanager
def evaluated(model: Any) -> Iterator[None]:
    """Let *model* answer rather than learn for a while: without dropout, by the averages of its batches."""
    learning = [one for one in model.modules() if one.training] if hasattr(model, "modules") else []
    for one in learning:
        one.training = False
    try:
        yield
    finally:
        for one in learning:
            one.training = True


@contextmanager
def quietly() -> Iterator[None]:
    """torch warns of its own future, which no caller can do anything about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_program(path: Path, trust: Trust) -> Any:
    """The module of the exported program in *path*, once it is audited, unless *trust* allows pickles."""
    torch = load_torch()
    if not trust.pickle:
        _require_safe(torch)
        _check_pickles(torch, path, exported.check(path))
    try:
        with quietly():
            found = torch.export.load(path).module()
    except Exception as error:
        raise InvalidModel(
            shorten(f"{path.name} is no program that torch {torch.__version__} reads: {error}")
        ) from error
    for one in found.modules():
        # A program answers as it was exported; it refuses to be told so by eval().
        one.training = False
    return found


def _check_pickles(torch: Any, path: Path, names: list[str]) -> None:
    """Raise Untrusted unless the members *names* hold tensors and plain values alone."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            content = archive.read(name)
            try:
                if content:
                    torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            except Exception as error:
                raise Untrusted(
                    f"{shorten(name, 80)} in the exported program is a pickle of more than tensors",
                    allow="--trust pickle",
                ) from error


def _require_safe(torch: Any) -> None:
    if Version(torch.__version__) < SAFE:
        raise Unsupported(
            f"torch {torch.__version__} does not read files safely; pip install 'torch>={SAFE}', or, "
            "if you trust where this one comes from, allow it with --trust pickle"
        )


def write_weights(torch: Any, model: Any, path: Path, arguments: Mapping[str, Any], name: str) -> None:
    """Write the weights of *model*, whose class, found as *name*, is made anew by *arguments*."""
    class_ = type(model)
    if class_.__module__ in ("__main__", "builtins") or class_.__qualname__ != class_.__name__:
        raise InvalidModel(
            f"the class {shorten(name, 80)} cannot be found by its name; put it into a module of its own"
        )
    weights = model.state_dict()
    torch.save(weights, path)
    try:
        class_(**arguments).load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InvalidModel(
            shorten(f"{name} is not made anew by its weights and model_config={dict(arguments)}: {error}")
        ) from error


def read_weights(path: Path, class_: Any, arguments: Mapping[str, Any]) -> Any:
    """A module of *class_*, made with *arguments*, with the weights in *path*."""
    torch = load_torch()
    name = class_.__qualname__
    _require_safe(torch)
    try:
        module = class_(**arguments)
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError as error:
        raise Untrusted(f"{path.name} is a pickle of more than tensors", allow="another file") from error
    except Exception as error:
        raise InvalidModel(shorten(f"{name} does not take the weights in {path.name}: {error}")) from error
    return module.eval()


def write_pickle(torch: Any, model: Any, path: Path) -> None:
    """Write the whole *model* by cloudpickle, or a ScriptModule as torch does, as MLflow reads them."""
    path.with_name(INFO).write_text(PICKLER, encoding="utf-8")
    if isinstance(model, torch.jit.ScriptModule):
        with quietly():
            torch.jit.save(model, path)
        return
    if not isinstance(model, torch.nn.Module):
        raise InvalidModel("an exported program has a format of its own; save it with format='pt2'")
    owners = {class_.__module__ for one in model.modules() for class_ in type(one).__mro__}
    try:
        with pickles.registered(name for name in owners if pickles.is_local(name)):
            torch.save(model, path, pickle_module=_pickler())
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidModel(shorten(f"{type(model).__qualname__} cannot be pickled: {error}")) from error


def _pickler() -> ModuleType:
    """What torch asks a module for that pickles: cloudpickle in its shape, as MLflow has it."""
    cloudpickle = framework("cloudpickle", extra="sklearn")
    module: Any = ModuleType(PICKLER)
    module.Pickler, module.Unpickler = cloudpickle.CloudPickler, pickle.Unpickler
    module.dump, module.dumps, module.load, module.loads = (
        cloudpickle.dump,
        cloudpickle.dumps,
        pickle.load,
        pickle.loads,
    )
    found: ModuleType = module
    return found


def read_pickle(path: Path) -> Any:
    """The module in *path*. Runs what the file says: ask the operator first."""
    torch = load_torch()
    info = path.with_name(INFO)
    name = info.read_text(encoding="utf-8").strip() if info.is_file() else PICKLER
    one_of(name, _PICKLERS, "module that pickles")
    place = None if torch.cuda.is_available() else "cpu"
    try:
        with quietly():
            if _is_script(path):
                return torch.jit.load(path, map_location=place).eval()
            found = torch.load(path, map_location=place, weights_only=False)
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        raise MissingDependency(f"the model in {path.name}", package=top or str(error)) from error
    except Exception as error:
        raise InvalidModel(
            shorten(f"{path.name} cannot be unpickled: {type(error).__name__}: {error}")
        ) from error
    if not isinstance(found, torch.nn.Module):
        raise InvalidModel(f"{path.name} holds a {type(found).__qualname__}, and no Module")
    return found.eval()


def _is_script(path: Path) -> bool:
    return any(name.endswith("/constants.pkl") for name in _archived(path))


def named(path: Path) -> frozenset[str]:
    """The modules that the pickle in *path* names; none in the old form of torch, which is no archive."""
    found: set[str] = set()
    for name in _archived(path):
        if name.endswith("/data.pkl"):
            with zipfile.ZipFile(path) as archive, archive.open(name) as file:
                found |= {one.module for one in pickles.scan(io.BytesIO(file.read()))}
    return frozenset(found)


def _archived(path: Path) -> list[str]:
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
