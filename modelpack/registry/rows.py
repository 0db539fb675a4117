"""Records out of rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, literal_column, select, tuple_, union_all

from modelpack.errors import NotFound, shorten
from modelpack.registry.names import LAST_VERSION, is_storable
from modelpack.registry.records import ModelVersion, RegisteredModel
from modelpack.registry.tables import aliases, model_tags, models, version_tags, versions

_AT_ONCE: Final = 400
"""Rows asked for by key in one statement; databases limit its parameters."""
_KNOWN: Final = 1_000
"""Names among which the nearest to a wrong one is looked for."""

version_rows = select(versions, models.c.name).join_from(versions, models)
"""What versions_of() reads."""

# Asked for by every change: made once, as making them takes longer than the database does.
_MODEL: Final = select(models).where(models.c.name == bindparam("of"))
_MODEL_LOCKED: Final = _MODEL.with_for_update()
_VERSION: Final = version_rows.where(
    versions.c.model == bindparam("of"), versions.c.number == bindparam("one")
)
_NOTES: Final = union_all(
    select(literal_column("1").label("is_tag"), version_tags.c.key, version_tags.c.value).where(
        version_tags.c.model == bindparam("of"), version_tags.c.number == bindparam("one")
    ),
    select(literal_column("0"), aliases.c.alias, literal_column("''")).where(
        aliases.c.model == bindparam("of"), aliases.c.number == bindparam("one")
    ),
).order_by(version_tags.c.key)


def models_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[RegisteredModel, ...]:
    """Rows of *models* with all that belongs to them."""
    latest: dict[int, list[ModelVersion]] = defaultdict(list)
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    meanings: dict[int, dict[str, int]] = defaultdict(dict)
    for some in _chunks([row.id for row in rows]):
        for row in connection.execute(select(model_tags).where(model_tags.c.model.in_(some)).order_by("key")):
            tags[row.model][row.key] = row.value
        for row in connection.execute(select(aliases).where(aliases.c.model.in_(some)).order_by("alias")):
            meanings[row.model][row.alias] = row.number
        found = connection.execute(version_rows.where(versions.c.model.in_(some), _is_latest)).all()
        for row, version in zip(found, versions_of(connection, found), strict=True):
            latest[row.model].append(version)
    return tuple(
        RegisteredModel(
            name=row.name,
            description=row.description,
            tags=tags[row.id],
            created=row.created,
            updated=row.updated,
            latest=tuple(sorted(latest[row.id], key=lambda one: one.version)),
            aliases=meanings[row.id],
        )
        for row in rows
    )


_other = versions.alias()
_is_latest = versions.c.number == (
    select(func.max(_other.c.number))
    .where(_other.c.model == versions.c.model, _other.c.stage == versions.c.stage)
    .scalar_subquery()
)


def versions_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[ModelVersion, ...]:
    """Rows of *version_rows* with their tags and aliases."""
    if len(rows) == 1:
        (row,) = rows
        notes = connection.execute(_NOTES, {"of": row.model, "one": row.number}).all()
        known = {note.key: note.value for note in notes if note.is_tag}
        return (_told(row, known, [note.key for note in notes if not note.is_tag]),)
    tags: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for some in _chunks([(row.model, row.number) for row in rows]):
        for table, order in ((version_tags, "key"), (aliases, "alias")):
            is_one = tuple_(table.c.model, table.c.number).in_(some)
            for row in connection.execute(select(table).where(is_one).order_by(order)):
                if table is aliases:
                    names[row.model, row.number].append(row.alias)
                else:
                    tags[row.model, row.number][row.key] = row.value
    return tuple(_told(row, tags[row.model, row.number], names[row.model, row.number]) for row in rows)


def _told(row: Row[Any], tags: Mapping[str, str], names: Iterable[str]) -> ModelVersion:
    return ModelVersion(
        name=row.name,
        version=row.number,
        stage=row.stage,
        source=row.source,
        digest=row.digest,
        location=row.location,
        run_id=row.run_id,
        description=row.description,
        tags=tags,
        aliases=tuple(names),
        created=row.created,
        updated=row.updated,
        status=row.status,
        user=row.author,
        run_link=row.run_link,
        model_id=row.model_id,
        status_message=row.status_message,
    )


def model_row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    """The row of *name*, with *lock* so that nobody else changes this model until the transaction ends."""
    found = None
    if is_storable(name):
        found = connection.execute(_MODEL_LOCKED if lock else _MODEL, {"of": name}).one_or_none()
    if found is None:
        known = connection.scalars(select(models.c.name).order_by(models.c.name).limit(_KNOWN)).all()
        raise NotFound("registered model", name, known=known, hint="" if known else "none is registered yet")
    return found


def version_row(connection: Connection, model: Row[Any], number: int) -> Row[Any]:
    """The row of one version of *model*."""
    found = None
    if 0 < number <= LAST_VERSION:
        found = connection.execute(_VERSION, {"of": model.id, "one": number}).one_or_none()
    if found is None:
        raise NotFound(
            f"{shorten(repr(model.name), 80)} version", number, known=known_versions(connection, model)
        )
    return found


def known_versions(connection: Connection, model: Row[Any]) -> list[str]:
    """The versions of *model* for a person, newest first: ``3 (Production)``."""
    statement = select(versions.c.number, versions.c.stage).where(versions.c.model == model.id)
    rows = connection.execute(statement.order_by(versions.c.number.desc()).limit(_KNOWN))
    return [f"{row.number} ({row.stage})" for row in rows]


def _chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
