"""What a version may be made of: files that a run or a logged model of this server has, kept for good."""

from collections.abc import Mapping
from typing import Final

from modelpack.directory import layout, open_directory
from modelpack.errors import InvalidUri, NotFound, shorten
from modelpack.registry.blobs import location_of
from modelpack.registry.files import Brought
from modelpack.registry.names import require_stage
from modelpack.registry.records import ModelVersion
from modelpack.tracking.server.files import PROXY
from modelpack.tracking.server.locations import path_of, scheme_of
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import require_path
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.uris import ModelRef, RegistryName, RunPath

_PROMPT: Final = "mlflow.prompt.is_prompt"
_NO_FILES: Final = ("dummy-source", "prompt-template")
"""What MLflow's clients give for a prompt, which has none."""


def bring(
    parts: Parts, source: str, *, run_id: str = "", model_id: str = "", tags: Mapping[str, str] | None = None
) -> Brought:
    """Keep the files that *source* means for a version, if the run *run_id* or the model *model_id* has them.

    A model (a folder with ``MLmodel``) is verified, none of its code is run, and it is kept under its digest.
    What is no model, or is not there yet, and what lies in somebody else's bucket is written down only: its
    digest and location are empty. Raises InvalidUri for any other *source*, and InvalidModel for a model that
    is not what was saved.
    """
    if (tags or {}).get(_PROMPT, "").lower() == "true" and source in _NO_FILES:
        return Brought(source, "", "", run_id)
    match scheme_of(source):
        case "runs":
            return _of_run(parts, source, run_id)
        case "models":
            return _of_model(parts, source, run_id, model_id)
        case _:
            return _of_place(parts, source, run_id, model_id)


def _of_run(parts: Parts, source: str, run_id: str) -> Brought:
    asked = RunPath.parse(ModelRef.parse(source))
    if asked.run_id != run_id:
        raise _refused(source, "the parameter run_id must name the same run")
    root = _root_of_run(parts, run_id, source)
    return _kept(parts, require_path(f"{root}/{asked.path}"), source, run_id)


def _of_model(parts: Parts, source: str, run_id: str, model_id: str) -> Brought:
    ref = ModelRef.parse(source)
    logged = ref.logged_model
    if logged is None:
        return _copied(version_of(parts, RegistryName.parse(ref)), run_id)
    if model_id not in ("", logged):
        raise _refused(source, "the parameter model_id must name the same model")
    root, made_by = _root_of_model(parts, logged, source)
    return _kept(parts, root, source, run_id or made_by)


def _of_place(parts: Parts, source: str, run_id: str, model_id: str) -> Brought:
    path = path_of(source.rstrip("/"), parts, what="model version source")
    if path is None:
        return Brought(source, "", "", run_id)
    roots = []
    if run_id:
        roots.append(_root_of_run(parts, run_id, source))
    if model_id:
        roots.append(_root_of_model(parts, model_id, source)[0])
    if not any(path == root or path.startswith(f"{root}/") for root in roots):
        raise _refused(
            source, "give the run_id of the run, or the model_id of the model, that has these files"
        )
    return _kept(parts, path, f"{PROXY}/{path}", run_id)


def _kept(parts: Parts, path: str, source: str, run_id: str) -> Brought:
    try:
        parts.files.root.open(f"{path}/{layout.DOCUMENT}").close()
    except NotFound:
        # MLflow registers places that hold no model, or not yet: so scripts do, and nothing is vouched for.
        return Brought(source, "", "", run_id)
    with parts.files.root.folder(path) as folder:
        digest = parts.files.root.keep(open_directory(folder))
    return Brought(source, digest, location_of(digest), run_id)


def _copied(version: ModelVersion, run_id: str) -> Brought:
    """The files of *version* once more; what it only tells of is told of again, without a step between."""
    known = f"models:/{version.name}/{version.version}" if version.location else version.source
    return Brought(known, version.digest, version.location, run_id or version.run_id)


def version_of(parts: Parts, name: RegistryName) -> ModelVersion:
    """The version that *name* means now. Raises NotFound."""
    store = parts.registry("")
    if name.version is not None:
        return store.get_version(name.name, name.version)
    if name.alias is not None:
        return store.get_version_by_alias(name.name, name.alias)
    stages = () if name.is_latest else (require_stage(name.stage or ""),)
    found = store.latest_versions(name.name, stages)
    if not found:
        raise NotFound(f"{shorten(repr(name.name), 80)} version", name.stage or "latest")
    return max(found, key=lambda one: one.version)


def _root_of_run(parts: Parts, run_id: str, source: str) -> str:
    try:
        location = parts.tracking.get_run(run_id).info.artifact_uri
    except NotFound as error:
        raise _refused(source, "there is no such run as run_id says") from error
    return parts.files.place(location)


def _root_of_model(parts: Parts, model_id: str, source: str) -> tuple[str, str]:
    """Where the files of a logged model are, and the run that made it."""
    try:
        found = SqlLoggedModels(parts.database).get(model_id)
    except NotFound as error:
        raise _refused(source, "there is no such model as model_id says") from error
    return parts.files.place(found.artifact_uri), found.source_run_id


def _refused(source: str, why: str) -> InvalidUri:
    return InvalidUri(f"Invalid model version source {shorten(repr(source), 100)}: {why}")
