"""What becomes of each model of the corpora here: trust asked, loaded, predicted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import modelpack
from modelpack.errors import ModelpackError, Untrusted
from modelpack.flavors import FLAVORS, choose
from modelpack.trust import Trust
from tests.compat.reading import plain
from tests.compat.reading.corpus import Corpus, Model
from tests.compat.real_mlflow import NEWEST

STRICT: Mapping[str, str] = {
    "sklearn-words": "a vectorizer gets the texts; MLflow hands it a frame, whose column names it reads",
    "onnx-wide": "several values a row are answered as arrays; MLflow flattens them into rows that are none",
}
"""Models that predict otherwise than with MLflow, by name, and why."""


@dataclass(frozen=True)
class Finding:
    """What *model* came to: *fault* is empty unless it did not load; *native* is the class of what did."""

    model: Model
    same: bool = False
    native: str = ""
    fault: str = ""

    @property
    def strict(self) -> bool:
        """Whether it is one that predicts otherwise, on purpose."""
        return self.model.name in STRICT


def untrusting(models: Iterable[Model]) -> dict[Model, list[str]]:
    """How each model failed to ask for the words that it takes; runs nothing that is not trusted."""
    return {model: list(_unasked(model)) for model in models}


def findings(corpora: Mapping[str, Corpus]) -> list[Finding]:
    """Load every model with the words that it takes, and ask it what MLflow was asked."""
    return [_find(model) for corpus in corpora.values() for model in corpus.models.values()]


def _unasked(model: Model) -> Iterator[str]:
    directory = modelpack.open_model(model.place)
    needs = FLAVORS[choose(directory.document)].needs(directory)
    if needs != model.needs:
        yield f"says that it needs {needs}"
    # Every set of words that is not all of them.
    for size in range(len(model.needs)):
        for words in combinations(model.needs, size):
            try:
                modelpack.load(model.place, trust=Trust().and_also(*words))
            except Untrusted as error:
                missing = [word for word in model.needs if word not in words]
                if not any(f"--trust {word}" in str(error) for word in missing):
                    yield f"with {words} it asks: {error}"
            else:
                yield f"is loaded with {words}"


def _spared(model: Model) -> Trust:
    """Who trusts pickles spares the child process that opens an ONNX file of anyone's first."""
    return model.trust.and_also("pickle") if model.flavor == "onnx" else model.trust


def _find(model: Model) -> Finding:
    try:
        native = modelpack.load(model.place, trust=_spared(model))
        # A transformer predicts nothing; it answers when it is asked for by name.
        method = None if model.predicts else "transform"
        predictor = modelpack.load_predictor(
            model.place, trust=_spared(model) if model.version != NEWEST else model.trust, method=method
        )
        answer = plain.encode(predictor.predict(model.data, model.params))
    except (ModelpackError, TypeError) as error:
        return Finding(model, fault=f"{type(error).__name__}: {error}")
    same = plain.text(answer) == plain.text(model.answer)
    return Finding(model, same=same, native=f"{type(native).__module__}.{type(native).__qualname__}")
