"""Who may ask a team server: tokens, of which only the hash is kept."""

import hashlib
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from modelpack.errors import InvalidName, NotFound, StoreUnavailable, shorten
from modelpack.registry.names import is_storable
from modelpack.registry.sql_store import now
from modelpack.sql import Database
from modelpack.tracking.server.call import Scope
from modelpack.tracking.tables import tokens

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")
"""Each includes those before it."""
LONGEST_USER: Final = 200
LONGEST_LABEL: Final = 500

_REMEMBERED: Final = 3.0
"""Seconds for which a token that was found is not looked for again: a revocation holds after them."""
_MOST_REMEMBERED: Final = 1_000
_BETWEEN_NOTES: Final = 60_000
"""Milliseconds between two notes of a token's last use."""
_SECRET = re.compile(r"mp_[A-Za-z0-9_-]{43}", re.ASCII)
_ID = re.compile(r"t-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token, which is not the token. Times are milliseconds since 1970, UTC."""

    id: str
    user: str
    label: str
    scopes: frozenset[Scope]
    created: int
    expires: int | None = None
    used: int | None = None
    revoked: int | None = None

    def holds(self, at: int) -> bool:
        """Whether it opens anything *at* this time."""
        return self.revoked is None and (self.expires is None or at < self.expires)


class Tokens:
    """The tokens in *database*; what happens when is told by *clock*, in milliseconds since 1970.

    Threads may share it. No token is logged, and none stands in a message.
    """

    def __init__(self, database: Database, clock: Callable[[], int] = now) -> None:
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Token, float]] = {}

    def create(
        self, user: str, scopes: Iterable[str], label: str = "", expires: int | None = None
    ) -> tuple[Token, str]:
        """A new token of *user*, and its secret, which is told this once. Raises InvalidName.

        It ends at *expires*, or never.
        """
        _require_user(user)
        if len(label) > LONGEST_LABEL or not is_storable(label):
            raise InvalidName(f"a token's label is text of at most {LONGEST_LABEL} characters")
        granted, at = with_included(scopes), self._clock()
        if expires is not None and expires <= at:
            raise InvalidName("the token would have ended before it began; give it a later end")
        secret = f"mp_{secrets.token_urlsafe(32)}"
        entered = insert(tokens).values(
            id=f"t-{secrets.token_hex(6)}",
            name=user,
            label=label,
            scopes=",".join(one for one in SCOPES if one in granted),
            sha256=_hash(secret),
            created=at,
            expires=expires,
        )
        row = self._database.write(lambda connection: connection.execute(entered.returning(tokens)).one())
        return _token(row), secret

    def list(self) -> tuple[Token, ...]:
        """All of them, also those that hold no more, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))
            return tuple(_token(row) for row in rows)

    def revoke(self, which: str) -> tuple[Token, ...]:
        """Let the token with this id, or all of the user with this name, open nothing any more.

        Raises NotFound where there are none. Other processes hear of it within seconds.
        """

        def act(connection: Connection) -> tuple[Token, ...]:
            meant = _meant(connection, which)
            ended = update(tokens).where(meant, tokens.c.revoked.is_(None))
            connection.execute(ended.values(revoked=self._clock()))
            rows = connection.execute(select(tokens).where(meant).order_by(tokens.c.created, tokens.c.id))
            return tuple(_token(row) for row in rows)

        revoked = self._database.write(act)
        with self._lock:
            self._known.clear()
        return revoked

    def check(self, secret: str) -> Token | None:
        """The token that *secret* is, if it holds; None for all else. Raises StoreUnavailable."""
        if not _SECRET.fullmatch(secret):
            return None
        digest, at = _hash(secret), self._clock()
        token = self._remembered(digest) or self._found(digest)
        if token is None or not token.holds(at):
            return None
        if token.used is None or at - token.used >= _BETWEEN_NOTES:
            token = replace(token, used=at)
            self._remember_use(digest, token)
            # Who may ask is not kept out because a note could not be made.
            with suppress(StoreUnavailable):
                self._note_use(token.id, at)
        return token

    def _remembered(self, digest: str) -> Token | None:
        with self._lock:
            token, until = self._known.get(digest, (None, 0.0))
        return token if time.monotonic() < until else None

    def _found(self, digest: str) -> Token | None:
        with self._database.read() as connection:
            row = connection.execute(select(tokens).where(tokens.c.sha256 == digest)).one_or_none()
        if row is None:
            return None
        token = _token(row)
        self._remember(digest, token)
        return token

    def _remember(self, digest: str, token: Token) -> None:
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = (token, time.monotonic() + _REMEMBERED)

    def _remember_use(self, digest: str, token: Token) -> None:
        with self._lock:
            known = self._known.get(digest)
            if known is not None:
                # For no longer than without it: a revocation must be met.
                self._known[digest] = (token, known[1])

    def _note_use(self, token: str, at: int) -> None:
        used = update(tokens).where(
            tokens.c.id == token, or_(tokens.c.used.is_(None), tokens.c.used <= at - _BETWEEN_NOTES)
        )
        self._database.write(lambda connection: connection.execute(used.values(used=at)))


def with_included(scopes: Iterable[str]) -> frozenset[Scope]:
    """*scopes* and all that they include. Raises InvalidName for none, and for one that there is not."""
    given = list(scopes)
    highest = -1
    for one in given:
        if one not in SCOPES:
            raise InvalidName(f"{shorten(repr(one), 40)} is no scope; they are {', '.join(SCOPES)}")
        highest = max(highest, SCOPES.index(one))
    if highest < 0:
        raise InvalidName(f"a token without scopes opens nothing; give it one of {', '.join(SCOPES)}")
    return frozenset(SCOPES[: highest + 1])


def _require_user(user: str) -> None:
    is_odd = any(unicodedata.category(one).startswith("C") for one in user)
    if not user.strip() or len(user) > LONGEST_USER or is_odd or ":" in user:
        raise InvalidName(
            f"{shorten(repr(user), 60)} cannot be a token's user: a name has 1 to {LONGEST_USER} characters, "
            "none of them ':' or a control character"
        )
    if _ID.fullmatch(user):
        raise InvalidName(f"{user} reads as the id of a token; choose another name")


def _meant(connection: Connection, which: str) -> ColumnElement[bool]:
    meant = tokens.c.id == which if _ID.fullmatch(which) else tokens.c.name == which
    found = is_storable(which) and connection.execute(select(tokens.c.id).where(meant).limit(1)).first()
    if not found:
        raise NotFound("token, or user of one,", which, hint="`modelpack token list` tells which there are")
    return meant


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        user=row.name,
        label=row.label,
        scopes=frozenset(cast("Scope", one) for one in row.scopes.split(",")),
        created=row.created,
        expires=row.expires,
        used=row.used,
        revoked=row.revoked,
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
