"""A registry keeps a model's files under their digest, and finds them again by every reference."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelpack import Registry
from modelpack.directory import open_directory
from modelpack.directory.manifest import Manifest
from modelpack.errors import DamagedModel, InvalidModel, InvalidName, InvalidUri, NotFound
from modelpack.resolve import locate
from modelpack.uris import ModelRef, RegistryName
from tests.modelpack.processes import at_once
from tests.modelpack.registry.directories import contents, write_model
from tests.modelpack.registry.workers import register, register_on_a_full_disk


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def registry(uri: str, root: Path) -> Iterator[Registry]:
    with Registry(uri, artifacts=root, user="me") as registry:
        yield registry


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def kept(root: Path) -> list[Path]:
    return sorted((root / "models" / "sha256").glob("*/*"))


def named(text: str) -> RegistryName:
    return RegistryName.parse(ModelRef.parse(text))


def test_the_files_are_copied_under_their_digest(registry: Registry, model: Path, root: Path) -> None:
    before = contents(model)
    version = registry.register(model, "churn", description="first", tags={"a": "b"})
    assert (version.name, version.version, version.stage, version.user) == ("churn", 1, "None", "me")
    assert (version.description, version.tags, version.source) == ("first", {"a": "b"}, str(model))
    assert version.digest == open_directory(model).digest
    assert version.location == f"models/sha256/{version.digest[7:9]}/{version.digest[7:]}"
    assert registry.path(version) == root / version.location
    assert contents(registry.path(version)) == contents(model) == before
    assert registry.get_version("churn", 1) == version


@pytest.mark.parametrize("spelled", [str, Path.as_uri, lambda path: ModelRef.parse(path)])
def test_a_model_may_be_named_in_every_way(registry: Registry, model: Path, spelled: Any) -> None:
    assert registry.register(spelled(model), "churn").source == str(model)


def test_equal_files_are_kept_once(registry: Registry, model: Path, root: Path, tmp_path: Path) -> None:
    twin = write_model(tmp_path / "twin")
    other = write_model(tmp_path / "other", b"other weights")
    digests = [registry.register(path, "churn").digest for path in (model, twin, other)]
    assert digests[0] == digests[1] != digests[2]
    assert len(kept(root)) == 2


def test_a_model_without_a_manifest_gets_one_in_the_copy(registry: Registry, tmp_path: Path) -> None:
    model = write_model(tmp_path / "from-mlflow", manifest=False)
    version = registry.register(model, "churn")
    copy = open_directory(registry.path(version))
    copy.check()
    assert copy.has_manifest
    assert not (model / "modelpack.manifest.json").exists()
    assert copy.digest == version.digest == Manifest.of(model).digest


def test_the_run_is_the_given_one_or_the_models_own(registry: Registry, model: Path) -> None:
    assert registry.register(model, "churn").run_id == "run-of-the-document"
    assert registry.register(model, "churn", run_id="r2").run_id == "r2"


def test_a_registered_version_can_be_registered_elsewhere(
    registry: Registry, model: Path, root: Path
) -> None:
    registry.register(model, "trial", run_id="r2")
    registry.set_alias("trial", "best", 1)
    version = registry.register("models:/trial@best", "churn")
    assert (version.source, version.run_id) == ("models:/trial/1", "r2")
    assert len(kept(root)) == 1


def test_a_source_may_be_given_for_what_was_fetched(registry: Registry, model: Path) -> None:
    assert registry.register(model, "churn", source="s3://bucket/model").source == "s3://bucket/model"
    with pytest.raises(InvalidUri, match="fetched"):
        registry.register("s3://bucket/model", "churn")


def test_a_damaged_model_leaves_neither_version_nor_files(
    registry: Registry, model: Path, root: Path
) -> None:
    (model / "model.skops").write_bytes(b"Weights")
    with pytest.raises(DamagedModel, match=r"model\.skops is changed"):
        registry.register(model, "churn")
    assert kept(root) == []
    with pytest.raises(NotFound):
        registry.get_model("churn")


@pytest.mark.parametrize(
    "given",
    [
        {"name": "../x"},
        {"name": "a" * 257},
        {"tags": {"": "x"}},
        {"tags": {"k": "v" * 100_001}},
        {"description": "\0"},
        {"run_id": "\ud800"},
    ],
)
def test_what_cannot_be_entered_is_refused_before_anything_is_copied(
    registry: Registry, model: Path, root: Path, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidName):
        registry.register(model, **{"name": "churn"} | given)
    assert kept(root) == []


def test_what_is_no_model_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel):
        registry.register(tmp_path, "churn")
    with pytest.raises(NotFound):
        registry.register(tmp_path / "nothing", "churn")


def test_a_link_among_the_files_is_refused(registry: Registry, tmp_path: Path, root: Path) -> None:
    model = write_model(tmp_path / "model", manifest=False)
    (model / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="link"):
        registry.register(model, "churn")
    assert kept(root) == []


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_no_code_of_a_model_runs(registry: Registry, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    model = write_model(tmp_path / "model", pickle.dumps(Bomb(marker)), manifest=False)
    (model / "code").mkdir()
    (model / "code" / "mlflow_sklearn.py").write_text(f"open({str(marker)!r}, 'w')")
    document = (model / "MLmodel").read_text()
    (model / "MLmodel").write_text(document.replace("mlflow.sklearn", "mlflow_sklearn\n    code: code"))
    registry.register(model, "churn")
    registry.promote("churn", 1, "Production")
    registry.path(registry.locate(named("models:/churn/Production")))
    assert not marker.exists()
    pickle.loads((model / "model.skops").read_bytes())
    assert marker.exists()


@pytest.mark.parametrize(
    ("ref", "number"),
    [
        ("models:/churn/1", 1),
        ("models:/churn/0004", 4),
        ("models:/churn/Production", 2),
        ("models:/churn/pRODUCTION", 2),
        ("models:/churn/Archived", 1),
        ("models:/churn/None", 4),
        ("models:/churn/latest", 4),
        ("models:/churn/LATEST", 4),
        ("models:/churn@champion", 3),
        ("models:/churn@Production", 1),
    ],
)
def test_a_reference_means_a_version(registry: Registry, model: Path, ref: str, number: int) -> None:
    for stage in ("Archived", "Production", "None", "None"):
        registry.promote("churn", registry.register(model, "churn").version, stage)
    registry.set_alias("churn", "champion", 3)
    registry.set_alias("churn", "Production", 1)
    assert registry.locate(named(ref)).version == number


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("models:/chrun/1", "did you mean 'churn'"),
        ("models:/churn/7", r"2 \(Production\), 1 \(None\)"),
        ("models:/churn/99999999999999999999", "1 "),
        ("models:/churn/Staging", "version 1 in None, version 2 in Production"),
        ("models:/churn/Prod", "None, Staging, Production, Archived, latest"),
        ("models:/churn@best", r"champion \(version 2\)"),
        ("models:/empty/latest", "none yet"),
        ("models:/empty/Production", "no 'empty' version"),
    ],
)
def test_what_does_not_exist_says_what_does(registry: Registry, model: Path, ref: str, said: str) -> None:
    registry.create_model("empty")
    for stage in ("None", "Production"):
        registry.promote("churn", registry.register(model, "churn").version, stage)
    registry.set_alias("churn", "champion", 2)
    with pytest.raises(NotFound, match=said) as caught:
        registry.locate(named(ref))
    assert len(str(caught.value)) <= 300


def test_files_outlive_their_version(registry: Registry, model: Path, root: Path) -> None:
    registry.register(model, "churn")
    registry.delete_version("churn", 1)
    registry.delete_model("churn")
    assert len(kept(root)) == 1


def test_damage_to_kept_files_is_found_when_they_would_be_shared(registry: Registry, model: Path) -> None:
    version = registry.register(model, "churn")
    (registry.path(version) / "model.skops").write_bytes(b"Weights")
    with pytest.raises(DamagedModel, match=r"model\.skops is changed"):
        registry.register(model, "churn")
    assert len(registry.search_versions()) == 1


def test_a_model_put_in_the_place_of_another_is_found(
    registry: Registry, model: Path, tmp_path: Path
) -> None:
    first = registry.path(registry.register(model, "churn"))
    second = registry.path(registry.register(write_model(tmp_path / "other", b"other"), "churn"))
    first.rename(tmp_path / "away")
    second.rename(first)
    with pytest.raises(DamagedModel):
        registry.path(registry.get_version("churn", 1))


def test_files_that_are_not_there_say_where_they_were_looked_for(
    registry: Registry, model: Path, uri: str, tmp_path: Path
) -> None:
    version = registry.register(model, "churn")
    with Registry(uri, artifacts=tmp_path / "elsewhere") as other, pytest.raises(NotFound) as caught:
        other.path(other.get_version("churn", 1))
    assert "MODELPACK_ARTIFACT_ROOT" in str(caught.value)
    assert registry.path(version).is_dir()


def test_the_artifact_root_may_be_moved(registry: Registry, model: Path, uri: str, root: Path) -> None:
    registry.register(model, "churn")
    moved = root.rename(root.with_name("moved"))
    with Registry(uri, artifacts=moved) as other:
        open_directory(other.path(other.get_version("churn", 1))).check()


def test_a_full_disk_leaves_nothing_and_a_later_try_succeeds(
    registry: Registry, uri: str, root: Path, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "large", b"x" * 200_000)
    (answer,) = at_once(register_on_a_full_disk, [(uri, root, model, "churn")])
    assert answer == f"cannot keep files in {root}: File too large"
    assert kept(root) == []
    assert registry.register(model, "churn").version == 1


def test_processes_that_register_the_same_files_share_them(
    registry: Registry, uri: str, root: Path, model: Path
) -> None:
    numbers = at_once(register, [(uri, root, model, "churn")] * 8)
    assert sorted(numbers) == list(range(1, 9))
    (only,) = kept(root)
    open_directory(only).check()
    assert [one.name for one in only.parent.iterdir()] == [only.name]


def test_the_environment_says_where_and_who(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    for variable in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("MODELPACK_ARTIFACT_ROOT", raising=False)
    monkeypatch.setenv("MODELPACK_USER", "ada")
    with Registry() as registry:
        version = registry.register(model, "churn")
        assert version.user == "ada"
        assert registry.path(version).is_relative_to(tmp_path / "home" / "artifacts")
    assert (tmp_path / "home" / "registry.db").is_file()
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("MODELPACK_USER")
    with Registry() as registry:
        version = registry.register(model, "churn")
        assert version.user
        assert registry.path(version).is_relative_to(tmp_path / "elsewhere")


def test_references_are_resolved_by_the_registry_of_the_environment(
    registry: Registry, uri: str, root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_REGISTRY_URI", uri)
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(root))
    version = registry.register(model, "churn")
    assert locate("models:/churn/latest") == registry.path(version).resolve()
    with pytest.raises(NotFound, match="did you mean 'churn'"):
        locate("models:/chrun/latest")


def test_resolving_makes_no_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_REGISTRY_URI", f"sqlite:///{tmp_path / 'typo.db'}")
    with pytest.raises(NotFound, match="MODELPACK_REGISTRY_URI"):
        locate("models:/churn/latest")
    assert list(tmp_path.iterdir()) == []
