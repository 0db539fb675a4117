"""Categories to numbers: the tables of encoders, written as few nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from modelpack.onnx.columns import DOUBLE, Column, FillWord, Frame, cast, gather, matrix
from modelpack.onnx.graph import ML, Graph, Tensor
from modelpack.onnx.layout import MISSING_WORD

REFUSED = 2**40
"""A place outside any table: looking there makes the runtime refuse the row, as the encoder would."""


@dataclass(frozen=True)
class Codes:
    """What an encoder makes of a column: ``values[i]`` for ``keys[i]``, *other* for all else (None refuses
    it).

    The keys are words for a column of text (None for a missing one), else numbers (NaN for a missing one).
    """

    keys: tuple[Any, ...]
    values: tuple[float, ...]
    other: float | None


def encoded(graph: Graph, columns: Sequence[Column], codes: Sequence[Codes]) -> list[Column]:
    """Each of *columns* as its *codes* say."""
    done: dict[int, Column] = {}
    texts = [place for place, column in enumerate(columns) if column.is_text]
    if texts:
        together = _texts(graph, [columns[place] for place in texts], [codes[place] for place in texts])
        done.update(zip(texts, together, strict=True))
    for place, column in enumerate(columns):
        if place not in done:
            done[place] = _numbers(graph, column, codes[place])
    return [done[place] for place in range(len(columns))]


def word(graph: Graph, key: str | None) -> int:
    """The number of the word *key*, or of a missing one."""
    return graph.word(MISSING_WORD if key is None else key)


def _texts(graph: Graph, columns: Sequence[Column], codes: Sequence[Codes]) -> list[Column]:
    """One table for all columns: a stretch for each, its first and last cell for words that nobody knows."""
    numbered = [
        {word(graph, key): value for key, value in _with_fill(*one).items()}
        for one in zip(columns, codes, strict=True)
    ]
    count = graph.words
    stretch = count + 2
    table = np.zeros(stretch * len(columns))
    known = np.zeros(len(table), dtype=bool)
    for place, (known_words, one) in enumerate(zip(numbered, codes, strict=True)):
        start = place * stretch
        if one.other is not None:
            table[start : start + stretch] = one.other
            known[start : start + stretch] = True
        for number, value in known_words.items():
            table[start + 1 + number] = value
            known[start + 1 + number] = True
    ids = gather(graph, graph.ids(columns[0].source), [column.index for column in columns])
    # Words that other steps bring in later have numbers of count and more.
    capped = graph.node("Min", ids, np.array(float(count)))
    offsets = (np.arange(len(columns)) * stretch + 1.0)[None, :]
    places = graph.node("Cast", graph.node("Add", capped, offsets), to=TensorProto.INT64)
    result = Tensor(_look_up(graph, places, table, known), DOUBLE, len(columns))
    return [Column(result, place, DOUBLE) for place in range(len(columns))]


def _with_fill(column: Column, codes: Codes) -> dict[str | None, float]:
    """Keys to values, a missing word taking the value of the word that fills it."""
    table = dict(zip(codes.keys, codes.values, strict=True))
    for step in column.steps:
        if isinstance(step, FillWord):
            table.pop(None, None)
            if step.word in table:
                table[None] = table[step.word]
    return table


def _numbers(graph: Graph, column: Column, codes: Codes) -> Column:
    source = cast(graph, matrix(graph, Frame((column,))), DOUBLE)
    keys = np.array(codes.keys, dtype=DOUBLE)
    values = np.array(codes.values, dtype=DOUBLE)
    if codes.other is not None:
        return Column(_label(graph, source, keys, values, codes.other), 0, DOUBLE)
    places = _label(graph, source, keys, np.arange(len(keys), dtype=DOUBLE), float(REFUSED))
    index = graph.node("Cast", places, to=TensorProto.INT64)
    return Column(Tensor(graph.node("Gather", values, index), DOUBLE, 1), 0, DOUBLE)


def _label(graph: Graph, source: Tensor, keys: np.ndarray, values: np.ndarray, other: float) -> Tensor:
    node = graph.node(
        "LabelEncoder",
        source,
        domain=ML,
        keys_tensor=numpy_helper.from_array(keys),
        values_tensor=numpy_helper.from_array(values),
        default_tensor=numpy_helper.from_array(np.array([other])),
    )
    return Tensor(node, DOUBLE, 1)


def _look_up(graph: Graph, places: str, table: np.ndarray, known: np.ndarray) -> str:
    if not known.all():
        checked = np.where(known, np.arange(len(table)), REFUSED)
        places = graph.node("Gather", checked, places)
    return graph.node("Gather", table, places)
