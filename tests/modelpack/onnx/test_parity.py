"""A certificate is given where the forms answer alike, and only there."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from modelpack.onnx import parity
from modelpack.onnx import splits as splits_module
from modelpack.onnx.convert import Candidate
from modelpack.onnx.convert import candidates as all_candidates
from modelpack.onnx.estimators import forests
from modelpack.onnx.parity import certify
from modelpack.onnx.profile import profile
from modelpack.onnx.report import Report
from modelpack.onnx.session import OnnxSession
from modelpack.onnx.splits import Splits
from modelpack.schema import Signature, Table
from tests.modelpack.onnx.data import SEED, churn, methods_of, mixed, numbers, signature_of, telco
from tests.modelpack.onnx.forms import matrix_signature

FEW = {"n_estimators": 8, "random_state": 3}
ROWS = 3000


def _certified(
    model: Any, data: Any, *, rows: int = ROWS, methods: tuple[str, ...] | None = None, **options: Any
) -> tuple[onnx.ModelProto | None, Report]:
    print(f"seed {SEED}")
    signature = signature_of(data)
    assert signature.inputs is not None
    return certify(
        model,
        signature,
        example=data[:5],
        profile=profile(data, signature.inputs),
        methods=methods or methods_of(model),
        rows=rows,
        seed=SEED,
        **options,
    )


def test_the_guides_pipeline_is_certified_to_the_bit() -> None:
    data, target = churn()
    model = make_pipeline(StandardScaler(), RandomForestClassifier(100, max_depth=10, random_state=42))
    form, report = _certified(model.fit(data, target), data, rows=12_000)
    assert form is not None
    assert report.certified == ("predict", "predict_proba")
    assert report.candidate == "exact"
    assert sum(report.rows.values()) >= 12_000
    assert report.rows["split"] >= 8000
    assert report.methods["predict_proba"].worst == 0.0
    assert report.methods["predict_proba"].compared >= 12_000


def test_real_customers_with_one_hot_encoding_and_boosting_are_certified() -> None:
    data, target, words, amounts = telco()
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (make_pipeline(SimpleImputer(), StandardScaler()), amounts),
        remainder="passthrough",
    )
    model = make_pipeline(before, GradientBoostingClassifier(random_state=0)).fit(data, target)
    form, report = _certified(model, data, rows=6000)
    assert form is not None
    assert report.certified == ("predict", "predict_proba", "decision_function")
    assert report.candidate == "exact"
    assert report.domain.refuses_missing == ()
    assert report.layout is not None
    assert report.layout.outputs["predict"].dtype == "object"


def test_a_forest_that_meets_missing_values_is_certified_because_its_form_is_right() -> None:
    matrix, targets = numbers(missing=0.1)
    model = RandomForestClassifier(**FEW).fit(matrix, targets["three"])
    _, report = _certified(model, matrix)
    assert report.candidate == "exact"
    assert report.certified == ("predict", "predict_proba")
    assert report.rows["missing"] > 2000


def _only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no other form to try."""

    def some(model: Any, *, signature: Signature, methods: tuple[str, ...]) -> Any:
        return (
            one for one in all_candidates(model, signature=signature, methods=methods) if one.name == name
        )

    monkeypatch.setattr(parity, "candidates", some)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_usual_conversion_of_a_forest_is_not_certified(
    missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix, targets = numbers(missing=missing)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(**FEW)).fit(matrix, targets["three"])
    _only("float32", monkeypatch)
    form, report = _certified(model, matrix)
    assert form is None
    assert report.certified == ()
    assert "differ" in report.methods["predict_proba"].reason
    assert report.methods["predict_proba"].row is not None
    assert report.methods["predict_proba"].native != report.methods["predict_proba"].onnx
    assert report.first_difference == "standardscaler (StandardScaler)"


def test_the_usual_conversion_of_boosting_with_categories_is_not_certified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, targets = numbers(800)
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[4, 5])
    model.fit(matrix, (matrix[:, 5] % 2 + targets["two"] > 1).astype(int))
    _, report = _certified(model, matrix)
    assert report.candidate == "exact"
    _only("float32", monkeypatch)
    form, report = _certified(model, matrix)
    assert form is None
    assert report.first_difference == "HistGradientBoostingClassifier"


