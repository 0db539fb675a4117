"""Moves of stages and aliases from a page: asked about first, refused when the world moved on meanwhile."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from modelpack.errors import Conflict
from modelpack.registry.names import ACTIVE, require_alias, require_stage
from modelpack.registry.records import ModelVersion
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import NOT_GIVEN, Expected
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import with_query
from modelpack.tracking.ui.rendering import page, redirect
from modelpack.tracking.ui.version import address_of

_NOBODY: Final = "nobody"
_MOST_HOLDERS: Final = 200


@dataclass(frozen=True, slots=True)
class Holders:
    """The *numbers* of the versions that hold a stage; *text* is how a form remembers them."""

    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        """As a form has it."""
        return ",".join(map(str, self.numbers)) or _NOBODY

    @property
    def expected(self) -> Expected:
        """What the store is told to expect: one version, or none. Of several it cannot be told."""
        if len(self.numbers) > 1:
            return NOT_GIVEN
        return self.numbers[0] if self.numbers else None


def ask_stage(ask: Ask) -> Response:
    """Say what a move would do, and ask whether it is meant."""
    registry = ask.parts.registry(ask.caller.name)
    version = registry.get_version(ask.path["name"], ask.version)
    stage = require_stage(ask.one("stage"))
    holders = _holders(registry, version.name, stage)
    return page(
        "stage_asked.html",
        ask,
        version=version,
        stage=stage,
        holders=holders,
        others=[number for number in holders.numbers if number != version.version],
        is_active=stage in ACTIVE,
    )


def move_stage(ask: Ask) -> Response:
    """Make the move, if all is still as it was when it was asked about."""
    registry = ask.parts.registry(ask.caller.name)
    name, number, stage = ask.path["name"], ask.version, require_stage(ask.sent("stage"))
    version = registry.get_version(name, number)
    if version.stage != ask.sent("from"):
        raise Conflict(
            f"version {number} is in {version.stage} now, and was in another stage when you were asked; "
            "somebody else has moved it. Look at it again before you move it"
        )
    expected: Expected = NOT_GIVEN
    if stage in ACTIVE:
        holders = _holders(registry, name, stage)
        if holders.text != ask.sent("held"):
            held = ", ".join(map(str, holders.numbers)) or "nobody"
            raise Conflict(
                f"{stage} was moved while you were asked: {held} holds it now. Look again before you move it"
            )
        expected = holders.expected
    registry.promote(
        name,
        number,
        stage,
        archive_existing=stage in ACTIVE and ask.sent("archive") == "1",
        expected=expected,
    )
    return redirect(with_query(address_of(name, number), told="moved"))


def ask_alias(ask: Ask) -> Response:
    """Say what an alias means now, and ask whether it is to mean this version."""
    registry = ask.parts.registry(ask.caller.name)
    version = registry.get_version(ask.path["name"], ask.version)
    alias = require_alias(ask.one("alias").strip())
    before = registry.get_model(version.name).aliases.get(alias)
    return page(
        "alias_asked.html", ask, version=version, alias=alias, before=before, drops=bool(ask.one("drop"))
    )


def move_alias(ask: Ask) -> Response:
    """Let it mean this version, or nothing, if it still means what it did when it was asked about."""
    registry = ask.parts.registry(ask.caller.name)
    name, number, alias = ask.path["name"], ask.version, require_alias(ask.sent("alias"))
    held = ask.sent("held")
    expected = int(held) if held.isascii() and held.isdigit() and len(held) < 10 else None
    if ask.sent("drop") == "1":
        if registry.get_model(name).aliases.get(alias) != expected:
            raise Conflict(
                f"the alias {alias} was moved while you were asked; look again before you remove it"
            )
        registry.delete_alias(name, alias)
    else:
        registry.set_alias(name, alias, number, expected=expected)
    return redirect(with_query(address_of(name, number), told="alias"))


def _holders(registry: SqlStore, name: str, stage: str) -> Holders:
    quoted = name.replace("'", "''")
    found = registry.search_versions(
        f"name = '{quoted}' AND stage = '{stage}'",
        order_by=["version_number"],
        max_results=_MOST_HOLDERS,
        page_token=None,
    )
    held: list[ModelVersion] = list(found.items)
    return Holders(tuple(one.version for one in held))


PAGES: Final = (
    Page("GET", "/models/{name}/{version}/stage", ask_stage, "write"),
    Page("POST", "/models/{name}/{version}/stage", move_stage, "write"),
    Page("GET", "/models/{name}/{version}/alias", ask_alias, "write"),
    Page("POST", "/models/{name}/{version}/alias", move_alias, "write"),
)
