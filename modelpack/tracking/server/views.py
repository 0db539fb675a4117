"""Which of the living and the deleted a request wants to see."""

from typing import Final

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.records import ViewType
from modelpack.tracking.server.call import Call

_VIEWS: Final = {
    "ACTIVE_ONLY": ViewType.ACTIVE_ONLY,
    "DELETED_ONLY": ViewType.DELETED_ONLY,
    "ALL": ViewType.ALL,
}


def view_of(call: Call, name: str) -> int:
    """The view that the field *name* says, by its name or its number; without one, what is not deleted."""
    given = call.given.get(name)
    if given is None:
        return ViewType.ACTIVE_ONLY
    if isinstance(given, str) and given.upper() in _VIEWS:
        return _VIEWS[given.upper()]
    if given in (*_VIEWS.values(), *map(str, _VIEWS.values())):
        return int(given)
    raise InvalidName(
        f"Invalid value {shorten(repr(given), 60)} for parameter '{name}' supplied: it is one of "
        f"{', '.join(_VIEWS)}"
    )
