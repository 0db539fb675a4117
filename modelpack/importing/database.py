"""The SQLite file of an MLflow server or client, to import from; it is opened for reading only."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelpack.errors import InvalidModel, NotFound, shorten
from modelpack.importing.local import LocalPlaces
from modelpack.registry.records import ModelVersion, RegisteredModel


class DatabaseSource:
    """See Source. *file* holds the tables of MLflow 1.0 or newer; what older ones lack is taken for empty."""

    def __init__(self, file: Path, places: LocalPlaces) -> None:
        self._places = places
        self.name = f"sqlite:///{file}"
        with _refusals(self.name):
            self._connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
            self._connection.row_factory = sqlite3.Row

    def models(self) -> Iterator[RegisteredModel]:
        """See Source."""
        for row in self._rows("registered_models", order="name"):
            tags = self._rows("registered_model_tags", name=row["name"])
            aliases = self._rows("registered_model_aliases", name=row["name"])
            yield RegisteredModel(
                name=row["name"],
                description=row.get("description") or "",
                tags={one["key"]: one["value"] or "" for one in tags},
                created=row.get("creation_time") or 0,
                updated=row.get("last_updated_time") or 0,
                latest=(),
                aliases={one["alias"]: int(one["version"]) for one in aliases},
            )

    def versions(self, name: str) -> list[ModelVersion]:
        """See Source."""
        found = []
        for row in self._rows("model_versions", order="version", name=name):
            # What MLflow deletes it marks so, and keeps.
            if row.get("current_stage") == "Deleted_Internal":
                continue
            tags = self._rows("model_version_tags", name=name, version=row["version"])
            found.append(_version(row, {one["key"]: one["value"] or "" for one in tags}))
        return found

    def path(self, version: ModelVersion) -> Path:
        """See Source."""
        return self._places.path(version.location or version.source, self)

    def run_place(self, run_id: str) -> str:
        """See Runs."""
        for row in self._rows("runs", run_uuid=run_id):
            return str(row["artifact_uri"])
        raise NotFound("run", run_id, hint=f"it was looked for in {shorten(self.name, 100)}")

    def logged_place(self, model_id: str) -> str:
        """See Runs."""
        for row in self._rows("logged_models", model_id=model_id):
            return str(row["artifact_location"])
        raise NotFound("logged model", model_id, hint=f"it was looked for in {shorten(self.name, 100)}")

    def close(self) -> None:
        """See Source."""
        self._connection.close()
        self._places.close()

    def _rows(self, table: str, *, order: str = "", **where: object) -> list[dict[str, Any]]:
        """The rows of *table*; none where there is no such table: it came with a later MLflow."""
        with _refusals(self.name):
            if not self._connection.execute(f"PRAGMA table_info({table})").fetchall():
                if table == "registered_models":
                    raise InvalidModel(
                        f"{shorten(self.name, 160)} has no table {table}; it is none of MLflow's"
                    )
                return []
            conditions = " AND ".join(f"{column} = ?" for column in where) or "1"
            # Tables and columns are named above, by us; values are bound.
            text = f"SELECT * FROM {table} WHERE {conditions}"  # noqa: S608
            found = self._connection.execute(
                text + (f" ORDER BY {order}" if order else ""), [*where.values()]
            )
            return [dict(row) for row in found]


def _version(row: dict[str, Any], tags: dict[str, str]) -> ModelVersion:
    return ModelVersion(
        name=row["name"],
        version=int(row["version"]),
        stage=row.get("current_stage") or "None",
        source=row.get("source") or "",
        digest="",
        location=row.get("storage_location") or "",
        run_id=row.get("run_id") or "",
        description=row.get("description") or "",
        tags=tags,
        aliases=(),
        created=row.get("creation_time") or 0,
        updated=row.get("last_updated_time") or 0,
        status=row.get("status") or "READY",
        user=row.get("user_id") or "",
    )


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise InvalidModel(
            f"{shorten(name, 160)} cannot be read as MLflow's database: {type(error).__name__}"
        ) from error