def _rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = splits_module.pulled_back

    def wrong(*arguments: Any) -> Splits | None:
        found = whole(*arguments)
        return found and replace(found, values=np.nextafter(found.values, np.inf))

    monkeypatch.setattr("modelpack.onnx.trees.pulled_back", wrong)


def _missing_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = splits_module.pulled_back

    def wrong(*arguments: Any) -> Splits | None:
        found = whole(*arguments)
        return found and replace(found, missing=~found.missing)

    monkeypatch.setattr("modelpack.onnx.trees.pulled_back", wrong)


def _not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forests, "ROUNDING", None)


def _one_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = forests.tree_arrays

    def wrong(tree: Any, value: np.ndarray) -> Any:
        changed = value.copy()
        leaf = int(np.flatnonzero(tree.children_left < 0)[-1])
        changed[leaf] = changed[leaf][::-1]
        return whole(tree, changed)

    monkeypatch.setattr(forests, "tree_arrays", wrong)


@pytest.mark.parametrize("fault", [_rounded_up, _missing_turned, _not_rounded, _one_leaf])
def test_a_broken_writer_is_caught(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, targets = numbers(missing=0.1)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(**FEW)).fit(matrix, targets["two"])
    fault(monkeypatch)
    _only("exact", monkeypatch)
    form, report = _certified(model, matrix)
    assert form is None
    assert report.certified == ()
    assert report.first_difference == "randomforestclassifier (RandomForestClassifier)"


