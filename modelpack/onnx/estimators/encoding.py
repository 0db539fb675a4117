"""Encoders: categories, text or numbers, to columns of numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.codes import Codes, encoded, word
from modelpack.onnx.columns import DOUBLE, FLOAT, Column, FillWord, Frame, Indicator
from modelpack.onnx.graph import Graph
from modelpack.onnx.native import kept


def one_hot(graph: Graph, model: Any, frame: Frame) -> Frame:
    """One column of 0 and 1 for each category that is kept; infrequent ones share one."""
    refuses = model.handle_unknown == "error"
    if not refuses and _is_plain(model, frame):
        return _indicators(graph, model, frame)
    codes = [
        Codes(
            _keys(categories, column), _positions(model, place), None if refuses else _unknown(model, place)
        )
        for place, (categories, column) in enumerate(zip(model.categories_, frame.columns, strict=True))
    ]
    positions = encoded(graph, frame.columns, codes)
    dropped = _dropped(model)
    columns = [
        positions[place].then(Indicator(float(position)))
        for place, one in enumerate(codes)
        for position in sorted({value for value in one.values if value >= 0})
        if position != dropped[place]
    ]
    return _checked(columns, model)


def _is_plain(model: Any, frame: Frame) -> bool:
    """Whether each category is a column of its own, which can be asked of the source itself."""
    grouped = any(one is not None for one in _infrequent(model))
    filled = any(isinstance(step, FillWord) for column in frame.columns for step in column.steps)
    computed = any(column.steps for column in frame.columns if not column.is_text)
    return not grouped and not filled and not computed


def _indicators(graph: Graph, model: Any, frame: Frame) -> Frame:
    dropped = _dropped(model)
    columns = []
    for place, (categories, column) in enumerate(zip(model.categories_, frame.columns, strict=True)):
        for position, key in enumerate(_keys(categories, column)):
            if position == dropped[place]:
                continue
            if column.is_text:
                source, asked = graph.ids(column.source), float(word(graph, key))
            else:
                source, asked = column.source, float(key)
            columns.append(Column(source, column.index, DOUBLE, (Indicator(asked),)))
    return _checked(columns, model)


def _checked(columns: Sequence[Column], model: Any) -> Frame:
    if np.dtype(model.dtype) not in (DOUBLE, FLOAT):
        raise NotConvertible("an encoder whose dtype is not a float")
    return Frame(tuple(columns))


def ordinal(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The position of each category; one number for unknown and one for missing ones, if so."""
    if any(one is not None for one in _infrequent(model)):
        raise NotConvertible("an OrdinalEncoder that groups infrequent categories")
    other = float(model.unknown_value) if model.handle_unknown == "use_encoded_value" else None
    codes = []
    for categories, column in zip(model.categories_, frame.columns, strict=True):
        keys = _keys(categories, column)
        missing = float(model.encoded_missing_value)
        values = (missing if _is_missing(key) else float(place) for place, key in enumerate(keys))
        codes.append(Codes(keys, tuple(values), other))
    if np.dtype(model.dtype) not in (DOUBLE, FLOAT):
        raise NotConvertible("an encoder whose dtype is not a float")
    return Frame(tuple(encoded(graph, frame.columns, codes)))


def target(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The mean of the target for each category, of all for unknown ones; one for each class if several."""
    means = np.atleast_1d(model.target_mean_)
    count = len(means) if model.target_type_ == "multiclass" else 1
    columns, codes = [], []
    for place, encoding in enumerate(model.encodings_):
        column = frame.columns[place // count]
        columns.append(column)
        keys = _keys(model.categories_[place // count], column)
        codes.append(Codes(keys, tuple(float(one) for one in encoding), float(means[place % count])))
    return Frame(tuple(encoded(graph, columns, codes)))


def _keys(categories: np.ndarray, column: Column) -> tuple[Any, ...]:
    """The categories as the column's source holds them."""
    if column.is_text:
        keys = [None if _is_missing(one) else one for one in categories]
        if not all(key is None or isinstance(key, str) for key in keys):
            raise NotConvertible("an encoder with other categories than text, on a column of text")
        return tuple(None if key is None else str(key) for key in keys)
    try:
        return tuple(np.nan if one is None else float(one) for one in categories)
    except (TypeError, ValueError):
        raise NotConvertible("an encoder with categories of text, on a column of numbers") from None


def _is_missing(key: object) -> bool:
    return key is None or (isinstance(key, float | np.floating) and bool(np.isnan(key)))


def _infrequent(model: Any) -> list[Any]:
    """For each column the categories that share one place, or None."""
    if not kept(model, "_infrequent_enabled", False):
        return [None] * len(model.categories_)
    return list(model.infrequent_categories_)


def _positions(model: Any, place: int) -> tuple[float, ...]:
    """The column of the output, among those of one input, for each category."""
    if not kept(model, "_infrequent_enabled", False):
        return tuple(float(position) for position in range(len(model.categories_[place])))
    # scikit-learn keeps the mapping here, None where nothing is grouped.
    mapping = kept(model, "_default_to_infrequent_mappings")[place]
    if mapping is None:
        return tuple(float(position) for position in range(len(model.categories_[place])))
    return tuple(float(position) for position in mapping)


def _unknown(model: Any, place: int) -> float:
    """Where an unknown category goes: among the infrequent ones, or nowhere."""
    if model.handle_unknown in ("infrequent_if_exist", "warn") and _infrequent(model)[place] is not None:
        return max(_positions(model, place))
    return -1.0


def _dropped(model: Any) -> list[float | None]:
    """For each column the position, after grouping, that has no output."""
    drops = kept(model, "_drop_idx_after_grouping", None)
    if drops is None:
        return [None] * len(model.categories_)
    return [None if one is None else float(one) for one in _each(drops)]


def _each(drops: Any) -> Iterator[Any]:
    yield from np.asarray(drops, dtype=object).ravel()
