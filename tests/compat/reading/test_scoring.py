"""``/invocations`` answers the bodies of real MLflow as MLflow does, or as the closed list of cases says."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.codecs._encode import encode
from tests.compat.reading import bodies, plain
from tests.compat.reading.asking import Reply
from tests.compat.reading.corpus import Corpus
from tests.compat.reading.findings import STRICT
from tests.compat.reading.scoring import Comparison, requests
from tests.compat.reading.strict import CASES, MODES, case_of
from tests.compat.real_mlflow import NEWEST
from tests.compat.writing.commands import serve
from tests.serving.kit import serving

pytestmark = [
    pytest.mark.mlflow,
    # Pickles of numpy 1 name what has moved since.
    pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning"),
]

SERVED = {
    "3.17": ["onnx-linear-external"],
    "2.22": ["python-code"],
    "2.10": ["lightgbm-classifier-cloudpickle"],
}
"""Models that real processes of ours serve."""

SERVED_BY_MLFLOW = ["sklearn-mixed-pickle", "python-params"]

OTHERWISE_OVER_HTTP = ("python-unsigned-list",)
"""A list of numbers in JSON is an array to the model, with MLflow too."""


def test_every_difference_is_one_of_the_listed_cases(compared: list[Comparison]) -> None:
    unlisted = [
        f"{one.model}, {one.body.name}, {mode}: {one.theirs} -> {one.ours[mode]}"[:600]
        for one in compared
        for mode in MODES
        if one.differs(mode)
        and case_of(one.model.name, one.body.name, mode, one.theirs, one.ours[mode]) is None
    ]
    assert unlisted == []
    assert len(compared) > 2500


def test_every_listed_case_is_still_a_difference(compared: list[Comparison]) -> None:
    seen = Counter(
        (case.name, mode)
        for one in compared
        for mode in MODES
        if one.differs(mode)
        and (case := case_of(one.model.name, one.body.name, mode, one.theirs, one.ours[mode]))
    )
    assert [(case.name, mode) for case in CASES for mode in case.modes if not seen[case.name, mode]] == []


def test_the_names_of_the_cases_are_unlike() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_bodies_of_one_model_are_told_apart_by_their_names(corpora: dict[str, Corpus]) -> None:
    for model, made in requests(corpora).items():
        assert len({body.name for body in made}) == len(made), str(model)


def test_every_model_is_served_with_the_values_that_its_mlflow_predicted(compared: list[Comparison]) -> None:
    first = {one.model: one for one in reversed(compared)}
    assert len(first) == len({one.model for one in compared}) > 240
    wrong = []
    for model, one in first.items():
        # A tensor with missing numbers takes the lenient rules, over JSON.
        mode = MODES[1] if model.name.startswith("sklearn-boosted") else MODES[0]
        expected = Reply.of(200, encode(plain.decode(model.answer)))
        if one.ours[mode].text != expected.text and model.name not in (*STRICT, *OTHERWISE_OVER_HTTP):
            wrong.append(f"{model}: {one.ours[mode]}, not {expected}"[:600])
    assert wrong == []


@pytest.fixture(scope="module")
def at_real_servers(
    corpora: dict[str, Corpus], compared: list[Comparison], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Reply]]]:
    """What processes of ``serve`` answer to every body of their models."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        servers = {}
        for version, names in SERVED.items():
            for name in names:
                model = corpora[version].models[name]
                trust = [word for need in model.needs for word in ("--trust", need)]
                started = serving(folder / name, "-m", str(model.place), *trust, wait=False)
                servers[str(model)] = stack.enter_context(started)
        replies: dict[str, list[Reply]] = {}
        for one in compared:
            if (server := servers.get(str(one.model))) is None:
                continue
            if not server.port:
                server.wait_until_ready()
            headers = {} if one.body.media_type is None else {"Content-Type": one.body.media_type}
            status, _, content = server.call("POST", "/invocations", one.body.content, headers)
            replies.setdefault(str(one.model), []).append(Reply.of(status, content))
        yield replies


def test_a_real_process_answers_as_the_application_does(
    at_real_servers: dict[str, list[Reply]], compared: list[Comparison]
) -> None:
    here: dict[str, list[str]] = {}
    for one in compared:
        here.setdefault(str(one.model), []).append(one.ours["lossless"].text)
    assert len(at_real_servers) == sum(map(len, SERVED.values()))
    for name, replies in at_real_servers.items():
        assert [reply.text for reply in replies] == here[name]


@pytest.mark.long
def test_mlflow_models_serve_is_the_application_that_was_asked(
    corpus: Corpus, compared: list[Comparison], tmp_path: Path
) -> None:
    models = [corpus.models[name] for name in SERVED_BY_MLFLOW]
    with ThreadPoolExecutor(len(models)) as pool, ExitStack() as stack:
        servers = [serve(model.place, tmp_path, NEWEST) for model in models]
        ready = list(pool.map(stack.enter_context, servers))
        for model, server in zip(models, ready, strict=True):
            asked = [one for one in compared if one.model is model and one.body.media_type == bodies.JSON]
            assert len(asked) > 50
            for one in asked:
                value = server.answer(one.body)
                refused = value.get("status") if isinstance(value, dict) and "told" in value else None
                reply = Reply(refused) if refused else Reply(200, value)
                assert reply.text == one.theirs.text, one.body.name


def test_a_body_says_what_the_model_is_asked_for(corpus: Corpus) -> None:
    model = corpus.models["sklearn-mixed-skops"]
    first, *_ = bodies.ordinary(model.data, None, model.signature)
    split = json.loads(first.content)["dataframe_split"]
    assert split["columns"] == ["age", "charges", "plan", "paperless"]
    assert len(split["data"]) == len(model.data)
