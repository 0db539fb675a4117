"""The table of what converts says what is so: a sample of each verdict is tried again."""

from pathlib import Path

import pytest

from tests.conversions.subjects import KINDS, fitted, subjects
from tests.conversions.table import BEGIN, END, README, claimed, markdown, read, write
from tests.conversions.trial import CERTIFIED, DIFFERS, NO_FORM, NOTHING, Finding, Result, attempt

TOLD = read(README)

CERTIFIED_ONES = [
    "LogisticRegression", "Ridge", "SVC", "SVR", "KMeans", "GaussianNB", "PCA", "StandardScaler",
    "OneHotEncoder", "OneVsRestClassifier", "PowerTransformer", "DecisionTreeClassifier",
]  # fmt: skip
DIFFERENT_ONES = ["RadiusNeighborsClassifier", "RadiusNeighborsRegressor"]
UNCONVERTED_ONES = [
    "NMF", "PolynomialCountSketch", "HashingVectorizer",
    "SparseCoder", "KNNImputer", "TfidfVectorizer", "Isomap", "LocallyLinearEmbedding", "CountVectorizer",
    "RadiusNeighborsTransformer", "MiniBatchNMF",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", [*CERTIFIED_ONES, *DIFFERENT_ONES, *UNCONVERTED_ONES])
def test_an_estimator_is_what_the_table_says_it_is(name: str) -> None:
    result = attempt(subjects()[name], rows=300)
    assert result.reason == ""
    found = {(name, method): one.verdict for method, one in result.methods.items()}
    assert found == {key: verdict for key, verdict in TOLD.items() if key[0] == name}


def test_the_samples_are_of_the_verdicts_that_they_stand_for() -> None:
    def verdicts(names: list[str]) -> set[str]:
        return {verdict for (name, _), verdict in TOLD.items() if name in names}

    assert verdicts(CERTIFIED_ONES) == {CERTIFIED}
    assert NO_FORM in verdicts(UNCONVERTED_ONES)
    assert CERTIFIED not in verdicts(UNCONVERTED_ONES)
    assert verdicts(DIFFERENT_ONES) <= {DIFFERS, CERTIFIED}


def test_every_estimator_that_skl2onnx_claims_is_in_the_table() -> None:
    text = README.read_text(encoding="utf-8")
    table = text[text.index(BEGIN) : text.index(END)]
    assert [name for name in subjects() if name in claimed() and f"`{name}`" not in table] == []


def test_all_that_scikit_learn_has_is_tried_or_has_its_reason() -> None:
    text = README.read_text(encoding="utf-8")
    table = text[text.index(BEGIN) : text.index(END)]
    assert [name for name in subjects() if f"`{name}`" not in table] == []


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    results = [
        Result("Ridge", ("regressor",), {"predict": Finding(CERTIFIED, worst=0.0, form="exact", limit=1e15)}),
        Result(
            "KMeans",
            ("cluster", "transformer"),
            {
                "predict": Finding(DIFFERS, "labels | differ", first="KMeans"),
                "transform": Finding(CERTIFIED, worst=2e-16, form="exact"),
            },
        ),
        Result("NMF", ("transformer",), {"transform": Finding(NO_FORM, "exact: no; float64: no either")}),
        Result("DBSCAN", ("cluster",), reason="neither predicts nor transforms new rows"),
    ]
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(path, results, kinds=KINDS)
    text = path.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| `Ridge` * | `predict` | exact | none | 1e+15 |" in text
    assert "- `DBSCAN`: neither predicts nor transforms new rows" in text
    assert read(path) == {
        ("Ridge", "predict"): CERTIFIED,
        ("KMeans", "predict"): DIFFERS,
        ("KMeans", "transform"): CERTIFIED,
        ("NMF", "transform"): NO_FORM,
    }
    write(path, results, kinds=KINDS)
    assert path.read_text() == text
    assert "\n".join(markdown(results, kinds=KINDS)) in text


def test_the_worst_method_is_the_verdict() -> None:
    def of(*verdicts: str) -> str:
        return Result("x", (), {str(place): Finding(one) for place, one in enumerate(verdicts)}).verdict

    assert of(CERTIFIED, CERTIFIED) == CERTIFIED
    assert of(CERTIFIED, DIFFERS) == DIFFERS
    assert of(DIFFERS, NO_FORM) == NO_FORM
    assert of() == NOTHING


def test_the_same_estimator_is_fitted_to_the_same_each_time() -> None:
    for name in ("RandomForestClassifier", "MLPRegressor", "TargetEncoder"):
        first, second = (fitted(name) for _ in range(2))
        method = "predict" if hasattr(first[0], "predict") else "transform"
        assert (getattr(first[0], method)(first[1]) == getattr(second[0], method)(second[1])).all()
