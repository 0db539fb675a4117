import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.serving.images.conftest import Verb
from tests.serving.images.making import PRODUCTION

ONNX = ("-m", PRODUCTION, "--engine", "onnx")


@pytest.fixture(autouse=True)
def _no_engine_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


def test_a_dry_run_shows_what_would_be_built_and_needs_no_engine(
    verb: Verb, locks: Mapping[str, Path]
) -> None:
    said = verb("build-docker", *ONNX, "-n", "churn:1", "--lock", locks["onnx"], "--dry-run")
    assert said.code == 0, said.err
    assert "\nENTRYPOINT" in said.out
    assert "model/model.onnx" in said.out
    assert said.out.splitlines()[-1].startswith("context sha256:")


def test_without_an_engine_one_line_says_what_to_do(verb: Verb, locks: Mapping[str, Path]) -> None:
    said = verb("build-docker", *ONNX, "-n", "churn:1", "--lock", locks["onnx"])
    assert said.code == 1
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("Error: no container engine answers: start Docker")


def test_a_folder_is_written_without_an_engine_and_twice_the_same(
    verb: Verb, locks: Mapping[str, Path], tmp_path: Path
) -> None:
    words = ("generate-dockerfile", *ONNX, "--lock", locks["onnx"], "--sbom", "-d")
    first, second = verb(*words, tmp_path / "a"), verb(*words, tmp_path / "b")
    assert first.code == second.code == 0, first.err
    assert first.out.split()[-1] == second.out.split()[-1]
    assert verb(*words, tmp_path / "a").out == first.out
    for path in (tmp_path / "a").rglob("*"):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.is_dir() or path.read_bytes() == other.read_bytes()


def test_the_names_that_mean_the_model_go_along(
    verb: Verb, locks: Mapping[str, Path], tmp_path: Path
) -> None:
    verb("generate-dockerfile", *ONNX, "--lock", locks["onnx"], "-d", tmp_path / "a")
    said = json.loads((tmp_path / "a" / "image.json").read_bytes())
    start = "models:/churn-prediction-model"
    assert said["references"] == ["/opt/ml/model", f"{start}/1", f"{start}/Production", f"{start}@champion"]
    assert (said["model"], said["version"]) == ("/opt/ml/model", "1")


def test_a_model_by_its_path_tells_nothing_of_this_disk(
    verb: Verb, home: Path, locks: Mapping[str, Path], tmp_path: Path
) -> None:
    words = ("-m", home / "model", "--engine", "onnx", "--lock", locks["onnx"])
    said = verb("generate-dockerfile", *words, "-d", tmp_path / "a")
    assert said.code == 0, said.err
    texts = [path.read_bytes() for path in (tmp_path / "a").iterdir() if path.is_file()]
    assert not [text for text in texts if str(home).encode() in text]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--env", "A"), "write --env KEY=VALUE"),
        (("--env", "A=1", "--env", "A=2"), "given twice"),
        (("--env", "DB_PASSWORD=x"), "no secret"),
        (("--env", "A\nRUN id=x"), "a name of letters"),
        (("--label", "a=b\nRUN id"), "one line"),
        (("--label", "a=b", "--label", "a=c"), "given twice"),
        (("--build-arg", "A=b\nRUN id"), "one line"),
        (("--base", "python:3.11\nRUN id"), "registry/name:tag"),
        (("--base", "python"), "tag other than latest"),
        (("--system-package", "curl; id"), "a Debian package"),
        (("--extra-requirements", "$(id)"), "NAME==VERSION"),
        (("--index-url", "https://ada:canary@x/"), "without a password"),
        (("--port", "80"), "1024 to 65535"),
        (("--platform", "windows/amd64"), "linux/amd64 or linux/arm64"),
        (("--python", "3.9"), "3.11 or 3.12"),
        (("--model-at-start", "--extra-requirements", "cowsay==6.1"), "nothing for cowsay"),
    ],
)
def test_a_wrong_word_is_one_line(
    verb: Verb, locks: Mapping[str, Path], words: tuple[str, ...], part: str
) -> None:
    said = verb("build-docker", *ONNX, "-n", "churn:1", "--lock", locks["onnx"], "--dry-run", *words)
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert line.startswith("Error: ")
    assert part in line
    assert "canary" not in line


def test_the_name_of_an_image_is_held_to_its_grammar(verb: Verb, locks: Mapping[str, Path]) -> None:
    said = verb("build-docker", *ONNX, "-n", "churn:$(id)", "--lock", locks["onnx"], "--dry-run")
    assert (said.code, said.out) == (1, "")


def test_a_secret_needs_a_builder_that_can_keep_it(
    verb: Verb, locks: Mapping[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://ada:canary@packages.example.org/simple\n")
    words = (*ONNX, "-n", "churn:1", "--lock", locks["onnx"], "--pip-config", config, "--dry-run")
    classic = verb("build-docker", *words)
    assert classic.code == 1
    assert "--builder buildkit" in classic.err
    said = verb("build-docker", *words, "--builder", "buildkit")
    assert said.code == 0, said.err
    assert "--mount=type=secret,id=pip.conf," in said.out
    assert "canary" not in said.out + said.err


def test_a_path_cannot_be_fetched_at_the_start(verb: Verb, home: Path, locks: Mapping[str, Path]) -> None:
    words = ("-m", home / "model", "--engine", "onnx", "--lock", locks["onnx"], "--model-at-start")
    said = verb("build-docker", *words, "-n", "churn:1", "--dry-run")
    assert said.code == 1
    assert "--model-at-start needs a reference" in said.err


def test_a_lock_of_another_model_is_refused(verb: Verb, tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(f"numpy==1.26.0 --hash=sha256:{'a' * 64}\n")
    said = verb("build-docker", *ONNX, "-n", "churn:1", "--lock", lock, "--dry-run")
    assert said.code == 1
    assert "lock anew" in said.err
