"""Models of XGBoost."""

import mlflow
import xgboost

from corpus import QUICK, VERSION, Entry, data

FORMS = ("ubj", "json") if VERSION >= (3, 0) else ("xgb", "json", "ubj")
FEW = {"max_depth": 3, "seed": 1, "nthread": 1}

booster = xgboost.train(FEW, xgboost.DMatrix(data.gaps, data.amount), 5)
nameless = xgboost.train(FEW, xgboost.DMatrix(data.matrix, data.amount), 5)


def _estimator(kind, x, y, **more):
    return kind(n_estimators=5, max_depth=3, random_state=1, n_jobs=1, **more).fit(x, y)


def entries():
    for form in FORMS:
        yield _entry(f"booster-{form}", booster, data.gaps_asked, form, "columns", data.numbers_signed,
                     example="frame")  # fmt: skip
        classes = _estimator(xgboost.XGBClassifier, data.matrix, data.three)
        yield _entry(f"classifier-{form}", classes, data.matrix_asked, form, "tensors", data.tensor_signed,
                     example="array")  # fmt: skip
    yield _entry("booster-tensor", nameless, data.matrix_asked, FORMS[0], "tensors", data.tensor_signed)
    yield _entry("booster-unsigned", booster, data.gaps_asked, FORMS[0], "none", False, example="frame")
    regressor = _estimator(xgboost.XGBRegressor, data.gaps, data.amount)
    yield _entry("regressor", regressor, data.gaps_asked, "json", "columns", None, example="frame")
    yield _entry("regressor-unsigned", regressor, data.gaps_asked, FORMS[0], "none", None)
    people = _estimator(xgboost.XGBRFClassifier, data.people[["age", "charges", "paperless"]], data.left)
    signature = data.ModelSignature(
        data.Schema([one for one in data.people_columns.inputs if one.name != "plan"]),
        data.Schema([data.ColSpec("long")]),
    )
    asked = data.people_asked[["age", "charges", "paperless"]]
    yield _entry("forest", people, asked, "json", "columns", signature)
    margin = data.with_params(data.numbers_signed, ("output_margin", "boolean", False))
    yield _entry("params", booster, data.gaps_asked, FORMS[0], "params", margin,
                 params={"output_margin": True}, example="params")  # fmt: skip


def _entry(name, model, asked, form, kind, signature, *, params=None, example="none"):
    def save(path):
        mlflow.xgboost.save_model(
            model, path, model_format=form, signature=signature,
            input_example={"none": None, "params": (asked[:2], params)}.get(example, asked[:2]), **QUICK,
        )  # fmt: skip

    return Entry(f"xgboost-{name}", form, kind, save, asked, params, example)
