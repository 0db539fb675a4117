"""What a model was trained on, in a few numbers a column: to probe it, and to see later if data drift."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.schema import Schema, Table, enforce

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOST_CATEGORIES = 1000
"""More distinct values than that are not listed."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of the training data.

    *quantiles* are those of QUANTILES, over the numbers that are finite; none for text. *categories* are the
    distinct values with their counts, the most frequent first, of text, booleans, and whole numbers; none
    where there are more than MOST_CATEGORIES. *nulls* is the share of missing values.
    """

    quantiles: tuple[float, ...] = ()
    categories: tuple[tuple[str | int | bool, int], ...] = ()
    nulls: float = 0.0
    distinct: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "quantiles": list(self.quantiles),
            "categories": [[value, count] for value, count in self.categories],
            "nulls": self.nulls,
            "distinct": self.distinct,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ColumnProfile":
        """What ``to_json`` gave."""
        return cls(
            tuple(float(one) for one in document["quantiles"]),
            tuple((value, int(count)) for value, count in document["categories"]),
            float(document["nulls"]),
            int(document["distinct"]),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """The columns of the training data by name, or of a plain array by position, and how many *rows*."""

    columns: Mapping[str | int, ColumnProfile]
    rows: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; names that are numbers stay so."""
        columns = [{"name": name, **one.to_json()} for name, one in self.columns.items()]
        return {"rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Profile":
        """What ``to_json`` gave."""
        columns = {one["name"]: ColumnProfile.from_json(one) for one in document["columns"]}
        return cls(columns, int(document["rows"]))


def profile(data: Any, schema: Schema) -> Profile:
    """The profile of *data*, a DataFrame, array or anything that *schema* takes. Raises SchemaMismatch."""
    held = enforce(data, schema)
    if isinstance(held, Table):
        return Profile({name: _column(values) for name, values in held.columns.items()}, held.rows)
    matrix = np.asarray(held)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        return Profile({}, len(matrix))
    return Profile({place: _column(matrix[:, place]) for place in range(matrix.shape[1])}, len(matrix))


def _column(values: np.ndarray) -> ColumnProfile:
    if values.dtype.kind == "O":
        return _objects(values)
    if values.dtype.kind not in "biuf":
        return ColumnProfile()
    if isinstance(values, np.ma.MaskedArray):
        known, missing = values.compressed(), int(np.ma.getmaskarray(values).sum())
    elif values.dtype.kind == "f":
        known = values[~np.isnan(values)]
        missing = len(values) - len(known)
    else:
        known, missing = values, 0
    finite = known[np.isfinite(known)] if known.dtype.kind == "f" else known
    distinct, counts = np.unique(known, return_counts=True)
    is_whole = known.dtype.kind in "biu"
    return ColumnProfile(
        quantiles=tuple(float(one) for one in np.quantile(finite.astype(float), QUANTILES))
        if len(finite)
        else (),
        categories=_counted(distinct.tolist(), counts.tolist()) if is_whole else (),
        nulls=_share(missing, len(values)),
        distinct=len(distinct),
    )


def _objects(values: np.ndarray) -> ColumnProfile:
    texts = [one for one in values if isinstance(one, str)]
    missing = sum(one is None for one in values)
    counts = Counter(texts)
    return ColumnProfile(
        categories=_counted(list(counts), list(counts.values())),
        nulls=_share(missing, len(values)),
        distinct=len(counts),
    )


def _counted(values: Sequence[Any], counts: Sequence[int]) -> tuple[tuple[Any, int], ...]:
    if len(values) > MOST_CATEGORIES:
        return ()
    # Equal counts in the order of the values, so that the same data give the same profile.
    pairs = sorted(zip(values, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return tuple((value, int(count)) for value, count in pairs)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
