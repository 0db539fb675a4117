"""A folder of MLflow's files, ``mlruns``, to import from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from modelpack.directory import strictyaml
from modelpack.errors import InvalidModel, NotFound, shorten
from modelpack.importing.local import LocalPlaces
from modelpack.registry.records import ModelVersion, RegisteredModel

_META: Final = "meta.yaml"
_LARGEST: Final = 1 << 20


class FolderSource:
    """See Source. The folder *root* is as MLflow's file store writes it."""

    def __init__(self, root: Path, places: LocalPlaces) -> None:
        self._root, self._places = root, places
        self.name = str(root)

    def models(self) -> Iterator[RegisteredModel]:
        """See Source."""
        for folder in sorted((self._root / "models").glob("*")):
            if (folder / _META).is_file():
                yield self._model(folder)

    def versions(self, name: str) -> list[ModelVersion]:
        """See Source."""
        found = [
            self._version(folder)
            for folder in self._model_folder(name).glob("version-*")
            if (folder / _META).is_file()
        ]
        # What MLflow deletes it marks so, and keeps.
        kept = [one for one in found if one.stage != "Deleted_Internal"]
        return sorted(kept, key=lambda one: one.version)

    def path(self, version: ModelVersion) -> Path:
        """See Source."""
        return self._places.path(version.location or version.source, self)

    def run_place(self, run_id: str) -> str:
        """See Runs."""
        return self._place(f"*/{run_id}/{_META}", "artifact_uri", "run", run_id)

    def logged_place(self, model_id: str) -> str:
        """See Runs."""
        return self._place(f"*/models/{model_id}/{_META}", "artifact_location", "logged model", model_id)

    def close(self) -> None:
        """See Source."""
        self._places.close()

    def _place(self, pattern: str, key: str, kind: str, name: str) -> str:
        for file in self._root.glob(pattern):
            if place := _read(file).get(key):
                return str(place)
        raise NotFound(kind, name, hint=f"it was looked for in {shorten(self.name, 100)}")

    def _model_folder(self, name: str) -> Path:
        return self._root / "models" / name

    def _model(self, folder: Path) -> RegisteredModel:
        told = _read(folder / _META)
        aliases = {one.name: _text(one) for one in sorted((folder / "aliases").glob("*")) if one.is_file()}
        return RegisteredModel(
            name=str(told.get("name", folder.name)),
            description=str(told.get("description") or ""),
            tags=_tags(folder),
            created=_number(told, "creation_timestamp"),
            updated=_number(told, "last_updated_timestamp"),
            latest=(),
            aliases={alias: int(text) for alias, text in aliases.items() if text.isdigit()},
        )

    def _version(self, folder: Path) -> ModelVersion:
        told = _read(folder / _META)
        return ModelVersion(
            name=str(told.get("name", folder.parent.name)),
            version=_number(told, "version"),
            stage=str(told.get("current_stage") or "None"),
            source=str(told.get("source") or ""),
            digest="",
            location=str(told.get("storage_location") or ""),
            run_id=str(told.get("run_id") or ""),
            description=str(told.get("description") or ""),
            tags=_tags(folder),
            aliases=(),
            created=_number(told, "creation_timestamp"),
            updated=_number(told, "last_updated_timestamp"),
            status=str(told.get("status") or "READY"),
            user=str(told.get("user_id") or ""),
        )


def _tags(folder: Path) -> dict[str, str]:
    # A tag's key may hold slashes: then it is a path.
    root = folder / "tags"
    return {
        file.relative_to(root).as_posix(): _text(file) for file in sorted(root.rglob("*")) if file.is_file()
    }


def _read(file: Path) -> Mapping[str, Any]:
    return strictyaml.parse(_text(file).encode())


def _text(file: Path) -> str:
    if file.is_symlink() or file.stat().st_size > _LARGEST:
        raise InvalidModel(f"{shorten(str(file), 160)} is a link, or larger than any that MLflow writes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidModel(f"{shorten(str(file), 160)} is no text") from error


def _number(told: Mapping[str, Any], key: str) -> int:
    value = told.get(key, 0)
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else 0
