"""Models, versions, stages, aliases, tags and files from a registry of MLflow's into ours.

A version keeps its number. What came says so in its tags: a second run takes it for done, and one that was
broken off goes on where it stopped. Nothing that is in our registry already is changed.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from modelpack.errors import AlreadyExists, Conflict, ModelpackError, NotFound, StoreUnavailable, shorten
from modelpack.importing.sources import Source
from modelpack.registry.client import Registry
from modelpack.registry.records import ModelVersion, RegisteredModel

FROM: Final = "modelpack.imported_from"
"""The tag of a version that came so: where it was."""
BEGUN: Final = "modelpack.import_begun"
"""The tag of one whose stage and aliases may not have come yet."""

Result = Literal["imported", "here already", "not imported"]

_PAGE: Final = 1_000
_IS_PROMPT: Final = "mlflow.prompt.is_prompt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one version; *version* is None for a model as a whole. *reason* tells why not."""

    name: str
    version: int | None
    result: Result
    reason: str = ""


def copy_models(source: Source, registry: Registry, *, names: Collection[str] = ()) -> Iterator[Outcome]:
    """Copy the models called *names*, or all of them, one version after the other.

    Each outcome is told when it is durable. Raises StoreUnavailable when *source* or *registry* as a whole
    cannot be asked.
    """
    for model in source.models():
        if not names or model.name in names:
            yield from _Copy(source, registry, model).run()


class _Copy:
    """One model on its way."""

    def __init__(self, source: Source, registry: Registry, model: RegisteredModel) -> None:
        self._source, self._registry, self._model = source, registry, model
        self._name = model.name
        # Numbers up to this one have been given here, and are never given again.
        self._passed = 0

    def run(self) -> Iterator[Outcome]:
        if self._model.tags.get(_IS_PROMPT, "").lower() == "true":
            yield self._no(None, "it is a prompt, and has no files")
            return
        try:
            self._enter()
            versions = self._source.versions(self._name)
            here = self._here()
        except StoreUnavailable:
            raise
        except ModelpackError as error:
            yield self._no(None, str(error))
            return
        waits_for: int | None = None
        for version in versions:
            if waits_for is not None and version.version not in here:
                yield self._no(version.version, f"it waits for version {waits_for}, which has to come first")
                continue
            try:
                yield self._one(version, here.get(version.version))
            except StoreUnavailable as error:
                waits_for = version.version
                yield self._no(version.version, str(error))
            except ModelpackError as error:
                yield self._no(version.version, str(error))

    def _one(self, theirs: ModelVersion, ours: ModelVersion | None) -> Outcome:
        number = theirs.version
        if ours is not None and ours.tags.get(FROM) != self._label(number):
            return self._no(number, "another version has this number here")
        if ours is not None:
            if BEGUN not in ours.tags:
                return Outcome(self._name, number, "here already")
            self._finish(theirs)
            return Outcome(self._name, number, "imported")
        if theirs.status != "READY":
            return self._no(number, f"its status is {shorten(theirs.status, 40)}")
        if number <= self._passed:
            return self._no(number, "its number was given here before, and is never given again")
        if not self._register(theirs):
            return self._no(number, "its number was given here before, and is never given again")
        self._finish(theirs)
        return Outcome(self._name, number, "imported")

    def _enter(self) -> None:
        """Enter the name; one that is here keeps what it has."""
        try:
            self._registry.create_model(
                self._name, description=self._model.description, tags=self._model.tags
            )
        except AlreadyExists:
            has = self._registry.get_model(self._name).tags
            for key, value in self._model.tags.items():
                if key not in has:
                    self._registry.set_tag(self._name, key, value)

    def _here(self) -> dict[int, ModelVersion]:
        """Our versions by number. One that a broken run left on its way to a higher number goes."""
        found = {}
        quoted = self._name.replace("'", "''")
        token: str | None = None
        while True:
            page = self._registry.search_versions(
                f"name = '{quoted}'", order_by=["version_number"], max_results=_PAGE, page_token=token
            )
            for version in page:
                label = version.tags.get(FROM, "")
                if BEGUN in version.tags and label != self._label(version.version):
                    self._registry.delete_version(self._name, version.version)
                else:
                    found[version.version] = version
            token = page.next_token
            if token is None:
                return found

    def _register(self, theirs: ModelVersion) -> bool:
        """Make the version under its own number; False when that has passed.

        The registry gives one number after the other: those that the source has deleted, or that cannot come,
        are given and taken back, and so never given again here either.
        """
        path = self._source.path(theirs)
        while True:
            made = self._registry.register(
                path,
                self._name,
                source=theirs.source,
                run_id=theirs.run_id,
                description=theirs.description,
                tags={**theirs.tags, FROM: self._label(theirs.version), BEGUN: "true"},
            )
            if made.version == theirs.version:
                return True
            self._registry.delete_version(self._name, made.version)
            self._passed = max(self._passed, made.version)
            if made.version > theirs.version:
                return False

    def _finish(self, theirs: ModelVersion) -> None:
        """Bring the stage and the aliases; an alias that means something here keeps its meaning."""
        number = theirs.version
        if theirs.stage != "None":
            self._registry.promote(self._name, number, theirs.stage)
        for alias, meant in self._model.aliases.items():
            if meant == number:
                with suppress(Conflict):
                    self._registry.set_alias(self._name, alias, number, expected=None)
        with suppress(NotFound):
            self._registry.delete_tag(self._name, BEGUN, version=number)

    def _label(self, number: int) -> str:
        return f"{self._source.name} {self._name} {number}"

    def _no(self, number: int | None, reason: str) -> Outcome:
        return Outcome(self._name, number, "not imported", reason)
