"""``/invocations`` of ours and of MLflow's, side by side: every body asked of both."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.settings import Coerce
from tests.compat.reading import bodies
from tests.compat.reading.asking import Reply, ask_here, ask_mlflow
from tests.compat.reading.bodies import Body
from tests.compat.reading.corpus import Corpus, Model
from tests.compat.reading.strict import MODES
from tests.compat.real_mlflow import NEWEST


@dataclass(frozen=True)
class Comparison:
    """One body, asked of one model in both servers; ours by mode."""

    model: Model
    body: Body
    theirs: Reply
    ours: Mapping[Coerce, Reply]

    def differs(self, mode: Coerce) -> bool:
        """Whether the status, or the JSON value, is another."""
        return self.theirs.text != self.ours[mode].text


def requests(corpora: Mapping[str, Corpus]) -> dict[Model, list[Body]]:
    """What each model is asked: all its ordinary bodies, and odd ones those that stand for the others."""
    asked: dict[Model, list[Body]] = {}
    odd: set[Any] = set()
    for corpus in corpora.values():
        for model in corpus.models.values():
            if not model.predicts:
                continue
            made = bodies.ordinary(model.data, model.params, model.signature)
            for kind, more in _for_one(model):
                if corpus.version == NEWEST and kind not in odd:
                    odd.add(kind)
                    made += more(model.data, model.signature)
            if model.name == "python-answers":
                made += bodies.answers()
            asked[model] = made
    return asked


def _for_one(model: Model) -> Iterator[tuple[Any, Any]]:
    """Bodies that one model of a kind is asked, for all of that kind."""
    yield ("malformed", model.kind), bodies.malformed
    # Signatures of the python flavor are of many makes.
    shape = str(model.signature) if model.flavor == "python" and model.signature else model.name
    yield ("odd", model.flavor, shape if model.flavor == "python" else model.kind), bodies.odd


def compare(corpora: Mapping[str, Corpus], folder: Path) -> list[Comparison]:
    """Ask everything; *folder* is for files of passage."""
    asked = requests(corpora)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_mlflow, {str(model.place): made for model, made in asked.items()}, folder)
        ours = {model: ask_here(model, dict.fromkeys(MODES, made), folder) for model, made in asked.items()}
        theirs = asking.result()
    return [
        Comparison(model, body, reply, {mode: ours[model][mode][place] for mode in MODES})
        for model, made in asked.items()
        for place, (body, reply) in enumerate(zip(made, theirs[str(model.place)], strict=True))
    ]
