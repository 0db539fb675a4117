"""Moves of stages and aliases, each entered in the history by the transaction that makes it."""

from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from modelpack.errors import Conflict, InvalidName, NotFound, shorten
from modelpack.registry.names import ACTIVE, LAST_VERSION, Stage, is_storable
from modelpack.registry.records import Kind, ModelVersion, Move
from modelpack.registry.rows import model_row, version_row, versions_of
from modelpack.registry.store import NOT_GIVEN, Expected
from modelpack.registry.tables import aliases, models, moves, versions

# Made once: see modelpack.registry.rows.
_HOLDERS: Final = (
    select(versions.c.number)
    .where(versions.c.model == bindparam("of"), versions.c.stage == bindparam("held"))
    .order_by(versions.c.number)
)
_SET_STAGE: Final = (
    update(versions)
    .where(versions.c.model == bindparam("of"), versions.c.number == bindparam("one"))
    .values(stage=bindparam("to"), updated=bindparam("at"))
)
_TOUCH: Final = update(models).where(models.c.id == bindparam("of")).values(updated=bindparam("at"))
_LOG: Final = insert(moves)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who moves things, at which millisecond."""

    user: str
    at: int

    def log(self, connection: Connection, model: Row[Any], entries: list[dict[str, Any]]) -> None:
        """Enter *entries* in the history of *model*, in their order."""
        shared = {"model": model.id, "name": model.name, "author": self.user, "at": self.at}
        if entries:
            connection.execute(_LOG, [shared | entry for entry in entries])


def move_stage(
    connection: Connection,
    hand: Hand,
    model: Row[Any],
    number: int,
    stage: Stage,
    *,
    archive_existing: bool,
    expected: Expected,
) -> ModelVersion:
    """Move a version of the locked *model* to *stage*, and tell it; see RegistryStore.promote()."""
    if stage not in ACTIVE and (archive_existing or expected is not NOT_GIVEN):
        raise InvalidName(
            f"archiving others, or expecting one, goes with {' and '.join(ACTIVE)}, not with {stage}: "
            "any number of versions may be there"
        )
    row = version_row(connection, model, number)
    before = row.stage
    holders = _holders(connection, model, stage)
    if expected is not NOT_GIVEN:
        _require_holder(f"{stage} of {shorten(repr(model.name), 80)}", holders, expected)
    entries = []
    others = [holder for holder in holders if holder != number] if archive_existing else []
    if others:
        entries = [_entry(other, "stage", stage, "Archived") for other in others]
    if before != stage:
        entries.append(_entry(number, "stage", before, stage))
    if entries:
        place = {"of": model.id, "at": hand.at}
        # The others go first: there is no instant with two in Production, not even inside.
        connection.execute(
            _SET_STAGE, [{**place, "one": one["number"], "to": one["after"]} for one in entries]
        )
        hand.log(connection, model, entries)
        connection.execute(_TOUCH, place)
    (told,) = versions_of(connection, [row])
    return told if before == stage else replace(told, stage=stage, updated=hand.at)


def move_alias(
    connection: Connection, hand: Hand, model: Row[Any], alias: str, number: int, *, expected: Expected
) -> None:
    """Let *alias* of the locked *model* mean version *number*; see RegistryStore.set_alias()."""
    version_row(connection, model, number)
    before = meaning(connection, model, alias)
    if expected is not NOT_GIVEN:
        holders = [] if before is None else [before]
        _require_holder(f"alias {shorten(alias, 40)} of {shorten(repr(model.name), 80)}", holders, expected)
    if before == number:
        return
    _drop_alias(connection, model, alias)
    connection.execute(insert(aliases).values(model=model.id, alias=alias, number=number))
    hand.log(connection, model, [_entry(number, "alias", _text(before), str(number), alias)])


def drop_alias(connection: Connection, hand: Hand, model: Row[Any], alias: str) -> None:
    """Let *alias* of the locked *model* mean nothing."""
    before = meaning(connection, model, alias)
    if before is None:
        return
    _drop_alias(connection, model, alias)
    hand.log(connection, model, [_entry(before, "alias", str(before), None, alias)])


def meaning(connection: Connection, model: Row[Any], alias: str) -> int | None:
    """The number that *alias* of *model* means."""
    if not is_storable(alias):
        return None
    means = select(aliases.c.number).where(aliases.c.model == model.id, aliases.c.alias == alias)
    return connection.scalar(means)


def leave(connection: Connection, hand: Hand, model: Row[Any], number: int | None) -> None:
    """Enter that version *number*, or every one, leaves its stage and its aliases: it is to be deleted."""
    of_versions = select(versions.c.number, versions.c.stage).where(
        versions.c.model == model.id, versions.c.stage != "None"
    )
    of_aliases = select(aliases).where(aliases.c.model == model.id)
    if number is not None:
        of_versions = of_versions.where(versions.c.number == number)
        of_aliases = of_aliases.where(aliases.c.number == number)
    staged = connection.execute(of_versions.order_by(versions.c.number)).all()
    meant = connection.execute(of_aliases.order_by(aliases.c.alias)).all()
    hand.log(
        connection,
        model,
        [_entry(row.number, "stage", row.stage, None) for row in staged]
        + [_entry(row.number, "alias", str(row.number), None, row.alias) for row in meant],
    )


def history_of(connection: Connection, name: str, number: int | None) -> list[Move]:
    """The moves of the model called *name*, and of deleted ones that were called so, oldest first."""
    if not is_storable(name):
        model_row(connection, name)
    model = connection.scalar(select(models.c.id).where(models.c.name == name))
    if model is not None and number is not None:
        _require_given(connection, model, number, name)
    is_gone = moves.c.model.not_in(select(models.c.id))
    statement = select(moves).where(or_(moves.c.model == model, (moves.c.name == name) & is_gone))
    if number is not None:
        statement = statement.where(moves.c.number == min(max(number, 0), LAST_VERSION))
    rows = connection.execute(statement.order_by(moves.c.id)).all()
    if model is None and not rows:
        model_row(connection, name)
    return [
        Move(row.name, row.number, row.kind, row.alias, row.before, row.after, row.author, row.at)
        for row in rows
    ]


def _require_given(connection: Connection, model: int, number: int, name: str) -> None:
    newest = connection.scalar(select(models.c.newest).where(models.c.id == model)) or 0
    if not 1 <= number <= newest:
        known = range(1, newest + 1)
        raise NotFound(f"{shorten(repr(name), 80)} version", number, known=known[-12:])


def _holders(connection: Connection, model: Row[Any], stage: Stage) -> list[int]:
    if stage not in ACTIVE:
        return []
    return list(connection.scalars(_HOLDERS, {"of": model.id, "held": stage}))


def _require_holder(what: str, holders: list[int], expected: Expected) -> None:
    if holders == ([] if expected is None else [expected]):
        return
    met = f"held by version {', '.join(map(str, holders[:9]))}" if holders else "held by no version"
    wanted = "no version" if expected is None else f"version {expected}"
    raise Conflict(f"{what} is {met}, and {wanted} was expected; look again before moving it")


def _drop_alias(connection: Connection, model: Row[Any], alias: str) -> None:
    connection.execute(delete(aliases).where(aliases.c.model == model.id, aliases.c.alias == alias))


def _entry(
    number: int, kind: Kind, before: str | None, after: str | None, alias: str | None = None
) -> dict[str, Any]:
    return {"number": number, "kind": kind, "alias": alias, "before": before, "after": after}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
