"""The registry store in a SQL database: each method is one transaction."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, and_, delete, insert, update
from sqlalchemy.exc import IntegrityError

from modelpack.errors import AlreadyExists, Conflict, NotFound, shorten
from modelpack.registry import moves
from modelpack.registry.names import (
    STAGES,
    require_alias,
    require_key,
    require_name,
    require_stage,
    require_tags,
    require_text,
)
from modelpack.registry.records import ModelVersion, Move, Page, RegisteredModel
from modelpack.registry.rows import (
    model_row,
    models_of,
    version_row,
    versions_of,
)
from modelpack.registry.search import MODELS, VERSIONS, search
from modelpack.registry.store import Expected
from modelpack.registry.tables import model_tags, models, version_tags, versions
from modelpack.sql import Database

_ATTEMPTS: Final = 10


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class SqlStore:
    """A RegistryStore in *database*, on behalf of *user*; what happens when is told by *clock*.

    Every change of a model begins by locking its row, so changes of one model happen one after the other.
    """

    def __init__(self, database: Database, *, user: str, clock: Callable[[], int] = now) -> None:
        self._database = database
        self._user = require_text("user", user)
        self._clock = clock

    def create_model(self, name: str, *, description: str, tags: Mapping[str, str]) -> RegisteredModel:
        require_name(name)
        require_text("description", description)
        given = require_tags(tags)

        def act(connection: Connection) -> RegisteredModel:
            with _taken(name):
                self._enter(connection, name, description)
            row = model_row(connection, name, lock=True)
            if given:
                connection.execute(insert(model_tags), _tag_rows(given, model=row.id))
            return _model(connection, name)

        return self._database.write(act)

    def get_model(self, name: str) -> RegisteredModel:
        with self._database.read() as connection:
            return _model(connection, name)

    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        require_name(new_name)

        def act(connection: Connection) -> RegisteredModel:
            row = model_row(connection, name, lock=True)
            renamed = update(models).where(models.c.id == row.id)
            with _taken(new_name):
                connection.execute(renamed.values(name=new_name, updated=self._clock()))
            return _model(connection, new_name)

        return self._database.write(act)

    def update_model(self, name: str, *, description: str) -> RegisteredModel:
        require_text("description", description)

        def act(connection: Connection) -> RegisteredModel:
            row = model_row(connection, name, lock=True)
            changed = update(models).where(models.c.id == row.id)
            connection.execute(changed.values(description=description, updated=self._clock()))
            return _model(connection, name)

        return self._database.write(act)

    def delete_model(self, name: str) -> None:
        def act(connection: Connection) -> None:
            row = model_row(connection, name, lock=True)
            moves.leave(connection, self._hand(), row, None)
            connection.execute(delete(models).where(models.c.id == row.id))

        self._database.write(act)

    def search_models(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[RegisteredModel]:
        with self._database.read() as connection:
            rows, token = search(
                connection, MODELS, where, order_by=order_by, max_results=max_results, page_token=page_token
            )
            return Page(models_of(connection, rows), token)

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
        require_name(name)
        texts = {"source": source, "run id": run_id, "description": description}
        for what, text in (texts | {"run link": run_link, "model id": model_id}).items():
            require_text(what, text)
        given = require_tags(tags)

        def act(connection: Connection) -> ModelVersion:
            model = self._model_to_extend(connection, name)
            number, at = model.newest + 1, self._clock()
            extended = update(models).where(models.c.id == model.id)
            connection.execute(extended.values(newest=number, updated=at))
            connection.execute(
                insert(versions).values(
                    model=model.id,
                    number=number,
                    stage="None",
                    source=source,
                    digest=digest,
                    location=location,
                    run_id=run_id,
                    description=description,
                    status="READY",
                    author=self._user,
                    created=at,
                    updated=at,
                    run_link=run_link,
                    model_id=model_id,
                )
            )
            if given:
                connection.execute(insert(version_tags), _tag_rows(given, model=model.id, number=number))
            return _version(connection, model, number)

        return self._database.write(act)

    def get_version(self, name: str, version: int) -> ModelVersion:
        with self._database.read() as connection:
            return _version(connection, model_row(connection, name), version)

    def search_versions(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[ModelVersion]:
        with self._database.read() as connection:
            rows, token = search(
                connection, VERSIONS, where, order_by=order_by, max_results=max_results, page_token=page_token
            )
            return Page(versions_of(connection, rows), token)

    def latest_versions(self, name: str, stages: Sequence[str]) -> tuple[ModelVersion, ...]:
        wanted = {require_stage(stage) for stage in stages} or set(STAGES)
        return tuple(version for version in self.get_model(name).latest if version.stage in wanted)

    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        require_text("description", description)

        def act(connection: Connection) -> ModelVersion:
            model = model_row(connection, name, lock=True)
            version_row(connection, model, version)
            is_meant = (versions.c.model == model.id) & (versions.c.number == version)
            changed = update(versions).where(is_meant)
            connection.execute(changed.values(description=description, updated=self._clock()))
            return _version(connection, model, version)

        return self._database.write(act)

    def delete_version(self, name: str, version: int) -> None:
        def act(connection: Connection) -> None:
            model = model_row(connection, name, lock=True)
            version_row(connection, model, version)
            hand = self._hand()
            moves.leave(connection, hand, model, version)
            is_meant = (versions.c.model == model.id) & (versions.c.number == version)
            connection.execute(delete(versions).where(is_meant))
            connection.execute(update(models).where(models.c.id == model.id).values(updated=hand.at))

        self._database.write(act)

    def promote(
        self, name: str, version: int, stage: str, *, archive_existing: bool, expected: Expected
    ) -> ModelVersion:
        target = require_stage(stage)

        def act(connection: Connection) -> ModelVersion:
            model = model_row(connection, name, lock=True)
            return moves.move_stage(
                connection,
                self._hand(),
                model,
                version,
                target,
                archive_existing=archive_existing,
                expected=expected,
            )

        return self._database.write(act)

    def set_alias(self, name: str, alias: str, version: int, *, expected: Expected) -> None:
        require_alias(alias)

        def act(connection: Connection) -> None:
            model = model_row(connection, name, lock=True)
            moves.move_alias(connection, self._hand(), model, alias, version, expected=expected)

        self._database.write(act)

    def delete_alias(self, name: str, alias: str) -> None:
        require_alias(alias)

        def act(connection: Connection) -> None:
            moves.drop_alias(connection, self._hand(), model_row(connection, name, lock=True), alias)

        self._database.write(act)

    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        with self._database.read() as connection:
            model = model_row(connection, name)
            number = moves.meaning(connection, model, alias)
            if number is not None:
                return _version(connection, model, number)
            known = [f"{one} (version {number})" for one, number in _model(connection, name).aliases.items()]
            raise NotFound(f"{shorten(repr(name), 80)} alias", alias, known=known)

    def set_tag(self, name: str, key: str, value: str, *, version: int | None) -> None:
        given = require_tags({key: value})

        def act(connection: Connection) -> None:
            table, place = self._bearer(connection, name, version)
            _drop_tag(connection, table, place, key)
            connection.execute(insert(table), _tag_rows(given, **place))

        self._database.write(act)

    def delete_tag(self, name: str, key: str, *, version: int | None) -> None:
        require_key(key)

        def act(connection: Connection) -> None:
            table, place = self._bearer(connection, name, version)
            _drop_tag(connection, table, place, key)

        self._database.write(act)

    def history(self, name: str, *, version: int | None) -> list[Move]:
        with self._database.read() as connection:
            return moves.history_of(connection, name, version)

    def close(self) -> None:
        self._database.close()

    def _hand(self) -> moves.Hand:
        return moves.Hand(self._user, self._clock())

    def _enter(self, connection: Connection, name: str, description: str = "") -> None:
        at = self._clock()
        entry = insert(models).values(name=name, description=description, created=at, updated=at, newest=0)
        connection.execute(entry)

    def _model_to_extend(self, connection: Connection, name: str) -> Row[Any]:
        for _ in range(_ATTEMPTS):
            try:
                return model_row(connection, name, lock=True)
            except NotFound:
                # Another process may enter the name at this instant: the savepoint keeps our transaction.
                with suppress(IntegrityError), connection.begin_nested():
                    self._enter(connection, name)
        raise Conflict(f"{shorten(repr(name), 80)} is made and deleted by others all the time; try again")

    def _bearer(self, connection: Connection, name: str, number: int | None) -> tuple[Table, dict[str, int]]:
        """The table and the key columns of the tags of a model, or of one of its versions."""
        model = model_row(connection, name, lock=True)
        if number is None:
            return model_tags, {"model": model.id}
        version_row(connection, model, number)
        return version_tags, {"model": model.id, "number": number}


@contextmanager
def _taken(name: str) -> Iterator[None]:
    """Tell that *name* is taken, when the database says so."""
    try:
        yield
    except IntegrityError as error:
        raise AlreadyExists(f"a registered model is called {shorten(repr(name), 120)} already") from error


def _model(connection: Connection, name: str) -> RegisteredModel:
    (model,) = models_of(connection, [model_row(connection, name)])
    return model


def _version(connection: Connection, model: Row[Any], number: int) -> ModelVersion:
    (version,) = versions_of(connection, [version_row(connection, model, number)])
    return version


def _tag_rows(tags: Mapping[str, str], **place: int) -> list[dict[str, Any]]:
    return [place | {"key": key, "value": value} for key, value in tags.items()]


def _drop_tag(connection: Connection, table: Table, place: Mapping[str, int], key: str) -> None:
    is_meant = and_(*(table.c[column] == value for column, value in place.items()), table.c.key == key)
    connection.execute(delete(table).where(is_meant))
