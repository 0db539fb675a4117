"""``modelpack k8s``, as it is typed."""

import pickle
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import k8s
import modelpack
from k8s.bundle import KINDS
from k8s.workload import MODEL_DIGEST
from tests.k8s.conftest import NAME, Stand, Verb
from tests.k8s.making import found
from tests.shared import shared

REFERENCE = f"models:/{NAME}/Production"
IMAGE = "your-registry/churn-model:v1.2.0"
MODEL = ("-m", REFERENCE, "--image", IMAGE)
GUIDE = (
    *MODEL,
    *("--cpu", "500m:1000m", "--memory", "1Gi:2Gi"),
    *("--env", f"MLFLOW_MODEL_URI={REFERENCE}"),
    *("--env", "GUNICORN_CMD_ARGS=--workers=4 --timeout=60"),
    *("--host", "churn-model.your-domain.com"),
)


def _objects(text: str) -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def _guide() -> dict[str, Any]:
    """The three objects that stand in the guide."""
    (text,) = shared("seeds").glob("*.txt")
    block = text.read_text(encoding="utf-8").partition("# model-deployment.yaml\n")[2].partition("```")[0]
    return _objects(block)


def test_the_guides_manifest_comes_out_of_one_command(verb: Verb) -> None:
    wanted, answer = _guide(), verb(*GUIDE)
    assert (answer.code, answer.err) == (0, "")
    made = _objects(answer.out)
    for kind, one in wanted.items():
        assert made[kind]["metadata"]["name"] == one["metadata"]["name"]
        assert made[kind]["metadata"]["namespace"] == one["metadata"]["namespace"]
    ours, theirs = (one["Deployment"]["spec"] for one in (made, wanted))
    assert ours["replicas"] == theirs["replicas"]
    assert theirs["selector"]["matchLabels"].items() <= ours["selector"]["matchLabels"].items()
    (ours,), (theirs,) = (one["template"]["spec"]["containers"] for one in (ours, theirs))
    assert {key: ours[key] for key in ("name", "image", "env")} == {
        key: theirs[key] for key in ("name", "image", "env")
    }
    assert ours["ports"][0]["containerPort"] == theirs["ports"][0]["containerPort"]
    for part, amounts in theirs["resources"].items():
        assert amounts.items() <= ours["resources"][part].items()
    assert ours["livenessProbe"]["httpGet"]["path"] == theirs["livenessProbe"]["httpGet"]["path"]
    assert ours["livenessProbe"]["periodSeconds"] == theirs["livenessProbe"]["periodSeconds"]
    assert "readinessProbe" in ours
    assert made["Ingress"]["spec"] == wanted["Ingress"]["spec"]
    (port,) = made["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, ours["ports"][0]["name"])
    assert made["Service"]["spec"]["type"] == wanted["Service"]["spec"]["type"]


def test_the_readme_shows_that_command(verb: Verb) -> None:
    text = (Path(k8s.__file__).parent / "README.md").read_text(encoding="utf-8")
    block = text.partition("```bash\n")[2].partition("```")[0]
    words = shlex.split(block.replace("\\\n", " "))
    assert words[:2] == ["modelpack", "k8s"]
    assert verb(*words[2:]).out == verb(*GUIDE).out


def test_the_pods_bear_the_digest_of_the_model_that_is_meant(verb: Verb, home: Path) -> None:
    made = _objects(verb(*MODEL).out)
    notes = made["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert notes[MODEL_DIGEST] == modelpack.open_model(home / "model").digest
    assert notes["modelpack/model"] == REFERENCE


def test_a_path_is_called_by_its_image(verb: Verb, home: Path) -> None:
    made = _objects(verb("-m", home / "model", "--image", IMAGE).out)
    assert made["Deployment"]["metadata"]["name"] == "churn-model"


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


def test_nothing_of_the_model_runs(
    verb: Verb, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(home / "model", tmp_path / "model")
    (tmp_path / "model" / "modelpack.manifest.json").unlink()
    (tmp_path / "model" / "model.pkl").write_bytes(pickle.dumps(_Bomb()))
    assert verb("-m", "model", "--image", IMAGE).code == 0
    assert not (tmp_path / "exploded").exists()


def test_names_can_all_be_said(verb: Verb) -> None:
    words = ("--name", "a", "--app", "b", "--namespace", "c", "--service-name", "d", "--ingress-name", "e")
    made = _objects(verb(*GUIDE, *words).out)
    names = {kind: made[kind]["metadata"]["name"] for kind in ("Deployment", "Service", "Ingress")}
    assert names == {"Deployment": "a", "Service": "d", "Ingress": "e"}
    assert {one["metadata"]["namespace"] for one in made.values()} == {"c"}
    assert {one["metadata"]["labels"]["app"] for one in made.values()} == {"b"}


def test_an_autoscaler_has_a_least_and_a_most(verb: Verb) -> None:
    made = _objects(verb(*MODEL, "--min-replicas", 4, "--max-replicas", 9).out)
    spec = made["HorizontalPodAutoscaler"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (4, 9)
    assert "replicas" not in made["Deployment"]["spec"]


def test_kinds_are_chosen_in_any_letter_case(verb: Verb) -> None:
    assert list(_objects(verb(*MODEL, "--kind", "service", "--kind", "ConfigMap").out)) == [
        "ConfigMap",
        "Service",
    ]


def test_a_folder_is_written_and_its_files_named(verb: Verb, tmp_path: Path) -> None:
    answer = verb(*MODEL, "-o", tmp_path / "base")
    assert answer.code == 0
    assert [Path(line).is_file() for line in answer.out.splitlines()] == [True] * 7
    assert (tmp_path / "base" / "kustomization.yaml").is_file()


def test_apply_sends_the_stream_and_prints_the_answer(verb: Verb, stand: Stand) -> None:
    stand.answer(out="deployment.apps/churn serverside-applied\n")
    answer = verb(*MODEL, "--apply", "--context", "test")
    assert (answer.code, answer.out) == (0, "deployment.apps/churn serverside-applied\n")
    assert stand.words[:2] == ["--context=test", "apply"]
    assert stand.input == verb(*MODEL).out


def test_diff_tells_by_its_code_whether_anything_would_change(verb: Verb, stand: Stand) -> None:
    assert verb(*MODEL, "--diff").code == 0
    stand.answer(out="+a\n", code=1)
    answer = verb(*MODEL, "--diff")
    assert (answer.code, answer.out) == (3, "+a\n")
    stand.answer(err="connection refused\n", code=1)
    answer = verb(*MODEL, "--diff")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--image", IMAGE), 2, "--model-uri"),
        (("-m", "models:/nobody/1", "--image", IMAGE), 1, "nobody"),
        (("-m", "/nowhere/at/all", "--image", IMAGE), 1, "/nowhere/at/all"),
        (("-m", REFERENCE, "--image", "m:latest"), 1, "a tag other than latest"),
        ((*MODEL, "--env", "A"), 1, "has no value"),
        ((*MODEL, "--env", "A B=1"), 1, "no digit first"),
        ((*MODEL, "--env", "DB_PASSWORD=hunter2"), 1, "mount a Secret"),
        ((*MODEL, "--memory", "256MiB"), 1, "512Mi"),
        ((*MODEL, "--cpu", "half"), 1, "500m"),
        ((*MODEL, "--replicas", "many"), 2, "integer"),
        ((*MODEL, "--replicas", 3, "--min-replicas", 2, "--max-replicas", 4), 1, "say one of them"),
        ((*MODEL, "--min-replicas", 2), 1, "say both"),
        ((*MODEL, "--kind", "Ingress"), 1, "with --host"),
        ((*MODEL, "--kind", "Pod"), 2, "'deployment'"),
        ((*MODEL, "--kubernetes-version", "1.24"), 1, "1.25 to 1.37"),
        ((*MODEL, "--apply", "--diff"), 2, "say one of"),
        ((*MODEL, "--context", "prod"), 2, "--apply"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(
    verb: Verb, words: tuple[object, ...], code: int, said: str
) -> None:
    answer = verb(*words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "hunter2" not in answer.err
    assert "Traceback" not in answer.err
    assert answer.err.splitlines()[-1].startswith("Error: ")


def test_the_help_names_every_kind_and_option(verb: Verb) -> None:
    text = verb("--help").out
    assert [kind for kind in KINDS if kind.lower() not in text.lower()] == []
    assert [text.count(f"{flag} ") > 0 for flag in ("--apply", "--diff", "--kserve", "--monitor")] == [
        True
    ] * 4


def test_what_is_typed_reaches_the_pod(verb: Verb) -> None:
    text = "two\nlines 'and' \"quotes\" $(HOME) $$ 0o17 ä"
    made = _objects(verb(*MODEL, "--env", f"NOTE={text}", "--env", "SWITCH=on").out)
    assert list(found(made["Deployment"], "env")) == [
        [
            {"name": "NOTE", "value": text.replace("$", "$$")},
            {"name": "SWITCH", "value": "on"},
        ]
    ]
