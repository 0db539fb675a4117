"""The statsmodels flavor: results of a fit, pickled, as statsmodels does itself."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api
import statsmodels.formula.api
from statsmodels.tsa.ar_model import AutoReg

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidModel, PredictionFailed, Untrusted
from modelpack.flavors.statsmodels import FLAVOR
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.modelpack.small import frame, labels

PICKLE = Trust(pickle=True)


def numbers() -> pd.DataFrame:
    return frame().astype(np.float64)


@functools.cache
def line() -> Any:
    return statsmodels.api.OLS(labels(), numbers()).fit()


class TestLine(FlavorContract):
    """A regression on columns."""

    name = "statsmodels"
    trust = PICKLE

    def model(self) -> Any:
        return line()

    def data(self) -> Any:
        return numbers().head(5)


class TestFormula(TestLine):
    """A generalized one, by a formula."""

    def model(self) -> Any:
        data = numbers().assign(old=labels())
        return statsmodels.formula.api.glm("old ~ charges + paperless", data).fit()


def saved(folder: Path, model: Any = None, **options: Any) -> ModelDirectory:
    given: dict[str, Any] = {"input_example": numbers().head(3), "requirements": []} | options
    return modelpack.save(line() if model is None else model, folder, **given)


def test_the_document_is_what_mlflow_writes(tmp_path: Path) -> None:
    source = saved(tmp_path / "model")
    assert source.document.flavors["statsmodels"] == {
        "statsmodels_version": statsmodels.__version__,
        "data": "model.statsmodels",
        "code": None,
    }
    assert source.document.python_function["loader_module"] == "mlflow.statsmodels"
    with pytest.raises(Untrusted, match="is a pickle"):
        modelpack.load(source.path, trust=Trust())


def test_a_time_series_takes_where_to_begin_and_to_end(tmp_path: Path) -> None:
    series = AutoReg(np.arange(30.0) % 7, lags=2).fit()
    span = pd.DataFrame({"start": [30], "end": [33]})
    longs = tuple(ColumnSpec(DataType.long, name) for name in ("start", "end"))
    signature = Signature(inputs=Schema(longs))
    source = saved(tmp_path / "model", series, input_example=None, signature=signature)
    predictor = modelpack.load_predictor(source.path, trust=PICKLE)
    np.testing.assert_array_equal(predictor.predict(span), series.predict(start=30, end=33))
    with pytest.raises(PredictionFailed, match="one row with the columns start and end") as met:
        predictor.predict(pd.concat([span, span]))
    assert met.value.blames_input


def test_a_model_before_its_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="save what fit"):
        saved(tmp_path / "model", statsmodels.api.OLS(labels(), numbers()), input_example=None)


def test_what_it_names_is_told_without_loading(tmp_path: Path) -> None:
    source = saved(tmp_path / "model")
    assert {"statsmodels", "pandas", "numpy"} <= FLAVOR.mentions(source)
    assert FLAVOR.needs(source) == ("pickle",)
