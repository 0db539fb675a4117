"""A profile says in a few numbers what a model was trained on."""

import json

import numpy as np
import pandas as pd
import pytest

from modelpack.onnx.profile import MOST_CATEGORIES, QUANTILES, Profile, profile
from tests.modelpack.onnx.data import mixed, numbers, signature_of


def _profile_of(data: object) -> Profile:
    inputs = signature_of(data).inputs
    assert inputs is not None
    return profile(data, inputs)


def test_columns_of_each_kind_are_described() -> None:
    data, _ = mixed()
    columns = _profile_of(data).columns
    assert list(columns) == list(data.columns)
    spent = columns["spent"]
    assert spent.nulls == pytest.approx(data["spent"].isna().mean())
    assert spent.quantiles[0] == data["spent"].min()
    assert spent.quantiles[QUANTILES.index(0.5)] == pytest.approx(data["spent"].median())
    assert spent.categories == ()
    city = columns["city"]
    assert dict(city.categories) == data["city"].value_counts().to_dict()
    assert city.categories[0][0] == "Oslo"
    assert city.quantiles == ()
    assert dict(columns["member"].categories).keys() == {True, False}
    assert dict(columns["visits"].categories) == data["visits"].value_counts().to_dict()


def test_missing_text_and_missing_flags_are_counted() -> None:
    data, _ = mixed()
    data["member"] = data["member"].astype("boolean")
    data.loc[data.index[:30], ["city", "member"]] = None
    columns = _profile_of(data).columns
    assert columns["city"].nulls == pytest.approx(0.1)
    assert columns["member"].nulls == pytest.approx(0.1)


def test_columns_of_an_array_are_known_by_position() -> None:
    matrix, _ = numbers(missing=0.1)
    result = _profile_of(matrix)
    assert list(result.columns) == list(range(6))
    assert result.rows == len(matrix)
    assert result.columns[0].nulls == pytest.approx(np.isnan(matrix[:, 0]).mean())


def test_too_many_different_words_are_counted_but_not_listed() -> None:
    words = np.array([f"w{place}" for place in range(MOST_CATEGORIES + 1)], dtype=object)
    column = _profile_of(pd.DataFrame({"word": words})).columns["word"]
    assert column.categories == ()
    assert column.distinct == MOST_CATEGORIES + 1


@pytest.mark.parametrize("data", [mixed()[0], numbers(missing=0.2)[0]], ids=["frame", "array"])
def test_a_profile_survives_json(data: object) -> None:
    found = _profile_of(data)
    assert Profile.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found
