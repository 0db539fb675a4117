"""The files of a team server: whole, closed, and careful with passwords that are in use."""

import stat
from pathlib import Path

import pytest
import yaml

from modelpack.errors import AlreadyExists
from serving.compose.plan import SECRETS
from serving.compose.write import write
from serving.images.errors import CannotLock
from serving.images.wheel import NAME


def secrets_in(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_a_folder_gets_the_document_its_secrets_and_what_the_image_is_built_of(
    tmp_path: Path, lock: Path
) -> None:
    write(tmp_path / "team", lock=lock)
    made = {path.relative_to(tmp_path / "team").as_posix() for path in (tmp_path / "team").rglob("*")}
    assert {"docker-compose.yaml", ".env", ".gitignore", "image/Dockerfile", f"image/wheels/{NAME}"} <= made
    document = yaml.safe_load((tmp_path / "team" / "docker-compose.yaml").read_text())
    assert document["services"]["server"]["build"] == {"context": "./image"}


def test_secrets_are_long_differ_and_are_for_their_owner_alone(tmp_path: Path, lock: Path) -> None:
    for name in ("one", "other"):
        write(tmp_path / name, lock=lock)
    one, other = secrets_in(tmp_path / "one"), secrets_in(tmp_path / "other")
    assert set(one) == set(SECRETS)
    assert len({*one.values(), *other.values()}) == 2 * len(SECRETS)
    assert all(len(value) == 48 for value in one.values())
    assert stat.S_IMODE((tmp_path / "one" / ".env").stat().st_mode) == 0o600
    assert (tmp_path / "one" / ".gitignore").read_text().splitlines() == [".env"]


def test_no_other_file_holds_a_secret(tmp_path: Path, lock: Path) -> None:
    write(tmp_path, lock=lock)
    values = [value.encode() for value in secrets_in(tmp_path).values()]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    holding = [path.name for path in files if any(value in path.read_bytes() for value in values)]
    assert holding == [".env"]


def test_what_is_there_is_replaced_only_when_asked_and_the_secrets_never(tmp_path: Path, lock: Path) -> None:
    write(tmp_path, lock=lock)
    before = secrets_in(tmp_path)
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    with pytest.raises(AlreadyExists, match="--force"):
        write(tmp_path, lock=lock)
    write(tmp_path, lock=lock, again=True)
    assert secrets_in(tmp_path) == before
    assert "postgres" in (tmp_path / "docker-compose.yaml").read_text()


def test_what_people_wrote_into_env_and_gitignore_stays(tmp_path: Path, lock: Path) -> None:
    (tmp_path / ".env").write_text("S3_ACCESS_KEY=of-the-bucket-that-is-there\nTZ=UTC")
    (tmp_path / ".gitignore").write_text("*.log\n")
    write(tmp_path, lock=lock)
    found = secrets_in(tmp_path)
    assert found["S3_ACCESS_KEY"] == "of-the-bucket-that-is-there"
    assert found["TZ"] == "UTC"
    assert set(SECRETS) < set(found)
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.env\n"


def test_a_lock_that_lacks_something_leaves_nothing_behind(tmp_path: Path, lock: Path) -> None:
    short = tmp_path / "short.lock"
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("starlette==")]
    short.write_text("\n".join(lines) + "\n")
    with pytest.raises(CannotLock, match="starlette"):
        write(tmp_path / "team", lock=short)
    assert not (tmp_path / "team").exists()


def test_the_same_input_gives_the_same_image_folder(tmp_path: Path, lock: Path) -> None:
    for name in ("one", "other"):
        write(tmp_path / name, lock=lock)
    first = {
        path.name: path.read_bytes() for path in (tmp_path / "one" / "image").rglob("*") if path.is_file()
    }
    second = {
        path.name: path.read_bytes() for path in (tmp_path / "other" / "image").rglob("*") if path.is_file()
    }
    assert first == second
