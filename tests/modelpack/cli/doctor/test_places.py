"""Folders and the cache, as they are found."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelpack.cli.doctor import places
from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.directory.manifest import Manifest
from tests.modelpack.small import saved


def found(look: Iterable[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in look}


def patient(home: Path, *, verify: bool = False, **environ: str) -> Patient:
    return Patient(environ={"MODELPACK_HOME": str(home), **environ}, verify=verify)


def test_a_home_and_artifacts_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir(mode=0o750)
    tmp_path.chmod(0o700)
    told = found(places.look(patient(tmp_path)))
    assert {one.state for one in told.values()} == {"ok"}
    assert told["home"].told.startswith(f"{tmp_path}, rights 700, ")
    assert told["artifacts"].told.startswith(f"{tmp_path}/artifacts, rights 750, ")


def test_a_home_that_others_may_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    home = found(places.look(patient(tmp_path)))["home"]
    assert (home.state, home.do) == ("warning", f"chmod go-w {tmp_path}")


@pytest.mark.parametrize(("mode", "said"), [("file", "is no folder"), ("below", "is no folder")])
def test_a_home_that_cannot_be(tmp_path: Path, mode: str, said: str) -> None:
    (tmp_path / "home").write_text("")
    home = tmp_path / "home" if mode == "file" else tmp_path / "home" / "deeper"
    told = found(places.look(patient(home)))["home"]
    assert told.state == "problem"
    assert said in told.told
    assert "MODELPACK_HOME" in told.do


def test_a_place_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write everywhere
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    told = found(places.look(patient(tmp_path, MODELPACK_ARTIFACT_ROOT=str(tmp_path / "elsewhere"))))
    assert (told["home"].state, told["home"].told) == ("problem", f"{tmp_path} may not be written")
    assert told["artifacts"].state == "problem"
    assert f"cannot be made: {tmp_path} may not be written" in told["artifacts"].told


@pytest.mark.parametrize(("free", "state"), [(50 << 20, "problem"), (500 << 20, "warning"), (5 << 30, "ok")])
def test_room_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert found(places.look(patient(tmp_path)))["home"].state == state


def test_a_damaged_model_of_the_cache_is_found_when_every_byte_is_read(tmp_path: Path) -> None:
    model = saved(tmp_path / "model")
    digest = Manifest.of(model).digest.removeprefix("sha256:")
    place = tmp_path / "cache" / "models" / "sha256" / digest[:2] / digest
    shutil.copytree(model, place)
    (whole,) = places.look_at_cache(patient(tmp_path, verify=True))
    assert whole.state == "ok"
    assert "1 models" in whole.told
    assert "of at most 20.0 GiB" in whole.told
    assert whole.told.endswith("every byte verified")
    (place / "model.skops").write_bytes(b"other")
    (quick,) = places.look_at_cache(patient(tmp_path))
    assert quick.state == "ok"
    (thorough,) = places.look_at_cache(patient(tmp_path, verify=True))
    assert thorough.state == "warning"
    assert f"1 damaged: sha256:{digest[:12]}" in thorough.told
    assert place.is_dir()


def test_a_bucket_of_a_team_is_no_folder_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    told = found(places.look(patient(tmp_path, MODELPACK_ARTIFACT_ROOT="s3://bucket/team")))
    assert told["artifacts"].state == "ok"
    assert "s3://bucket/team" in told["artifacts"].told
