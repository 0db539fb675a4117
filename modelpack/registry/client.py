"""Registry: names for models, and the files behind them."""

import getpass
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from modelpack.artifacts.memory import Memory
from modelpack.errors import NotFound, shorten
from modelpack.registry.names import STAGES, require_name, require_tags, require_text
from modelpack.registry.opening import open_parts
from modelpack.registry.records import ModelVersion, Move, Page, RegisteredModel
from modelpack.registry.store import NOT_GIVEN, Expected
from modelpack.uris import ModelRef, RegistryName


class Registry:
    """Registered models: their versions, stages, aliases, tags and history; a context manager.

    *uri* is ``sqlite:///FILE``, ``postgresql://…``, or ``http://…`` for a real MLflow server; left out,
    ``MODELPACK_REGISTRY_URI``,
    ``MLFLOW_REGISTRY_URI``, ``MLFLOW_TRACKING_URI`` or ``registry.db`` in ``$MODELPACK_HOME``. *artifacts* is
    the folder that keeps the files, or ``s3://BUCKET/FOLDER``; left out, ``MODELPACK_ARTIFACT_ROOT`` or
    ``$MODELPACK_HOME/artifacts``.
    *user* stands in the history; left out, ``MODELPACK_USER`` or the login name. Without *create*, a registry
    that does not exist is NotFound; with *upgrade*, one of an older modelpack is brought up to this one.
    Of a server none of the three is ours to choose; what it cannot do raises Unsupported.

    Every method is one transaction, durable when it returns. What does not exist raises NotFound, which says
    what does; names outside their grammar raise InvalidName; a busy or absent database StoreUnavailable.
    A model is never loaded here, and none of its code runs.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        artifacts: Path | str | None = None,
        user: str | None = None,
        create: bool = True,
        upgrade: bool = False,
    ) -> None:
        environ = os.environ
        self._store, self._files = open_parts(
            uri,
            environ,
            artifacts=artifacts,
            user=user or _user(environ),
            create=create,
            upgrade=upgrade,
        )
        self._memory = Memory(environ)

    @property
    def is_remote(self) -> bool:
        """Whether an MLflow server keeps names and files, and so follows references of its own."""
        return self._files.is_remote

    def create_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Enter *name*, without versions; AlreadyExists when it is taken."""
        return self._store.create_model(name, description=description, tags=tags or {})

    def get_model(self, name: str) -> RegisteredModel:
        """What is known of *name*."""
        return self._store.get_model(name)

    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        """Call *name* *new_name*; versions, aliases and history follow. AlreadyExists when it is taken."""
        return self._store.rename_model(name, new_name)

    def update_model(self, name: str, *, description: str) -> RegisteredModel:
        """Replace the description."""
        return self._store.update_model(name, description=description)

    def delete_model(self, name: str) -> None:
        """Forget *name* and all its versions. Their files and their moves stay."""
        self._store.delete_model(name)

    def search_models(
        self,
        filter: str = "",  # noqa: A002 - what MLflow calls it
        *,
        order_by: Sequence[str] = (),
        max_results: int = 100,
        page_token: str | None = None,
    ) -> Page[RegisteredModel]:
        """Models for which *filter* holds: ``name LIKE 'churn%' AND tags.team = 'growth'``.

        *order_by* holds ``name``, ``last_updated_timestamp`` or ``creation_timestamp``, with ``DESC`` or not.
        Raises InvalidFilter; `modelpack.filters` has the grammar.
        """
        return self._store.search_models(
            filter, order_by=order_by, max_results=max_results, page_token=page_token
        )

    def register(
        self,
        ref: str | Path | ModelRef,
        name: str,
        *,
        source: str = "",
        run_id: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Copy the model directory *ref* into the registry, as the next version of *name*.

        *name* is entered when it is new. The directory is verified (DamagedModel), its files are kept under
        their digest, and the version comes into being last: it exists whole or not at all. *ref* is a path,
        ``file://…`` or ``models:/…`` of this registry; it is recorded as the *source* unless that is given,
        and likewise the model's own *run_id*.

        An MLflow server records where the files are as their source. A path is uploaded to the run *run_id*,
        or to a new one; what the server reaches itself (``runs:/…``, ``s3://…``) is verified and left there.
        """
        require_name(name)
        for what, text in (("source", source), ("run id", run_id), ("description", description)):
            require_text(what, text)
        given = require_tags(tags)
        brought = self._files.bring(
            ModelRef.parse(ref), name, source=source, run_id=run_id, locate=self.locate
        )
        return self._store.create_version(
            name,
            source=brought.source,
            digest=brought.digest,
            location=brought.location,
            run_id=brought.run_id,
            description=description,
            tags=given,
        )

    def get_version(self, name: str, version: int) -> ModelVersion:
        """One version."""
        return self._store.get_version(name, version)

    def search_versions(
        self,
        filter: str = "",  # noqa: A002 - what MLflow calls it
        *,
        order_by: Sequence[str] = (),
        max_results: int = 100,
        page_token: str | None = None,
    ) -> Page[ModelVersion]:
        """Versions for which *filter* holds: ``name = 'churn' AND version_number > 3``.

        Its keys are ``name``, ``run_id``, ``source_path``, ``version_number``, ``stage``, ``digest``,
        ``creation_timestamp``, ``last_updated_timestamp`` and ``tags.KEY``. The newest comes first.
        """
        return self._store.search_versions(
            filter, order_by=order_by, max_results=max_results, page_token=page_token
        )

    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Replace the description."""
        return self._store.update_version(name, version, description=description)

    def delete_version(self, name: str, version: int) -> None:
        """Forget *version* and its aliases. Its number is never given again; its files and moves stay."""
        self._store.delete_version(name, version)

    def latest_versions(self, name: str, stages: Sequence[str] = ()) -> tuple[ModelVersion, ...]:
        """The highest version in each of *stages*, or in every stage when there are none given."""
        return self._store.latest_versions(name, stages)

    def promote(
        self,
        name: str,
        version: int,
        stage: str,
        *,
        archive_existing: bool = False,
        expected: Expected = NOT_GIVEN,
    ) -> ModelVersion:
        """Move *version* to *stage*: None, Staging, Production or Archived, in any letter case.

        With *archive_existing*, the others of that stage move to Archived in the same instant. *expected* is
        the version that alone holds the stage now, or None for nobody; if that is not so, nothing happens but
        Conflict. Both go with Staging and Production only, else InvalidName.
        """
        return self._store.promote(name, version, stage, archive_existing=archive_existing, expected=expected)

    def set_alias(self, name: str, alias: str, version: int, *, expected: Expected = NOT_GIVEN) -> None:
        """Let *alias* mean *version* from now on; *expected* is what it means now, as in promote()."""
        self._store.set_alias(name, alias, version, expected=expected)

    def delete_alias(self, name: str, alias: str) -> None:
        """Let *alias* mean nothing; that it meant nothing before is no error."""
        self._store.delete_alias(name, alias)

    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that *alias* means."""
        return self._store.get_version_by_alias(name, alias)

    def set_tag(self, name: str, key: str, value: str, *, version: int | None = None) -> None:
        """Tag the model, or one version of it."""
        self._store.set_tag(name, key, value, version=version)

    def delete_tag(self, name: str, key: str, *, version: int | None = None) -> None:
        """Remove a tag; that there was none is no error."""
        self._store.delete_tag(name, key, version=version)

    def history(self, name: str, *, version: int | None = None) -> list[Move]:
        """Every move of a stage or an alias, oldest first; also of a model that was deleted."""
        return self._store.history(name, version=version)

    def locate(self, ref: RegistryName) -> ModelVersion:
        """The version that ``models:/NAME/3``, ``/Production``, ``/latest`` or ``@alias`` means now.

        With ``MODELPACK_USE_CACHED=1``, the one that it meant last while the registry cannot be reached.
        """
        return self._memory.value(repr(ref), lambda: self._locate(ref), ModelVersion)

    def _locate(self, ref: RegistryName) -> ModelVersion:
        if ref.version is not None:
            return self.get_version(ref.name, ref.version)
        if ref.alias is not None:
            return self.get_version_by_alias(ref.name, ref.alias)
        versions = self.latest_versions(ref.name)
        if not ref.is_latest:
            versions = self._in_stage(versions, ref)
        if not versions:
            raise NotFound(f"{shorten(repr(ref.name), 80)} version", "latest", hint="it has none yet")
        return max(versions, key=lambda one: one.version)

    def path(self, version: ModelVersion) -> Path:
        """Where the files of *version* lie on this disk, for reading only."""
        return self._files.path(version)

    def close(self) -> None:
        """Let go of connections."""
        self._store.close()
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _in_stage(self, versions: Sequence[ModelVersion], ref: RegistryName) -> tuple[ModelVersion, ...]:
        what = f"{shorten(repr(ref.name), 80)} stage"
        stages = {stage.lower(): stage for stage in STAGES}
        stage = stages.get((ref.stage or "").lower())
        if stage is None:
            raise NotFound(what, ref.stage, known=[*STAGES, "latest"])
        found = tuple(one for one in versions if one.stage == stage)
        if not found:
            known = [f"version {one.version} in {one.stage}" for one in versions]
            raise NotFound(f"{shorten(repr(ref.name), 80)} version in stage", stage, known=known)
        return found


def _user(environ: Mapping[str, str]) -> str:
    if environ.get("MODELPACK_USER"):
        return environ["MODELPACK_USER"]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number and no name.
        return f"uid {os.getuid()}"
