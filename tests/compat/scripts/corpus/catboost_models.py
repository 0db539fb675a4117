"""Models of CatBoost."""

import catboost
import mlflow

from corpus import QUICK, Entry, data

FEW = {"iterations": 5, "depth": 3, "random_seed": 1, "verbose": 0, "thread_count": 1,
       "allow_writing_files": False}  # fmt: skip


def entries():
    classes = catboost.CatBoostClassifier(**FEW).fit(data.gaps, data.three)
    yield _entry("classifier", classes, data.gaps_asked, "cbm", "columns", data.numbers_signed,
                 example="frame")  # fmt: skip
    regressor = catboost.CatBoostRegressor(**FEW).fit(data.matrix, data.amount)
    yield _entry("regressor", regressor, data.matrix_asked, "cbm", "tensors", data.tensor_signed,
                 example="array")  # fmt: skip
    yield _entry("regressor-json", regressor, data.matrix_asked, "json", "tensors", data.tensor_signed)
    yield _entry("regressor-unsigned", regressor, data.matrix_asked, "cbm", "none", None)
    plain = catboost.CatBoost({**FEW, "loss_function": "Logloss"}).fit(data.numbers, data.left)
    yield _entry("plain", plain, data.numbers_asked, "json", "columns", None, example="frame")
    yield _entry("plain-unsigned", plain, data.numbers_asked, "cbm", "none", False, example="frame")
    words = catboost.CatBoostClassifier(**FEW, cat_features=["plan"])
    words.fit(data.people[["age", "charges", "plan"]], data.left)
    signature = data.ModelSignature(
        data.Schema([one for one in data.people_columns.inputs if one.name != "paperless"]),
        data.Schema([data.ColSpec("long")]),
    )
    asked = data.people_asked[["age", "charges", "plan"]]
    yield _entry("categories", words, asked, "cbm", "columns", signature)
    params = data.with_params(data.numbers_signed, ("factor", "double", 1.5))
    yield _entry("params", classes, data.gaps_asked, "cbm", "params", params,
                 params={"factor": 2.0}, example="params")  # fmt: skip


def _entry(name, model, asked, form, kind, signature, *, params=None, example="none"):
    def save(path):
        mlflow.catboost.save_model(
            model, path, format=form, signature=signature,
            input_example={"none": None, "params": (asked[:2], params)}.get(example, asked[:2]), **QUICK,
        )  # fmt: skip

    return Entry(f"catboost-{name}", form, kind, save, asked, params, example)
