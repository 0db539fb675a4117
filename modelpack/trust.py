"""What the operator allows to be loaded; a model can never widen it."""

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelpack.errors import InvalidName, Untrusted, shorten

FILE = "trust.toml"
"""Name of the policy below ``$MODELPACK_HOME``."""

VARIABLE = "MODELPACK_TRUST"

_TYPE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\.([^\W\d]\w*|\*)")
_LARGEST = 1 << 20
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Trust:
    """The policy: *pickle* files may be loaded, model *code* may be imported, skops may build *types*.

    A type is written ``package.module.Class``, or ``package.*`` for everything below a package. The default
    lets scikit-learn's own estimators load from skops and nothing else.
    """

    pickle: bool = False
    code: bool = False
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.types:
            if not _TYPE.fullmatch(name):
                raise _unreadable(name)

    @classmethod
    def read(cls, flags: Iterable[str] = (), *, environ: Mapping[str, str], home: Path) -> "Trust":
        """The sum of ``trust.toml`` in *home*, ``MODELPACK_TRUST`` and *flags*.

        A flag, or a word between the commas of the variable, is ``pickle``, ``code`` or a type.
        ``MLFLOW_ALLOW_PICKLE_DESERIALIZATION`` and ``MLFLOW_ALLOW_MODEL_CODE_EXECUTION`` take away and never
        give. Raises InvalidName for a word outside the grammar, Untrusted for a file that others may write.
        """
        words = [word.strip() for word in environ.get(VARIABLE, "").split(",")]
        asked = _read_file(home / FILE).and_also(*flags, *(word for word in words if word))
        if _forbids(environ, "MLFLOW_ALLOW_MODEL_CODE_EXECUTION"):
            return cls()
        if _forbids(environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
            return cls(code=asked.code, types=asked.types)
        return asked

    def and_also(self, *words: str) -> "Trust":
        """This policy and what *words*, each ``pickle``, ``code`` or a type, add. Raises InvalidName."""
        types = [word for word in words if word not in ("pickle", "code")]
        return Trust(
            pickle=self.pickle or "pickle" in words,
            code=self.code or "code" in words,
            types=(*self.types, *types),
        )

    def allow_type(self, name: str) -> bool:
        """Whether the operator named *name* (``package.module.Class``), or a package above it."""
        return any(
            name.startswith(allowed[:-1]) if allowed.endswith(".*") else name == allowed
            for allowed in self.types
        )

    def require_pickle(self, file: str) -> None:
        """Raise Untrusted unless pickles may be loaded; *file* is the one that would be."""
        if not self.pickle:
            raise Untrusted(
                f"{shorten(repr(file), 80)} is a pickle, which can run any code when it is loaded",
                allow=f"--trust pickle or {VARIABLE}=pickle",
            )

    def require_code(self, folder: str) -> None:
        """Raise Untrusted unless the model's own code may be imported; *folder* is where it lies."""
        if not self.code:
            raise Untrusted(
                f"the model brings code of its own, in {shorten(repr(folder), 80)}",
                allow=f"--trust code or {VARIABLE}=code",
            )


def _read_file(path: Path) -> Trust:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Trust()
    except OSError as error:
        raise Untrusted(f"{path} cannot be read: {error.strerror}", allow="a file that you own") from None
    with os.fdopen(descriptor, "rb") as file:
        # What was opened is what is judged, whatever is renamed meanwhile.
        status = os.fstat(descriptor)
        if status.st_mode & _WRITABLE_BY_OTHERS or status.st_uid not in (0, os.geteuid()):
            raise Untrusted(f"{path} may be written by others than you", allow=f"chmod go-w {path}")
        text = file.read(_LARGEST)
    return _parse(text, path)


def _parse(text: bytes, path: Path) -> Trust:
    try:
        values = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidName(shorten(f"{path} is no TOML: {error}")) from None
    kinds = {"pickle": bool, "code": bool, "types": list}
    for key, value in values.items():
        if not isinstance(value, kinds.get(key, ())):
            raise InvalidName(
                f"{shorten(repr(key), 80)} in {path} is not understood; write pickle = true, code = true, "
                'types = ["package.Class"]'
            )
    types = values.get("types", [])
    if not all(isinstance(name, str) for name in types):
        raise InvalidName(f"types in {path} must be a list of texts")
    return Trust(pickle=values.get("pickle", False), code=values.get("code", False), types=tuple(types))


def _forbids(environ: Mapping[str, str], variable: str) -> bool:
    value = environ.get(variable, "").strip().lower()
    return value not in ("", "true", "1")


def _unreadable(word: str) -> InvalidName:
    return InvalidName(
        f"{shorten(repr(word), 80)} is nothing to trust; write pickle, code, package.Class or package.*"
    )