def test_a_broken_encoder_is_named_within_its_transformer(monkeypatch: pytest.MonkeyPatch) -> None:
    data, target = mixed()
    before = make_column_transformer(
        (SimpleImputer(), ["spent"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city", "plan"]),
    )
    model = make_pipeline(before, LogisticRegression(max_iter=1000)).fit(data, target)
    monkeypatch.setattr(
        "modelpack.onnx.estimators.encoding.word", lambda graph, key: graph.word((key or "")[:2])
    )
    _only("exact", monkeypatch)
    form, report = _certified(model, data)
    assert form is None
    assert report.first_difference == "columntransformer (ColumnTransformer), in onehotencoder"


def test_trees_whose_features_are_mixtures_are_asked_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, targets = numbers()
    model = make_pipeline(PCA(3), RandomForestRegressor(**FEW)).fit(matrix, targets["value"])
    _, report = _certified(model, matrix)
    assert report.certified == ("predict",)
    assert "split" not in report.rows
    _rounded_up(monkeypatch)
    _only("exact", monkeypatch)
    _, report = _certified(model, matrix)
    assert report.certified == ()
    assert report.methods["predict"].kind == "features"


def test_what_cannot_be_converted_is_explained() -> None:
    matrix, targets = numbers()
    model = make_pipeline(FunctionTransformer(np.cbrt), LogisticRegression()).fit(matrix, targets["two"])
    form, report = _certified(model, matrix)
    assert form is None
    assert set(report.tried) == {"exact", "float64", "float32"}
    assert "FunctionTransformer" in report.tried["exact"]
    assert "exact: " in report.methods["predict"].reason


def test_methods_are_certified_one_by_one() -> None:
    matrix, targets = numbers()
    model = make_pipeline(StandardScaler(), SVC()).fit(matrix, targets["two"])
    form, report = _certified(model, matrix, rows=500, methods=("predict", "predict_proba"))
    assert report.methods["predict_proba"].reason == "the model has no predict_proba"
    assert form is None or report.certified == ("predict",)


def test_votes_of_neighbours_that_tie_are_not_certified_unless_they_agree() -> None:
    matrix, targets = numbers(120)
    model = KNeighborsClassifier(4).fit(np.round(matrix), targets["three"])
    form, report = _certified(model, np.round(matrix), rows=400)
    assert (form is not None) == bool(report.certified)
    for name, one in report.methods.items():
        assert one.certified or one.reason, name


def test_a_model_that_refuses_missing_values_has_a_form_that_refuses_them() -> None:
    matrix, targets = numbers()
    model = LinearRegression().fit(matrix, targets["value"])
    _, report = _certified(model, matrix)
    assert report.certified == ("predict",)
    assert report.refuses_missing
    assert report.domain.refuses_missing == tuple(range(6))


def test_the_native_model_may_be_asked_in_another_way() -> None:
    matrix, targets = numbers()
    model = LinearRegression().fit(matrix, targets["value"])
    asked: list[str] = []

    def ask(data: Any, method: str) -> np.ndarray:
        asked.append(method)
        return np.asarray(model.predict(data) + 1)

    form, report = _certified(model, matrix, native=ask)
    assert set(asked) == {"predict"}
    assert form is None
    assert report.methods["predict"].reason == "numbers differ"


def test_the_same_seed_gives_the_same_report_and_the_same_bytes() -> None:
    matrix, targets = numbers()
    model = RandomForestClassifier(**FEW).fit(matrix, targets["two"])
    (first, one), (second, two) = (_certified(model, matrix) for _ in range(2))
    assert one == two
    assert first is not None
    assert second is not None
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_a_signature_is_enough_to_certify() -> None:
    matrix, targets = numbers()
    model = RandomForestClassifier(**FEW).fit(matrix, targets["two"])
    form, report = certify(model, matrix_signature(6), rows=500)
    assert form is not None
    assert report.certified == ("predict",)


def test_without_a_signature_nothing_is_certified() -> None:
    matrix, targets = numbers()
    form, report = certify(LinearRegression().fit(matrix, targets["value"]), Signature())
    assert form is None
    assert "does not say" in report.methods["predict"].reason


def test_a_converter_that_gives_nonsense_is_a_reason_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, targets = numbers()
    model = LinearRegression().fit(matrix, targets["value"])

    def broken(model: Any, *, signature: Signature, methods: tuple[str, ...]) -> Any:
        one = next(all_candidates(model, signature=signature, methods=methods))
        assert one.model is not None
        one.model.graph.node[0].op_type = "NoSuchOperator"
        yield Candidate("exact", one.model, one.layout)

    monkeypatch.setattr(parity, "candidates", broken)
    form, report = _certified(model, matrix)
    assert form is None
    assert "onnxruntime refuses" in report.tried["exact"]


def test_missing_text_that_the_form_answers_otherwise_is_left_to_the_native_model() -> None:
    data, target = mixed()
    before = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]))
    model = make_pipeline(before, RandomForestClassifier(**FEW)).fit(data, target)
    data.loc[data.index[::4], "city"] = None
    _, report = _certified(model, data)
    assert report.certified == ("predict", "predict_proba")
    assert report.domain.unknown_missing == ()

    def filled(some: Table | np.ndarray, method: str) -> np.ndarray:
        assert isinstance(some, Table)
        return np.asarray(getattr(model, method)(some.frame().fillna({"city": "Bergen"})))

    _, wrong = _certified(model, data, methods=("predict_proba",), native=filled)
    assert wrong.domain.unknown_missing == ("city",)
    assert wrong.certified == ("predict_proba",)


def test_several_threads_are_allowed_where_they_answer_alike() -> None:
    matrix, targets = numbers()
    model = GradientBoostingClassifier(n_estimators=30, random_state=0).fit(matrix, targets["two"])
    _, report = _certified(model, matrix)
    assert report.certified
    assert report.threads == 4


def test_one_thread_alone_is_allowed_where_several_answer_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    real = OnnxSession

    def other(model: bytes, layout: Any, domain: Any, *, threads: int = 1) -> Any:
        session = real(model, layout, domain, threads=threads)
        if threads > 1:
            run = session.run
            monkeypatch.setattr(session, "run", lambda data, method: run(data, method)[::-1])
        return session

    monkeypatch.setattr(parity, "OnnxSession", other)
    matrix, targets = numbers()
    model = RandomForestClassifier(**FEW).fit(matrix, targets["two"])
    _, report = _certified(model, matrix)
    assert report.certified == ("predict", "predict_proba")
    assert report.threads == 1
