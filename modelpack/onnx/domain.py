"""The inputs that an ONNX form was proved on, and what it says to the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.errors import Uncertified, shorten
from modelpack.onnx.layout import MISSING_WORD, Block


@dataclass(frozen=True, slots=True)
class Domain:
    """Which values are answered.

    In the columns *refuses_missing* and *refuses_infinite* the native model raises, and so does this form.
    Text missing in the columns *unknown_missing*, and numbers whose magnitude is over *limit*, were not
    compared.
    """

    limit: float = float("inf")
    refuses_missing: tuple[str | int, ...] = ()
    refuses_infinite: tuple[str | int, ...] = ()
    unknown_missing: tuple[str | int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; no limit is null."""
        return {
            "limit": None if np.isinf(self.limit) else self.limit,
            "refuses_missing": list(self.refuses_missing),
            "refuses_infinite": list(self.refuses_infinite),
            "unknown_missing": list(self.unknown_missing),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Domain":
        """What ``to_json`` gave."""
        limit = document["limit"]
        return cls(
            float("inf") if limit is None else float(limit),
            tuple(document["refuses_missing"]),
            tuple(document["refuses_infinite"]),
            tuple(document["unknown_missing"]),
        )


class Gate:
    """Holds the rows of one input to a domain; what is ordinary passes at the price of one product."""

    def __init__(self, block: Block, domain: Domain) -> None:
        self._block = block
        self._limit = domain.limit
        self._square = domain.limit**2 if domain.limit < 1e150 else float("inf")
        self._missing = _places(block, domain.refuses_missing)
        self._infinite = _places(block, domain.refuses_infinite)
        self._unknown = _places(block, domain.unknown_missing)
        self._open = not block.is_text and not (self._missing or self._infinite or self._limit < float("inf"))
        if block.is_text:
            self._open = not (self._missing or self._unknown)

    def check(self, rows: np.ndarray) -> None:
        """Raise ValueError for what the native model refuses, and Uncertified for what was not compared."""
        if self._open:
            return
        if self._block.is_text:
            self._check_text(rows)
            return
        flat = rows.reshape(-1)
        # NaN, infinity and whatever is too large all make the sum of squares something else.
        with np.errstate(over="ignore"):
            ordinary = float(flat.dot(flat)) <= self._square
        if not ordinary:
            self._check_numbers(rows)

    def _check_numbers(self, rows: np.ndarray) -> None:
        self._refuse(np.isnan(rows), self._missing, "a missing value (NaN)")
        infinite = np.isinf(rows)
        self._refuse(infinite, self._infinite, "infinity")
        beyond = (np.abs(rows) > self._limit) & ~infinite
        if beyond.any():
            row, place = np.argwhere(beyond)[0]
            raise Uncertified(
                f"row {row}, column {self._column(place)}: this form of the model was compared for numbers "
                f"up to {self._limit:g} only; use the native engine"
            )

    def _check_text(self, rows: np.ndarray) -> None:
        missing = rows == MISSING_WORD
        self._refuse(missing, self._missing, "a missing text")
        for place in self._unknown:
            if missing[:, place].any():
                raise Uncertified(
                    f"column {self._column(place)}: this form of the model was not compared for missing text "
                    "there; use the native engine"
                )

    def _refuse(self, wrong: np.ndarray, places: list[int], what: str) -> None:
        for place in places:
            if wrong[:, place].any():
                row = int(np.argmax(wrong[:, place]))
                raise ValueError(f"row {row}, column {self._column(place)}: the model does not take {what}")

    def _column(self, place: int) -> str:
        return shorten(repr(self._block.columns[place]), 60)


def _places(block: Block, names: tuple[str | int, ...]) -> list[int]:
    return [place for place, name in enumerate(block.columns) if name in names]
