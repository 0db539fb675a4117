"""Models of scikit-learn."""

import operator

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from corpus import QUICK, VERSION, Entry, data

FORMS = ("pickle", "cloudpickle", "skops") if VERSION >= (3, 0) else ("pickle", "cloudpickle")
TREES = ["numpy.dtype", "sklearn.tree._tree.Tree"]
BOOSTED = [
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]

mixed = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["plan", "paperless"]),
        (StandardScaler(), ["age", "charges"]),
    ),
    LogisticRegression(),
).fit(data.people, data.left)
forest = RandomForestClassifier(5, max_depth=4, random_state=1).fit(data.matrix, data.three)
linear = data.exactly(Ridge().fit(data.numbers, data.amount))
nameless = data.exactly(Ridge().fit(data.matrix, data.amount))
words = pd.DataFrame({"text": ["good and kind", "bad", "good", "bad and cold"] * 5})


def entries():
    yield from _each_form()
    yield from _by_signature()
    yield from _by_example()
    yield from _unusual()


def _each_form():
    for form in FORMS:
        yield _entry(f"mixed-{form}", mixed, data.people_asked, form, "columns",
                     data.people_signed, example="frame")  # fmt: skip
        name = "pickle-tensor" if form == "pickle" else f"forest-{form}"
        yield _entry(name, forest, data.matrix_asked, form, "tensors", data.tensor_signed,
                     example="array", types=TREES)  # fmt: skip
        yield _entry(f"unsigned-{form}", linear, data.numbers_asked, form, "none", None)
    gaps = data.gaps.to_numpy()
    boosted = HistGradientBoostingRegressor(max_iter=5, random_state=1).fit(gaps, data.amount)
    yield _entry(f"boosted-{FORMS[-1]}", boosted, gaps[:5], FORMS[-1], "tensors", data.tensor_signed,
                 types=BOOSTED)  # fmt: skip


def _by_signature():
    outputs = Schema([ColSpec("double", "first"), ColSpec("double", "second")])
    two = data.exactly(LinearRegression().fit(data.numbers, np.c_[data.amount, -data.amount]))
    yield _entry("several", two, data.numbers_asked, "pickle", "columns",
                 ModelSignature(data.number_columns, outputs))  # fmt: skip
    unnamed = ModelSignature(Schema([ColSpec("double") for _ in range(3)]), data.one_double)
    yield _entry("unnamed", nameless, pd.DataFrame(data.matrix_asked),
                 "cloudpickle", "columns", unnamed)  # fmt: skip
    imputed = make_pipeline(SimpleImputer(), LinearRegression()).fit(data.gaps, data.amount)
    data.exactly(imputed[0], "statistics_")
    data.exactly(imputed[1])
    yield _entry("gaps", imputed, data.gaps_asked, FORMS[-1], "columns", data.numbers_signed,
                 example="frame", types=["numpy.dtype"])  # fmt: skip
    params = data.with_params(data.numbers_signed, ("factor", "double", 1.5))
    yield _entry("params", linear, data.numbers_asked, "cloudpickle", "params", params,
                 params={"factor": 2.0}, example="params")  # fmt: skip
    named = LogisticRegression().fit(data.numbers, np.where(data.left == 1, "goes", "stays"))
    yield _entry("labels", named, data.numbers_asked, FORMS[-1], "columns",
                 ModelSignature(data.number_columns, Schema([ColSpec("string")])))  # fmt: skip
    yield _entry("proba", forest, data.matrix_asked, "cloudpickle", "tensors", data.tensor_signed,
                 predict_fn="predict_proba")  # fmt: skip


def _by_example():
    yield _entry("inferred", mixed, data.people_asked, "cloudpickle", "columns", None, example="frame")
    yield _entry("dict-example", linear, data.numbers_asked, "cloudpickle", "columns",
                 data.numbers_signed, example="dict")  # fmt: skip
    yield _entry("unsigned-array", KMeans(3, n_init=1, random_state=1).fit(data.matrix), data.matrix_asked,
                 FORMS[-1], "none", False, example="array")  # fmt: skip
    yield _entry("unsigned-frame", linear, data.numbers_asked, "pickle", "none", False, example="frame")
    yield _entry("sparse", nameless, sparse.csr_matrix(data.matrix_asked),
                 "cloudpickle", "tensors", data.tensor_signed, example="sparse")  # fmt: skip


def _unusual():
    tfidf = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(words["text"], [1, 0, 1, 0] * 5)
    signed = ModelSignature(Schema([ColSpec("string", "text")]), Schema([ColSpec("long")]))
    yield _entry("words", tfidf, words.head(3), "cloudpickle", "columns", signed)
    absolute = make_pipeline(FunctionTransformer(np.abs), Ridge()).fit(data.numbers, data.amount)
    data.exactly(absolute[1])
    yield _entry(f"function-{FORMS[-1]}", absolute, data.numbers_asked, FORMS[-1], "columns",
                 data.numbers_signed, types=["numpy.abs", "numpy.absolute"])  # fmt: skip
    negated = make_pipeline(FunctionTransformer(operator.neg), Ridge()).fit(data.numbers, data.amount)
    data.exactly(negated[1])
    word = "_operator.neg"
    yield _entry("negated", negated, data.numbers_asked, FORMS[-1], "columns", data.numbers_signed,
                 types=[word, "numpy.dtype"], needs=(word,))  # fmt: skip
    yield _entry("scaler", StandardScaler().fit(data.numbers), data.numbers_asked, FORMS[-1], "none",
                 None, predicts=False)  # fmt: skip


def _entry(
    name, model, asked, form, kind, signature, *, params=None, example="none", types=None,
    predict_fn="predict", predicts=True, needs=(),
):  # fmt: skip
    more = {"skops_trusted_types": types} if form == "skops" and types else {}

    def save(path):
        mlflow.sklearn.save_model(
            model, path, serialization_format=form, signature=signature,
            input_example=_example(example, asked, params), pyfunc_predict_fn=predict_fn, **QUICK, **more,
        )  # fmt: skip

    needs = needs if form == "skops" else ("pickle",)
    return Entry(f"sklearn-{name}", form, kind, save, asked, params, example, needs, predicts)


def _example(kind, asked, params):
    if kind == "params":
        return asked[:2], params
    if kind == "dict":
        return asked.iloc[0].to_dict()
    return None if kind == "none" else asked[:2]
