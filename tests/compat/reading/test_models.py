"""Directories that three versions of real MLflow wrote load here, and predict what they predicted there."""

import json
from typing import Any

import pytest

import modelpack
from modelpack.errors import InvalidModel
from tests.compat.reading.corpus import FLAVORS, Corpus, Model
from tests.compat.reading.findings import STRICT, Finding
from tests.compat.real_mlflow import ENVIRONMENTS, NEWEST

pytestmark = [
    pytest.mark.mlflow,
    # Pickles of numpy 1 name what has moved since.
    pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning"),
]

EACH = pytest.mark.parametrize(
    ("version", "flavor"), [(version, flavor) for version in ENVIRONMENTS for flavor in FLAVORS]
)


def of(found: list[Finding], version: str, flavor: str) -> list[Finding]:
    chosen = [one for one in found if (one.model.version, one.model.flavor) == (version, flavor)]
    assert chosen
    return chosen


@EACH
def test_every_model_waits_for_the_words_that_it_takes(
    unasked: dict[Model, list[str]], version: str, flavor: str
) -> None:
    faults = {
        str(model): faults
        for model, faults in unasked.items()
        if (model.version, model.flavor) == (version, flavor) and faults
    }
    assert faults == {}


def test_nothing_of_a_model_runs_before_it_is_trusted(
    marks_before: dict[str, list[str]], found: list[Finding], corpora: dict[str, Corpus]
) -> None:
    assert marks_before == {version: [] for version in ENVIRONMENTS}
    # And it would show: with trust the same models leave the marks that they left with MLflow.
    assert {one.model.version for one in found} == set(ENVIRONMENTS)
    for corpus in corpora.values():
        assert corpus.marked() == list(corpus.marks) == ["imported", "loaded", "unpickled"]


@EACH
def test_every_model_loads(found: list[Finding], version: str, flavor: str) -> None:
    assert [f"{one.model}: {one.fault}" for one in of(found, version, flavor) if one.fault] == []


@EACH
def test_every_model_predicts_what_it_predicted_there(
    found: list[Finding], version: str, flavor: str
) -> None:
    others = [one.model.name for one in of(found, version, flavor) if not one.same]
    assert others == [name for name in STRICT if name.startswith(f"{flavor}-")]


@pytest.mark.parametrize("flavor", [flavor for flavor in FLAVORS if flavor != "python"])
def test_the_native_object_is_the_librarys_own(found: list[Finding], flavor: str) -> None:
    owners = {
        one.native.partition(".")[0]
        for one in found
        if one.model.flavor == flavor and one.model.form != "code"
    }
    assert owners == {flavor}


def test_a_model_that_predicts_nothing_says_so(corpora: dict[str, Corpus]) -> None:
    for corpus in corpora.values():
        model = corpus.models["sklearn-scaler"]
        with pytest.raises(InvalidModel, match="saved without predict"):
            modelpack.load_predictor(model.place, trust=model.trust)


def test_signatures_are_those_of_mlflow(corpora: dict[str, Corpus]) -> None:
    for corpus in corpora.values():
        for model in corpus.models.values():
            here = None if model.signature is None else model.signature.to_dict()
            assert parsed(here) == parsed(model.told["signature"]), str(model)


def test_signatures_of_the_newest_are_read_and_written_letter_by_letter(corpus: Corpus) -> None:
    read = {name: model.signature and model.signature.to_dict() for name, model in corpus.models.items()}
    told = {name: _without_flags(model.told["signature"]) for name, model in corpus.models.items()}
    assert read == told


def test_input_examples_are_what_their_models_take(corpora: dict[str, Corpus]) -> None:
    kinds = set()
    for corpus in corpora.values():
        for model in corpus.models.values():
            view = modelpack.open_model(model.place)
            assert (view.example() is None) == (model.example == "none"), str(model)
            if model.example == "none":
                continue
            kinds.add(model.example)
            shown: Any = view.example()
            if corpus.version != NEWEST:
                continue
            data, params = shown if model.example == "params" else (shown, None)
            predictor = modelpack.load_predictor(model.place, trust=model.trust.and_also("pickle"))
            assert predictor.predict(data, params) is not None, str(model)
    assert kinds == {"frame", "array", "dict", "list", "params", "sparse"}


def test_the_serving_example_of_mlflow_is_handed_on(corpus: Corpus) -> None:
    view = modelpack.open_model(corpus.models["sklearn-mixed-skops"].place)
    assert view.serving_example() == json.loads((view.path / "serving_input_example.json").read_text())


def test_the_corpora_meet_every_kind(corpora: dict[str, Corpus]) -> None:
    for version, corpus in corpora.items():
        assert {model.flavor for model in corpus.models.values()} == set(FLAVORS)
        kinds = {(model.flavor, model.kind) for model in corpus.models.values()}
        for flavor in FLAVORS:
            assert {kind for one, kind in kinds if one == flavor} >= {"columns", "tensors", "params", "none"}
        assert ("python", "arrays and objects") in kinds
        assert (("python", "type hints") in kinds) == (version != "2.10")
    forms = {model.form for model in corpora[NEWEST].models.values()}
    assert forms == {
        *("pickle", "cloudpickle", "skops", "ubj", "json", "text", "cbm", "external", "inline"),
        *("code", "gzip", "bzip2", "lzma"),
    }


def parsed(signature: Any) -> Any:
    """The parts of a signature from their JSON texts; MLflow 2.10 orders the keys of params otherwise."""
    if signature is None:
        return None
    return {part: json.loads(text) for part, text in _without_flags(signature).items() if text}


def _without_flags(signature: Any) -> Any:
    return signature and {part: signature.get(part) for part in ("inputs", "outputs", "params")}
