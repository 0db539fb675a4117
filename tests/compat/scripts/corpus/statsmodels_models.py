"""Models of statsmodels."""

import mlflow
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from corpus import QUICK, Entry, data


def entries():
    plain = _exactly(sm.OLS(data.amount, data.numbers).fit())
    yield _entry("ols", plain, data.numbers_asked, "columns", data.numbers_signed, example="frame")
    yield _entry("ols-unsigned", plain, data.numbers_asked, "none", None)
    yield _entry("ols-tensor", _exactly(sm.OLS(data.amount, data.matrix).fit()), data.matrix_asked, "tensors",
                 data.tensor_signed, example="array")  # fmt: skip
    general = _exactly(sm.GLM(data.left, data.matrix, family=sm.families.Gaussian()).fit())
    yield _entry("glm-unsigned", general, data.matrix_asked, "none", False, example="array")
    table = data.numbers.assign(amount=data.amount)
    formula = _exactly(smf.ols("amount ~ a + I(b * b) + c", table).fit())
    yield _entry("formula", formula, data.numbers_asked, "columns", None, example="frame")
    series = sm.tsa.ARIMA(np.cumsum(data.amount), order=(1, 0, 0)).fit()
    span = pd.DataFrame({"start": [80], "end": [84]})
    longs = Schema([ColSpec("long", "start"), ColSpec("long", "end")])
    yield _entry("series", series, span, "columns", ModelSignature(longs, data.one_double))
    params = data.with_params(data.numbers_signed, ("factor", "double", 1.5))
    yield _entry("params", plain, data.numbers_asked, "params", params, params={"factor": 2.0},
                 example="params")  # fmt: skip


def _exactly(fitted):
    fitted.params[:] = data.exact(fitted.params)
    return fitted


def _entry(name, model, asked, kind, signature, *, params=None, example="none"):
    def save(path):
        mlflow.statsmodels.save_model(
            model, path, signature=signature,
            input_example={"none": None, "params": (asked[:2], params)}.get(example, asked[:2]), **QUICK,
        )  # fmt: skip

    return Entry(f"statsmodels-{name}", "pickle", kind, save, asked, params, example, ("pickle",))
