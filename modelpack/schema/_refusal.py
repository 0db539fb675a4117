"""What a reader says of a value that it does not take."""

from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch, shorten


class Refused(Exception):
    """A value outside its type: what was wanted, what was met, and where *inside* the cell.

    It never leaves this package: who knows the row and the column turns it into a SchemaMismatch.
    """

    def __init__(self, wanted: object, got: str, inside: str = "") -> None:
        super().__init__(wanted, got, inside)
        self.wanted, self.got, self.inside = str(wanted), got, inside

    def within(self, place: str) -> "Refused":
        """The same, seen from one level up."""
        return Refused(self.wanted, self.got, place + self.inside)

    def at(self, row: int | None, column: str | int | None) -> SchemaMismatch:
        """The error for the caller."""
        name = None if column is None else str(column)
        inside = f"at {shorten(self.inside, 60)}: " if self.inside else ""
        return SchemaMismatch(wanted=self.wanted, got=inside + self.got, row=row, column=name)


def describe(value: Any) -> str:
    """*value* in a few words: its beginning and its kind, never the whole."""
    match value:
        case None:
            return "nothing"
        case bool() | np.bool_():
            return f"{bool(value)} (boolean)"
        case np.timedelta64():
            return "a span of time"
        case int() | np.integer():
            # Python refuses to print a number of more than 4,300 digits.
            number = int(value)
            return f"{number} (number)" if number.bit_length() < 200 else "a number of over 60 digits"
        case float() | np.floating():
            return f"{float(value)!r} (number)"
        case str():
            return f"{shorten(repr(value[:40]), 40)} (text)"
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case np.ndarray():
            return f"an array of {value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__}"
