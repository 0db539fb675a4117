"""What kind of rows or answers a file holds, told from its name."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal, get_args

Format = Literal["json", "csv", "parquet", "arrow"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
COLUMNAR: Final = frozenset({"parquet", "arrow"})
"""Read and written so many rows at a time, and packed by themselves."""

_ENDINGS: Final[dict[str, Format]] = {
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A *format*; *packed* says that gzip is around it, *streamed* that Arrow is written as a stream."""

    format: Format = "json"
    packed: bool = False
    streamed: bool = False

    @classmethod
    def of(cls, name: str, format: Format | None = None) -> "Kind":  # noqa: A002 - the word for it
        """What the file *name* holds: *format*, where that is given, else what its ending says, else JSON.

        JSON is what MLflow takes a file for, whatever it is called. Raises ValueError for a packed file of
        columns.
        """
        endings = [ending.lower() for ending in PurePath(name).suffixes]
        packed = endings[-1:] == [".gz"]
        ending = "".join((endings[:-1] if packed else endings)[-1:])
        found = format or _ENDINGS.get(ending, "json")
        if packed and found in COLUMNAR:
            raise ValueError(f"{found} is packed by itself; unpack the file, and leave .gz out of its name")
        return cls(found, packed, ending == ".arrows")
