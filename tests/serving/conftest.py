"""Saved models that the servers of these tests serve."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

import modelpack
from modelpack.schema import ColumnSpec, DataType, Schema, Signature, TensorSpec
from tests.once import made_once
from tests.serving.kit import NUMBERS
from tests.serving.saved import cols, magic, places, words

COLS = Signature(
    inputs=Schema(
        (
            ColumnSpec(DataType.double, "a"),
            ColumnSpec(DataType.long, "b"),
            ColumnSpec(DataType.integer, "i"),
            ColumnSpec(DataType.string, "c"),
            ColumnSpec(DataType.boolean, "d"),
            ColumnSpec(DataType.datetime, "t"),
            ColumnSpec(DataType.binary, "x"),
        )
    )
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of saved models: ``magic``, ``cols``, ``tensor``, ``m`` and ``words``."""
    return made_once(tmp_path_factory, "models", _save)


def _save(folder: Path) -> None:
    example = pd.DataFrame({"a": [1.0], "b": [2.0]})
    modelpack.save(magic, folder / "magic", signature=NUMBERS, input_example=example)
    modelpack.save(cols, folder / "cols", signature=COLS)
    named = Schema((TensorSpec(np.dtype("float32"), (-1, 4), "x"),))
    modelpack.save(places, folder / "m", signature=Signature(inputs=named))
    pairs = Schema((ColumnSpec(DataType.string, "word"), ColumnSpec(DataType.double, "number")))
    modelpack.save(words, folder / "words", signature=Signature(inputs=pairs))
    chance = np.random.default_rng(3)
    data = chance.random((200, 4))
    forest = RandomForestRegressor(10, random_state=0).fit(data, data @ np.array([1.0, 2.0, 3.0, 4.0]))
    signature = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 4)),)))
    modelpack.save(forest, folder / "tensor", signature=signature)
