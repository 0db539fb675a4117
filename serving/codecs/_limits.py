"""How much a body of columns may unpack to."""

from dataclasses import dataclass

from serving.errors import BodyTooLarge

_BYTES = 64 << 20
_CELLS = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bytes, and the most cells, that a body may be once it is unpacked."""

    size: int
    cells: int

    @classmethod
    def of(cls, body: bytes) -> "Limits":
        """For *body*: 64 MiB and 1 Mi cells, or a byte and a cell for each of its bytes where that is more.

        A cell becomes an object in the worst case, of some fifty bytes.
        """
        return cls(max(_BYTES, len(body)), max(_CELLS, len(body)))

    def check(self, *, size: int, cells: int) -> None:
        """Raise BodyTooLarge for more."""
        if size > self.size:
            raise BodyTooLarge(f"the columns are larger than {self.size} bytes; send fewer rows at a time")
        if cells > self.cells:
            raise BodyTooLarge(f"the columns have more than {self.cells} cells; send fewer rows at a time")
