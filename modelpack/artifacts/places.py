"""From a reference to files elsewhere: which store, which folder in it, and the copy on this disk."""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from modelpack.artifacts.buckets import PACKAGES, BucketArtifacts, BucketPath
from modelpack.artifacts.cache import Cache
from modelpack.artifacts.proxy import PROXY, ProxiedArtifacts
from modelpack.artifacts.store import RemoteStore
from modelpack.errors import InvalidModel, InvalidUri, NotFound, shorten
from modelpack.files import relative
from modelpack.remote.address import ServerAddress, tracking_address
from modelpack.uris import ModelRef, RegistryName, RunPath

if TYPE_CHECKING:
    from modelpack.remote.http import Http
    from modelpack.remote.server import MlflowServer

SHARED: Final = "MODELPACK_SHARED_FOLDERS"
"""Folders of this machine, parted by colons, which a server's references may lead into."""

_HOPS: Final = 8


@dataclass(frozen=True, slots=True)
class Place:
    """The folder *path* in *store*; *name* is what a person calls it, and holds no secret."""

    store: RemoteStore
    path: str
    name: str


class Places:
    """What references mean to us, with *server* for runs, logged models and proxied files.

    A reference that a server gave is not one that a person gave: the server cannot make us read files of this
    machine, but for those in folders that its operator named in ``MODELPACK_SHARED_FOLDERS``; nor send what
    we are known by to another machine.
    """

    def __init__(self, environ: Mapping[str, str], server: "MlflowServer | None", cache: Cache) -> None:
        self._environ, self._server, self._cache = environ, server, cache

    @classmethod
    def read(cls, environ: Mapping[str, str], address: ServerAddress | None = None) -> "Places":
        """Those of the server at *address*, or of the one that the environment names, if it does."""
        address = address or tracking_address(environ)
        if address is None:
            return cls(environ, None, Cache.open(environ))
        # By name: who has buckets only needs no HTTP library.
        remote: Any = importlib.import_module("modelpack.remote.server")
        return cls(environ, remote.MlflowServer.open(address, environ), Cache.open(environ))

    def fetch(self, ref: ModelRef) -> Path:
        """The folder that *ref* means, on this disk, verified.

        Raises InvalidUri, NotFound, StoreUnavailable, InvalidModel and DamagedModel.
        """
        found = self.follow(ref)
        if isinstance(found, Path):
            return found
        return self._cache.fetch(found.store, found.path, found.name)

    def follow(self, ref: ModelRef) -> Place | Path:
        """The store and the folder that *ref* leads to; a path where that is a shared folder."""
        here = ref
        for _ in range(_HOPS):
            there = self._step(here)
            if not isinstance(there, ModelRef):
                return there
            here = there
        raise InvalidUri(
            f"{shorten(str(ref), 120)} leads to another reference {_HOPS} times over; it is a loop"
        )

    def close(self) -> None:
        """Let go of connections."""
        if self._server is not None:
            self._server.close()

    def _step(self, ref: ModelRef) -> ModelRef | Place | Path:
        if ref.scheme == "runs":
            return self._of_run(RunPath.parse(ref))
        if ref.scheme == "models":
            return self._of_registry(ref)
        if ref.scheme == "mlflow-artifacts":
            return self._proxied(ref)
        if ref.scheme in ("http", "https"):
            return self._over_http(ref)
        if ref.scheme in PACKAGES:
            bucket = BucketPath.parse(ref)
            return Place(BucketArtifacts(bucket.root, self._environ), bucket.path, str(ref))
        if ref.scheme == "file":
            return self._shared(ref)
        known = ", ".join(["models:/", "runs:/", "mlflow-artifacts:/", *(f"{one}://" for one in PACKAGES)])
        raise InvalidUri(
            f"{shorten(str(ref), 100)} leads to no place known here; known are {known} and paths"
        )

    def _of_run(self, asked: RunPath) -> ModelRef:
        server = self._require_server("a run")
        run = server.run(asked.run_id)
        ref = ModelRef.parse(_below(_text(run, "artifact_uri"), asked.path))
        found = self.follow(ref)
        is_there = found.is_dir() if isinstance(found, Path) else any(found.store.list(found.path))
        if is_there:
            return ref
        logged = server.logged_by(run, asked.path)
        if logged is None:
            raise NotFound("files of this run", asked.path, hint=f"run {shorten(asked.run_id, 40)} was asked")
        return ModelRef.parse(_text(logged, "artifact_uri"))

    def _of_registry(self, ref: ModelRef) -> ModelRef:
        """A logged model, or a version that another one is a copy of."""
        server = self._require_server("a model of a server")
        if ref.logged_model is not None:
            return ModelRef.parse(_text(server.logged_model(ref.logged_model), "artifact_uri"))
        name = RegistryName.parse(ref)
        if name.version is None:
            raise InvalidUri(f"{shorten(str(ref), 120)} names no version by its number; write models:/NAME/3")
        told = server.get("model-versions/get-download-uri", name=name.name, version=str(name.version))
        return ModelRef.parse(_text(told, "artifact_uri"))

    def _proxied(self, ref: ModelRef) -> Place:
        http = self._require_server("mlflow-artifacts:").http
        parts = urlsplit(str(ref))
        if parts.query or parts.fragment:
            raise InvalidUri(
                f"{shorten(str(ref), 120)} has a query or a fragment; write mlflow-artifacts:/PATH"
            )
        if parts.netloc:
            _require_same(http, f"{http.address.origin[0]}://{parts.netloc}", ref)
        path = _inside(parts.path.removeprefix("/"), ref)
        return Place(
            ProxiedArtifacts(http, self._environ), path, f"mlflow-artifacts:/{path} of {http.address}"
        )

    def _over_http(self, ref: ModelRef) -> Place:
        """Files of the very server that is asked, under their full address; nothing else of the web."""
        prefix = f"{self._server.http.address}{PROXY}/" if self._server else ""
        if not prefix or not str(ref).startswith(prefix):
            raise InvalidUri(
                f"{_without_secrets(ref)} is an address of the web, and no model "
                "is taken from there; fetch it yourself, look at it, and give its path"
            )
        return self._proxied(ModelRef("mlflow-artifacts", f"/{unquote(str(ref).removeprefix(prefix))}"))

    def _shared(self, ref: ModelRef) -> Path:
        path = Path(ref.path)
        folders = [Path(text) for text in self._environ.get(SHARED, "").split(os.pathsep) if text]
        # As it is after every link: a link inside may lead outside.
        if path.is_absolute() and any(path.resolve().is_relative_to(one.resolve()) for one in folders):
            if not path.is_dir():
                raise NotFound("model directory", str(path))
            return path.resolve()
        raise InvalidUri(
            f"the server sends us to {shorten(repr(str(path)), 80)} of this machine, and may not; name the "
            f"folder in {SHARED} if it is one that you share with the server"
        )

    def _require_server(self, what: str) -> "MlflowServer":
        if self._server is None:
            raise InvalidUri(f"{what} is known to a tracking server only; set MLFLOW_TRACKING_URI")
        return self._server


def _without_secrets(ref: ModelRef) -> str:
    return shorten(str(ref).partition("?")[0].rpartition("@")[2], 80)


def _require_same(http: "Http", text: str, ref: ModelRef) -> None:
    if ServerAddress.parse(text).origin != http.address.origin:
        raise InvalidUri(
            f"{shorten(str(ref), 100)} is on another server than {shorten(str(http.address), 80)}, which "
            "sent us there or is set; what we are known by stays with that one"
        )


def _inside(path: str, ref: ModelRef) -> str:
    try:
        return relative(path.strip("/")).as_posix()
    except InvalidModel as error:
        raise InvalidUri(f"{shorten(str(ref), 120)} leads out of its folder, or names none") from error


def _below(uri: str, path: str) -> str:
    parts = urlsplit(uri)
    if parts.query or parts.fragment:
        raise InvalidUri(
            f"the server keeps files at {shorten(repr(uri), 100)}, which has a query or a fragment"
        )
    return f"{uri.rstrip('/')}/{path}"


def _text(told: Mapping[str, object], name: str) -> str:
    text = told.get(name)
    if not isinstance(text, str) or not text:
        raise NotFound("place of files", name, hint="the server tells none")
    return text
