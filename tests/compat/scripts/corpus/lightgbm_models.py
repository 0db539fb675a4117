"""Models of LightGBM."""

import lightgbm
import mlflow

from corpus import QUICK, VERSION, Entry, data

FORMS = ("skops", "cloudpickle", "pickle") if VERSION >= (3, 0) else ("cloudpickle",)
FEW = {"num_leaves": 4, "min_data_in_leaf": 5, "verbosity": -1, "seed": 1, "num_threads": 1}
TYPES = ["collections.OrderedDict", "collections.defaultdict", "lightgbm.basic.Booster",
         "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor"]  # fmt: skip

booster = lightgbm.train({**FEW, "objective": "regression"}, lightgbm.Dataset(data.gaps, data.amount), 5)
nameless = lightgbm.train({**FEW, "objective": "binary"}, lightgbm.Dataset(data.matrix, data.left), 5)


def _estimator(kind, x, y):
    return kind(
        n_estimators=5, num_leaves=4, min_child_samples=5, verbosity=-1, random_state=1, n_jobs=1
    ).fit(x, y)


def entries():
    yield _entry("booster", booster, data.gaps_asked, "text", "columns", data.numbers_signed, example="frame")
    yield _entry("booster-tensor", nameless, data.matrix_asked, "text", "tensors", data.tensor_signed,
                 example="array")  # fmt: skip
    yield _entry("booster-unsigned", booster, data.gaps_asked, "text", "none", None)
    classes = _estimator(lightgbm.LGBMClassifier, data.numbers, data.three)
    for form in FORMS:
        yield _entry(f"classifier-{form}", classes, data.numbers_asked, form, "columns",
                     data.numbers_signed, example="frame")  # fmt: skip
    regressor = _estimator(lightgbm.LGBMRegressor, data.matrix, data.amount)
    yield _entry("regressor", regressor, data.matrix_asked, FORMS[0], "tensors", data.tensor_signed)
    yield _entry("regressor-unsigned", regressor, data.matrix_asked, FORMS[0], "none", False, example="array")
    params = data.with_params(data.numbers_signed, ("factor", "double", 1.5))
    yield _entry("params", booster, data.gaps_asked, "text", "params", params,
                 params={"factor": 2.0}, example="params")  # fmt: skip


def _entry(name, model, asked, form, kind, signature, *, params=None, example="none"):
    more = {"serialization_format": form} if VERSION >= (3, 0) and form != "text" else {}
    if form == "skops":
        more["skops_trusted_types"] = TYPES

    def save(path):
        mlflow.lightgbm.save_model(
            model, path, signature=signature,
            input_example={"none": None, "params": (asked[:2], params)}.get(example, asked[:2]),
            **QUICK, **more,
        )  # fmt: skip

    needs = ("pickle",) if form in ("cloudpickle", "pickle") else ()
    return Entry(f"lightgbm-{name}", form, kind, save, asked, params, example, needs)
