"""skops files: written; and read back, once they are seen to build nothing that was not allowed."""

from pathlib import Path
from typing import Any

from modelpack.errors import InvalidModel, MissingDependency, ModelpackError, Untrusted, shorten
from modelpack.flavors.audit import allowed, estimators, nodes
from modelpack.flavors.audit.archive import open_archive
from modelpack.flavors.frameworks import framework
from modelpack.trust import Trust


def dump(model: Any, path: Path) -> tuple[str, ...]:
    """Write *model* to *path*; answers the types that a reader with skops' own list must be told to trust.

    Raises InvalidModel for what skops cannot write, or would write as a name that no other process can find.
    """
    skops = framework("skops.io", package="skops", extra="sklearn")
    try:
        skops.dump(model, path)
        types = tuple(skops.get_untrusted_types(file=path))
        # What cannot be read back was not saved.
        load(path, Trust(types=types))
    except ModelpackError as error:
        raise _unwritable(model, error) from error
    except OSError:
        raise
    except Exception as error:
        raise _unwritable(model, error) from error
    for name in types:
        if name.startswith("__main__."):
            raise InvalidModel(
                f"skops writes names, and no other process finds {shorten(name, 100)}; move it to a module, "
                'or save with format="cloudpickle"'
            )
    return types


def load(path: Path, trust: Trust) -> Any:
    """The model in the skops file *path*.

    Nothing is built before every type and function in it is known to be allowed by this version's lists or by
    *trust*: raises Untrusted, naming them, otherwise. Raises InvalidModel for a file that is no skops file,
    lies about its size, or holds trees and tables that compiled code would follow out of bounds.
    """
    skops = framework("skops.io", package="skops", extra="sklearn")
    exceptions = framework("skops.io.exceptions", package="skops", extra="sklearn")
    with path.open("rb") as file:
        with open_archive(file, path.name, path.stat().st_size) as archive:
            mentions = nodes.read(archive)
        _refuse([one.name for one in mentions if allowed.is_misplaced(one, trust)], path)
        trusted = sorted({one.name for one in mentions if allowed.is_allowed(one, trust)})
        file.seek(0)
        try:
            model = skops.load(file, trusted=trusted)
        except exceptions.UntrustedTypesFoundException:
            _refuse(_unknown(skops, path, trusted), path)
            raise
        except (ModelpackError, MemoryError):
            raise
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            raise MissingDependency(f"the model in {path.name}", package=name or str(error)) from error
        except Exception as error:
            raise InvalidModel(shorten(f"{path.name} cannot be read: {_first_line(error)}")) from error
    estimators.check(model, trust)
    return model


def needs(path: Path) -> tuple[str, ...]:
    """The types and functions in *path* that the default trust does not let skops build. Builds nothing."""
    skops = framework("skops.io", package="skops", extra="sklearn")
    nobody = Trust()
    with path.open("rb") as file, open_archive(file, path.name, path.stat().st_size) as archive:
        mentions = nodes.read(archive)
    misplaced = {one.name for one in mentions if allowed.is_misplaced(one, nobody)}
    known = {one.name for one in mentions if allowed.is_allowed(one, nobody)}
    return tuple(sorted(misplaced | set(_unknown(skops, path, sorted(known)))))


def modules(path: Path) -> frozenset[str]:
    """The modules that the skops file *path* names. Builds nothing."""
    with path.open("rb") as file, open_archive(file, path.name, path.stat().st_size) as archive:
        return nodes.modules(archive)


def _unknown(skops: Any, path: Path, trusted: list[str]) -> list[str]:
    try:
        return [name for name in skops.get_untrusted_types(file=path) if name not in trusted]
    except Exception as error:
        raise InvalidModel(shorten(f"{path.name} cannot be read: {_first_line(error)}")) from error


def _refuse(names: list[str], path: Path) -> None:
    if not names:
        return
    some = sorted(names)
    listed = ", ".join(shorten(name, 80) for name in some[:3])
    more = f" and {len(some) - 3} more" if len(some) > 3 else ""
    flags = " ".join(f"--trust {shorten(name, 80)}" for name in some[:1])
    raise Untrusted(
        f"{path.name} would build {listed}{more}, which is not on the list of what any model may build",
        allow=flags + (" and so on" if len(some) > 1 else ""),
        types=some,
    )


def _unwritable(model: Any, error: Exception) -> InvalidModel:
    return InvalidModel(
        f"skops cannot write {_named(model)}: {shorten(_first_line(error), 120)}; "
        'save with format="cloudpickle" if its readers may trust pickles'
    )


def _named(model: Any) -> str:
    return shorten(repr(f"{type(model).__module__}.{type(model).__qualname__}"), 80)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
