"""What may be called what: the grammar of names, stages, aliases, tags and texts."""

import difflib
import posixpath
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

from modelpack.errors import InvalidName, shorten

Stage = Literal["None", "Staging", "Production", "Archived"]

STAGES: Final[tuple[Stage, ...]] = ("None", "Staging", "Production", "Archived")
ACTIVE: Final[tuple[Stage, ...]] = ("Staging", "Production")
"""Stages that one version is meant to hold at a time: these can be archived, and compared before a move."""

LONGEST_NAME: Final = 256
LONGEST_ALIAS: Final = 255
LONGEST_KEY: Final = 250
LONGEST_VALUE: Final = 100_000
LONGEST_TEXT: Final = 100_000
MOST_TAGS: Final = 1_000
"""In one call."""
LAST_VERSION: Final = 2**31 - 1

_ALIAS = re.compile(r"[\w-]+")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_CANONICAL: Final = {stage.lower(): stage for stage in STAGES}


def require_name(name: str) -> str:
    """*name*, if a model may bear it: MLflow's rule, no control characters, at most 256 characters."""
    _require_text("model name", name, LONGEST_NAME)
    quoted = shorten(repr(name), 80)
    if not name.strip():
        raise InvalidName("a model's name is blank; give it one that people will know it by")
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name):
        raise InvalidName(f"the model name {quoted} holds a control character or a line break; leave it out")
    if "/" in name or ":" in name:
        raise InvalidName(f"the model name {quoted} holds '/' or ':', which part references; use '-' or '.'")
    if posixpath.normpath(name) != name or name.startswith("..") or name == ".":
        raise InvalidName(f"the model name {quoted} looks like a path; use another")
    return name


def require_stage(stage: str) -> Stage:
    """The stage that *stage* means, in any letter case."""
    found = _CANONICAL.get(stage.lower())
    if found is None:
        near = difflib.get_close_matches(stage.lower(), _CANONICAL, n=1)
        hint = f"; did you mean {_CANONICAL[near[0]]}?" if near else ""
        raise InvalidName(f"{shorten(repr(stage), 60)} is no stage; the stages are {', '.join(STAGES)}{hint}")
    return found


def require_alias(alias: str) -> str:
    """*alias*, if a version may bear it: letters, digits, '_' and '-', not ``latest``, not ``v3``."""
    _require_text("alias", alias, LONGEST_ALIAS)
    if not _ALIAS.fullmatch(alias):
        raise InvalidName(
            f"the alias {shorten(repr(alias), 80)} may hold letters, digits, '_' and '-', and at least one"
        )
    if alias.lower() == "latest" or _VERSION_ALIAS.fullmatch(alias):
        raise InvalidName(f"the alias {alias!r} is reserved: it would read as a version; choose another")
    return alias


def require_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """*tags*, if each may be set; an empty dict for None."""
    given = dict(tags or {})
    if len(given) > MOST_TAGS:
        raise InvalidName(f"at most {MOST_TAGS} tags may be set in one call, not {len(given)}")
    for key, value in given.items():
        require_key(key)
        _require_text("tag value", value, LONGEST_VALUE)
    return given


def require_key(key: str) -> str:
    """*key*, if a tag may bear it."""
    _require_text("tag key", key, LONGEST_KEY)
    if not key.strip():
        raise InvalidName("a tag's key is blank; give it a name")
    return key


def require_text(what: str, text: str) -> str:
    """*text*, if every database can hold it."""
    _require_text(what, text, LONGEST_TEXT)
    return text


def is_storable(text: str) -> bool:
    """Whether every database can hold *text*: PostgreSQL no NUL, and none of them half a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _require_text(what: str, text: str, longest: int) -> None:
    if not isinstance(text, str):
        raise InvalidName(f"the {what} is text, not {type(text).__name__}")
    if len(text) > longest:
        raise InvalidName(f"the {what} holds {len(text)} characters; at most {longest} are allowed")
    if not is_storable(text):
        raise InvalidName(f"the {what} holds a NUL or half of a character; leave it out")
