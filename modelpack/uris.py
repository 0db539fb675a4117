"""References to models: text in, a value out."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelpack.errors import InvalidUri, shorten

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_LOGGED = re.compile(r"/(m-[0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """``models:/churn/3``, ``models:/churn@champion``, ``runs:/1f0a/model``, ``s3://b/k`` or a path.

    *scheme* is lower case; *rest* is the text behind the colon, and for ``file`` a path on this machine.
    """

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: "str | Path | ModelRef") -> "ModelRef":
        """Read *text*; raises InvalidUri. A text without a scheme is a path."""
        if isinstance(text, ModelRef):
            return text
        if isinstance(text, Path):
            return cls("file", str(text))
        if not text.strip() or "\0" in text:
            raise InvalidUri(f"{shorten(repr(text), 80)} means no model; give a path or models:/NAME/VERSION")
        if not _SCHEME.match(text):
            return cls("file", text)
        scheme, _, rest = text.partition(":")
        if scheme.lower() == "file":
            return cls("file", _file_path(text))
        return cls(scheme.lower(), rest)

    @property
    def path(self) -> Path:
        """The place of a ``file`` reference."""
        if self.scheme != "file":
            raise InvalidUri(f"{self} is not a path")
        return Path(self.rest)

    @property
    def logged_model(self) -> str | None:
        """The id in ``models:/m-ID``, a model that an MLflow 3 server logged; None for other references."""
        found = _LOGGED.fullmatch(self.rest) if self.scheme == "models" else None
        return found[1] if found else None

    def __str__(self) -> str:
        return self.rest if self.scheme == "file" else f"{self.scheme}:{self.rest}"


@dataclass(frozen=True, slots=True)
class RegistryName:
    """What ``models:/…`` says: a registered name, and a version, a stage, an alias or ``latest``."""

    name: str
    version: int | None = None
    stage: str | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, ref: ModelRef) -> "RegistryName":
        """Read the *rest* of a ``models:`` reference; raises InvalidUri."""
        rest = ref.rest
        if ref.scheme != "models" or not rest.startswith("/") or rest.startswith("//"):
            raise InvalidUri(f"{shorten(str(ref), 80)} is no registry reference; write models:/NAME/VERSION")
        name, slash, selector = rest[1:].partition("/")
        if slash and selector and "/" not in selector:
            if selector.isascii() and selector.isdigit():
                return cls(_named(name, ref), version=int(selector))
            return cls(_named(name, ref), stage=selector)
        name, at, alias = rest[1:].rpartition("@")
        if at and alias and "/" not in rest[1:]:
            return cls(_named(name, ref), alias=alias)
        raise InvalidUri(
            f"{shorten(str(ref), 80)} names no version; write models:/NAME/VERSION, models:/NAME/STAGE, "
            "models:/NAME/latest or models:/NAME@ALIAS"
        )

    @property
    def is_latest(self) -> bool:
        """Whether the newest version is meant, in any letter case, as MLflow reads it."""
        return self.stage is not None and self.stage.lower() == "latest"


@dataclass(frozen=True, slots=True)
class RunPath:
    """What ``runs:/…`` says: files of a run, below a relative, slash-separated *path*."""

    run_id: str
    path: str

    @classmethod
    def parse(cls, ref: ModelRef) -> "RunPath":
        """Read the *rest* of a ``runs:`` reference; raises InvalidUri."""
        run_id, _, path = ref.rest.removeprefix("/").partition("/")
        path = path.rstrip("/")
        is_inside = path.isprintable() and not any(part in ("", ".", "..") for part in path.split("/"))
        if ref.rest[:1] != "/" or not _RUN_ID.fullmatch(run_id) or not is_inside or "\\" in path:
            raise InvalidUri(f"{shorten(str(ref), 80)} names no files of a run; write runs:/RUN_ID/PATH")
        return cls(run_id, path)


def _named(name: str, ref: ModelRef) -> str:
    if not name:
        raise InvalidUri(f"{shorten(str(ref), 80)} has no name; write models:/NAME/VERSION")
    return name


def _file_path(text: str) -> str:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise InvalidUri(f"{shorten(repr(text), 80)} is not a file of this machine; write file:///PATH")
    path = unquote(parts.path)
    if not path or "\0" in path:
        raise InvalidUri(f"{shorten(repr(text), 80)} holds no path; write file:///PATH")
    return path
