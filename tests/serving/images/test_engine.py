"""Engines that are not there, and programs that stand in for one; real ones are in test_containers."""

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelpack.errors import MissingDependency
from serving.images.context import Context
from serving.images.engine import Classic, Order, Program, engine
from serving.images.errors import BuildFailed, Disagreement, EngineUnavailable

CONTEXT = Context({"Dockerfile": b"FROM x:1\n"})


def _order(**changes: object) -> Order:
    given: Mapping[str, object] = {
        "tag": "churn:1",
        "platform": "linux/amd64",
        "arguments": {},
        "secrets": {},
    }
    return Order(**{**given, **changes})  # type: ignore[arg-type]  # a table of changes has one type


def test_no_engine_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineUnavailable) as caught:
        engine("classic")
    said = str(caught.value)
    assert "start Docker" in said
    assert "DOCKER_HOST" in said
    assert "generate-dockerfile" in said
    assert len(said) <= 300


def test_an_engine_of_no_address_at_all_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")
    with pytest.raises(EngineUnavailable):
        engine("classic")


def test_no_sdk_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MissingDependency, match=r"modelpack\[docker\]"):
        engine("classic")


@pytest.mark.parametrize(("builder", "program"), [("buildkit", "docker"), ("podman", "podman")])
def test_no_program_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, builder: str, program: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=f"{program} is not on PATH"):
        engine(builder)  # type: ignore[arg-type]  # one of its words, from a table


class Stand:
    """A program that notes its words, and a part of its surroundings, and says what it is told to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.path = folder / name
        self.answer()

    def answer(self, *, out: str = "step 1\nstep 2\n", code: int = 0) -> None:
        (self.folder / "out").write_text(out)
        self.path.write_text(
            '#!/bin/sh\nhere=${0%/*}\nprintf "%s\\n" "$@" >"$here/words"\n'
            'printf "%s\\n" "$HTTP_PROXY" "$DOCKER_BUILDKIT" >"$here/surroundings"\n'
            "while [ $# -gt 0 ]; do\n"
            'if [ "$1" = --iidfile ]; then echo sha256:abc >"$2"; fi; last=$1; shift; done\n'
            'if [ -d "$last" ]; then cp -r "$last" "$here/context"; fi\n'
            f'cat "$here/out"\nexit {code}\n'
        )
        self.path.chmod(stat.S_IRWXU)

    @property
    def words(self) -> list[str]:
        return (self.folder / "words").read_text().splitlines()

    @property
    def surroundings(self) -> list[str]:
        return (self.folder / "surroundings").read_text().splitlines()


@pytest.fixture(params=["docker", "podman"])
def stand(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Stand(tmp_path, request.param)


def test_a_program_gets_the_context_and_what_it_says_is_shown(stand: Stand) -> None:
    shown: list[str] = []
    identity = Program(stand.path.name).build(CONTEXT, _order(), shown.append)  # type: ignore[arg-type]  # its word
    assert identity == "sha256:abc"
    assert shown == ["step 1", "step 2"]
    assert (stand.folder / "context" / "Dockerfile").read_bytes() == b"FROM x:1\n"
    assert stand.words[:5] == ["build", "--tag", "churn:1", "--platform", "linux/amd64"]
    assert stand.surroundings[1] == "1"


def test_a_proxy_is_in_the_surroundings_and_in_no_word(stand: Stand) -> None:
    proxy = "http://ada:canary@proxy.example.org:3128"
    maker = Program(stand.path.name)  # type: ignore[arg-type]  # its word
    maker.build(CONTEXT, _order(arguments={"HTTP_PROXY": proxy}), lambda _: None)
    assert stand.surroundings[0] == proxy
    assert "HTTP_PROXY" in stand.words
    assert "canary" not in "\n".join(stand.words)


def test_a_secret_goes_by_its_file(stand: Stand, tmp_path: Path) -> None:
    secret = tmp_path / "pip.conf"
    maker = Program(stand.path.name)  # type: ignore[arg-type]  # its word
    maker.build(CONTEXT, _order(secrets={"pip.conf": secret}), lambda _: None)
    place = stand.words.index("--secret")
    assert stand.words[place + 1] == f"id=pip.conf,src={secret}"


def test_a_build_that_fails_says_the_last_line(stand: Stand) -> None:
    stand.answer(out="step 1\nERROR: no matching distribution\n", code=1)
    with pytest.raises(BuildFailed, match="code 1: ERROR: no matching distribution"):
        Program(stand.path.name).build(CONTEXT, _order(), lambda _: None)  # type: ignore[arg-type]  # its word


def test_a_program_without_its_engine_is_no_engine(stand: Stand) -> None:
    stand.answer(out="Cannot connect to the Docker daemon at unix:///x. Is it running?\n", code=1)
    with pytest.raises(EngineUnavailable, match="start Docker"):
        Program(stand.path.name).push("churn:1", lambda _: None)  # type: ignore[arg-type]  # its word


def test_a_push_names_the_image(stand: Stand) -> None:
    Program(stand.path.name).push("registry.example.org/churn:1", lambda _: None)  # type: ignore[arg-type]  # its word
    assert stand.words == ["push", "registry.example.org/churn:1"]


def test_the_classic_builder_refuses_secrets(tmp_path: Path) -> None:
    maker = Classic.__new__(Classic)  # no engine is asked before that is seen
    with pytest.raises(Disagreement, match="--builder buildkit"):
        maker.build(CONTEXT, _order(secrets={"netrc": tmp_path / "netrc"}), lambda _: None)
