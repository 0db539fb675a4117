"""A registry on a real MLflow server: its names over REST, and files wherever it keeps them."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from modelpack.artifacts.cache import Cache
from modelpack.artifacts.memory import Memory
from modelpack.artifacts.places import Place, Places
from modelpack.directory import ModelDirectory, open_directory
from modelpack.directory.manifest import Manifest
from modelpack.errors import (
    AlreadyExists,
    DamagedModel,
    InvalidUri,
    ModelpackError,
    NotFound,
    StoreUnavailable,
    shorten,
)
from modelpack.registry.files import Brought, Locate
from modelpack.registry.records import ModelVersion
from modelpack.registry.rest_store import RestStore
from modelpack.remote.address import ServerAddress, tracking_address
from modelpack.remote.answers import Refused
from modelpack.remote.patience import if_undone
from modelpack.remote.server import MlflowServer
from modelpack.uris import ModelRef, RegistryName, RunPath


def open_server(
    address: ServerAddress, environ: Mapping[str, str], *, user: str, is_given: bool
) -> tuple[RestStore, "ServerFiles"]:
    """The names and the files of the server at *address*.

    Runs and files are on the tracking server that *environ* names, but for a server that *is_given* by hand:
    that one does all. Nothing is asked yet.
    """
    server = MlflowServer.open(address, environ)
    tracking = None if is_given else tracking_address(environ)
    files = server if tracking is None or tracking == address else MlflowServer.open(tracking, environ)
    places = Places(environ, files, Cache.open(environ))
    return RestStore(server, user=user), ServerFiles(server, files, places, environ)


class ServerFiles:
    """VersionFiles where an MLflow server keeps its runs' artifacts; what is read comes through the cache."""

    is_remote: ClassVar[bool] = True

    def __init__(
        self, registry: MlflowServer, server: MlflowServer, places: Places, environ: Mapping[str, str]
    ) -> None:
        self._registry, self._server, self._places, self._environ = registry, server, places, environ
        self._memory = Memory(environ)

    def bring(self, ref: ModelRef, name: str, *, source: str, run_id: str, locate: Locate) -> Brought:
        """See VersionFiles. Files of this disk are uploaded to the run *run_id*, or to a new one.

        What the server can reach already (``runs:/…``, ``s3://…``, a version) stays where it is.
        """
        if ref.scheme == "models" and ref.logged_model is None:
            version = locate(RegistryName.parse(ref))
            digest = version.digest or open_directory(self.path(version)).digest
            return Brought(version.source, digest, version.location, version.run_id)
        if ref.scheme == "file":
            return self._upload(ref.path.expanduser().resolve(), name, run_id)
        digest = open_directory(self._places.fetch(ref)).digest
        run = run_id or (RunPath.parse(ref).run_id if ref.scheme == "runs" else "")
        return Brought(str(ref), digest, str(ref), run)

    def path(self, version: ModelVersion) -> Path:
        """See VersionFiles. Raises DamagedModel for files that are not those that were registered."""
        label = f"models:/{version.name}/{version.version}"
        return self._memory.path(label, lambda: self._fetch(version))

    def _fetch(self, version: ModelVersion) -> Path:
        told = self._registry.get(
            "model-versions/get-download-uri", name=version.name, version=str(version.version)
        )
        uri = told.get("artifact_uri")
        if not isinstance(uri, str) or not uri:
            raise NotFound("files of this version", version.source)
        path = self._places.fetch(ModelRef.parse(uri))
        if version.digest and open_directory(path).digest != version.digest:
            raise DamagedModel(
                f"{shorten(version.name, 80)} version {version.version}", [("another", "the whole")]
            )
        return path

    def close(self) -> None:
        """See VersionFiles."""
        self._places.close()

    def _upload(self, path: Path, name: str, run_id: str) -> Brought:
        directory = open_directory(path)
        directory.check()
        manifest = directory.manifest or Manifest.of(path)
        run = self._server.run(run_id) if run_id else self._new_run(name)
        # In a run of its own, or beside what else the run has, by a name that the same files have each time.
        folder = "model" if not run_id else f"model-{manifest.digest.removeprefix('sha256:')[:16]}"
        source = f"{run['artifact_uri'].rstrip('/')}/{folder}"
        try:
            self._put(directory, manifest, source)
        except BaseException:
            if not run_id:
                with suppress(ModelpackError):
                    self._end(run, "FAILED")
            raise
        if not run_id:
            self._end(run, "FINISHED")
        return Brought(source, manifest.digest, source, str(run["run_id"]))

    def _put(self, directory: ModelDirectory, manifest: Manifest, source: str) -> None:
        place = self._places.follow(ModelRef.parse(source))
        if not isinstance(place, Place):
            raise InvalidUri("the server keeps artifacts in a folder; let it serve them, or give it a bucket")

        def seal(copy: Path) -> None:
            manifest.write(copy)

        try:
            prepare = None if directory.has_manifest else seal
            place.store.put(directory.path, place.path, prepare=prepare)
        except AlreadyExists:
            if open_directory(self._places.fetch(ModelRef.parse(source))).digest != manifest.digest:
                raise

    def _new_run(self, name: str) -> dict[str, Any]:
        message = {
            "experiment_id": self._experiment(),
            "run_name": f"register {name}"[:250],
            "start_time": _now(),
            "tags": [{"key": "mlflow.source.name", "value": "modelpack"}],
        }
        told = self._server.call("POST", "runs/create", message, again=if_undone).get("run", {}).get("info")
        if not isinstance(told, dict) or "artifact_uri" not in told:
            raise StoreUnavailable(
                "the server makes no run to keep files in; is it an MLflow tracking server?"
            )
        return told

    def _experiment(self) -> str:
        """The experiment that MLflow's own variables name, or its default one."""
        if found := self._environ.get("MLFLOW_EXPERIMENT_ID"):
            return found
        name = self._environ.get("MLFLOW_EXPERIMENT_NAME")
        if not name:
            return "0"
        try:
            told = self._server.get("experiments/get-by-name", experiment_name=name)
        except Refused as refused:
            raise NotFound("experiment", name, hint="MLFLOW_EXPERIMENT_NAME names it") from refused
        return str(told.get("experiment", {}).get("experiment_id", "0"))

    def _end(self, run: Mapping[str, Any], status: str) -> None:
        message = {"run_id": run["run_id"], "status": status, "end_time": _now()}
        self._server.call("POST", "runs/update", message)


def _now() -> int:
    return time.time_ns() // 1_000_000
