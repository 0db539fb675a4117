"""The calls of MlflowClient for registered models."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from modelpack.artifacts.root import ArtifactRoot
from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.registry import STAGES, Registry
from modelpack.resolve import locate
from modelpack.tracking.opening import Tracking
from modelpack.tracking.registered import ModelVersion, PagedList, RegisteredModel
from modelpack.uris import ModelRef, RunPath


class RegistryCalls(ABC):
    """Registered models, their versions, stages, aliases and tags. Versions are numbers or text of digits."""

    @property
    @abstractmethod
    def registry(self) -> Registry:
        """The registry."""

    @property
    @abstractmethod
    def tracking(self) -> Tracking:
        """The store of runs, and their files."""

    def create_registered_model(
        self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None
    ) -> RegisteredModel:
        """Enter a name. Raises AlreadyExists."""
        given = {key: str(value) for key, value in (tags or {}).items()}
        return RegisteredModel.of(self.registry.create_model(name, description=description or "", tags=given))

    def get_registered_model(self, name: str) -> RegisteredModel:
        """What is known of a name. Raises NotFound."""
        return RegisteredModel.of(self.registry.get_model(name))

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a model another name."""
        return RegisteredModel.of(self.registry.rename_model(name, new_name))

    def update_registered_model(self, name: str, description: str | None = None) -> RegisteredModel:
        """Replace the description."""
        return RegisteredModel.of(self.registry.update_model(name, description=description or ""))

    def delete_registered_model(self, name: str) -> None:
        """Forget a name and its versions."""
        self.registry.delete_model(name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList:
        """Models for which the filter holds."""
        page = self.registry.search_models(
            filter_string or "", order_by=order_by or (), max_results=max_results, page_token=page_token
        )
        return PagedList([RegisteredModel.of(one) for one in page.items], page.next_token)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version in each of *stages*, or in every stage."""
        return [ModelVersion.of(one) for one in self.registry.latest_versions(name, stages or ())]

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Tag a model."""
        self.registry.set_tag(name, key, str(value))

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a model."""
        self.registry.delete_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: int | str) -> None:
        """Let *alias* mean *version* from now on."""
        self.registry.set_alias(name, alias, _number(version))

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Let *alias* mean nothing."""
        self.registry.delete_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that *alias* means."""
        return ModelVersion.of(self.registry.get_version_by_alias(name, alias))

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
    ) -> ModelVersion:
        """Register the model directory *source* as the next version of *name*; its files are verified.

        *source* may be ``runs:/…``, ``models:/…`` or a place. *run_link* is for servers of a vendor's own,
        and refused.
        """
        if run_link:
            raise InvalidName("run_link names a page of another vendor's server; note it as a tag")
        given = {key: str(value) for key, value in (tags or {}).items()}
        place, run = self._place(source)
        found = self.registry.register(
            place,
            name,
            source="" if place == source else source,
            run_id=run_id or run,
            description=description or "",
            tags=given,
        )
        return ModelVersion.of(found)

    def update_model_version(
        self, name: str, version: int | str, description: str | None = None
    ) -> ModelVersion:
        """Replace the description of a version."""
        return ModelVersion.of(
            self.registry.update_version(name, _number(version), description=description or "")
        )

    def transition_model_version_stage(
        self, name: str, version: int | str, stage: str, archive_existing_versions: bool = False
    ) -> ModelVersion:
        """Move a version to a stage, and with *archive_existing_versions* the others of that stage away."""
        return ModelVersion.of(
            self.registry.promote(name, _number(version), stage, archive_existing=archive_existing_versions)
        )

    def delete_model_version(self, name: str, version: int | str) -> None:
        """Forget a version."""
        self.registry.delete_version(name, _number(version))

    def get_model_version(self, name: str, version: int | str) -> ModelVersion:
        """One version. Raises NotFound."""
        return ModelVersion.of(self.registry.get_version(name, _number(version)))

    def get_model_version_download_uri(self, name: str, version: int | str) -> str:
        """Where the files of a version lie."""
        return str(self.registry.path(self.registry.get_version(name, _number(version))))

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10_000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList:
        """Versions for which the filter holds, newest first."""
        page = self.registry.search_versions(
            filter_string or "", order_by=order_by or (), max_results=max_results, page_token=page_token
        )
        return PagedList([ModelVersion.of(one) for one in page.items], page.next_token)

    def set_model_version_tag(
        self, name: str, version: int | str | None = None, key: str = "", value: Any = "", stage: str = ""
    ) -> None:
        """Tag a version, or the newest one of a *stage*."""
        self.registry.set_tag(name, key, str(value), version=self._version(name, version, stage))

    def delete_model_version_tag(
        self, name: str, version: int | str | None = None, key: str = "", stage: str = ""
    ) -> None:
        """Remove a tag of a version, or of the newest one of a *stage*."""
        self.registry.delete_tag(name, key, version=self._version(name, version, stage))

    def get_model_version_stages(self, name: str, version: int | str) -> list[str]:
        """The stages that a version may be in."""
        self.registry.get_version(name, _number(version))
        return list(STAGES)

    def _version(self, name: str, version: int | str | None, stage: str) -> int:
        if version is not None:
            return _number(version)
        found = self.registry.latest_versions(name, [stage] if stage else ())
        if not found:
            raise NotFound(f"{shorten(repr(name), 80)} version in stage", stage or "any")
        return found[0].version

    def _place(self, source: str) -> tuple[str, str]:
        """Where *source* is for our registry, and the run it is of; a server follows references itself."""
        ref = ModelRef.parse(source)
        if ref.scheme != "runs":
            return source, ""
        asked = RunPath.parse(ref)
        if self.registry.is_remote:
            return source, asked.run_id
        root = self.tracking.store.get_run(asked.run_id).info.artifact_uri
        place = ArtifactRoot.read(os.environ).follow(ModelRef.parse(f"{root}/{asked.path}"))
        return str(place if place.scheme == "file" else locate(place)), asked.run_id


def _number(version: int | str) -> int:
    text = str(version)
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise InvalidName(f"a version is a number from 1 on, not {shorten(repr(version), 60)}")
    return int(text)
