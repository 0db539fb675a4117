"""SimpleImputer: missing values, numbers and text, take a fixed one."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Cast, Column, Fill, FillWord, Frame, Indicator
from modelpack.onnx.graph import Graph


def simple_imputer(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Each column with its own statistic for what is missing, then indicators of the missing if wanted."""
    if not _is_missing(model.missing_values):
        raise NotConvertible("a SimpleImputer whose missing_values is not NaN or None")
    if any(column.is_text for column in frame.columns):
        return _texts(model, frame)
    dtype = frame.floats
    statistics = np.asarray(model.statistics_, dtype=DOUBLE)
    kept = [place for place, one in enumerate(statistics) if model.keep_empty_features or not np.isnan(one)]
    columns = [_filled(frame.columns[place], float(statistics[place]), dtype) for place in kept]
    if model.add_indicator:
        columns += [
            frame.columns[int(place)].then(Cast(dtype), Indicator(np.nan), dtype=DOUBLE)
            if frame.columns[int(place)].steps
            else frame.columns[int(place)].then(Indicator(np.nan), dtype=DOUBLE)
            for place in model.indicator_.features_
        ]
    return Frame(tuple(columns))


def _filled(column: Column, value: float, dtype: np.dtype[Any]) -> Column:
    steps = () if column.dtype == dtype else (Cast(dtype),)
    return column.then(*steps, Fill(value, dtype), dtype=dtype)


def _texts(model: Any, frame: Frame) -> Frame:
    if model.add_indicator or not all(column.is_text for column in frame.columns):
        raise NotConvertible("a SimpleImputer on text beside numbers, or with indicators")
    if not all(isinstance(one, str) for one in model.statistics_):
        raise NotConvertible("a SimpleImputer that fills text with something else")
    columns = (
        column.then(FillWord(str(word)), dtype=column.dtype)
        for column, word in zip(frame.columns, model.statistics_, strict=True)
    )
    return Frame(tuple(columns), frame.names)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
