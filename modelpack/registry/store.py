"""What a registry store can do: names, their versions, stages and aliases. It knows no files."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from modelpack.registry.records import ModelVersion, Move, Page, RegisteredModel


class NotGiven:
    """The type of NOT_GIVEN."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()
"""No expectation. None would mean: I expect that nobody holds it."""

Expected = int | None | NotGiven


class RegistryStore(Protocol):
    """Every method is one transaction: done and durable when it returns, or not done at all.

    A name, version, stage or alias that does not exist raises NotFound, which says what does. Names, tags and
    texts outside their grammar raise InvalidName, search texts InvalidFilter. A store that cannot be reached,
    or stays busy, raises StoreUnavailable. ``modelpack.testing.registry`` holds every store to this.
    """

    def create_model(self, name: str, *, description: str, tags: Mapping[str, str]) -> RegisteredModel:
        """Enter *name*, without versions; AlreadyExists when it is taken."""

    def get_model(self, name: str) -> RegisteredModel:
        """What is known of *name*."""

    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        """Call *name* *new_name*; versions, aliases and history follow.

        AlreadyExists when the new name is taken.
        """

    def update_model(self, name: str, *, description: str) -> RegisteredModel:
        """Replace the description."""

    def delete_model(self, name: str) -> None:
        """Forget *name* and all its versions. Their moves stay in the history."""

    def search_models(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[RegisteredModel]:
        """Models for which the filter *where* over ``name`` and ``tags.KEY`` holds, by name first."""

    def create_version(
        self,
        name: str,
        *,
        source: str,
        digest: str,
        location: str,
        run_id: str,
        description: str,
        tags: Mapping[str, str],
        run_link: str = "",
        model_id: str = "",
    ) -> ModelVersion:
        """Give *name* its next version, entering it first if need be. No number is skipped or reused."""

    def get_version(self, name: str, version: int) -> ModelVersion:
        """One version."""

    def search_versions(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[ModelVersion]:
        """Versions *where* a filter holds, newest first unless *order_by* is given.

        Its keys are ``name``, ``run_id``, ``source_path``, ``version_number`` and ``tags.KEY``.
        """

    def latest_versions(self, name: str, stages: Sequence[str]) -> tuple[ModelVersion, ...]:
        """The highest version in each of *stages*, or in every stage when there are none given."""

    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        """Replace the description."""

    def delete_version(self, name: str, version: int) -> None:
        """Forget *version* and its aliases. Its number is never given again."""

    def promote(
        self, name: str, version: int, stage: str, *, archive_existing: bool, expected: Expected
    ) -> ModelVersion:
        """Move *version* to *stage*, and with *archive_existing* all others of that stage to Archived.

        *expected* is the version that alone holds the stage now, or None for nobody; if that is not so,
        nothing happens but Conflict. Both go with Staging and Production only, else InvalidName.
        """

    def set_alias(self, name: str, alias: str, version: int, *, expected: Expected) -> None:
        """Let *alias* mean *version* from now on; *expected* is what it means now, as in promote()."""

    def delete_alias(self, name: str, alias: str) -> None:
        """Let *alias* mean nothing; that it meant nothing before is no error."""

    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that *alias* means."""

    def set_tag(self, name: str, key: str, value: str, *, version: int | None) -> None:
        """Tag the model, or one version of it."""

    def delete_tag(self, name: str, key: str, *, version: int | None) -> None:
        """Remove a tag; that there was none is no error."""

    def history(self, name: str, *, version: int | None) -> list[Move]:
        """Every move of a stage or an alias, oldest first; also of a model that was deleted."""

    def close(self) -> None:
        """Let go of connections."""
