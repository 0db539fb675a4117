"""A folder keeps files whole or not at all, and nothing outside of it."""

from pathlib import Path

import pytest

from modelpack.artifacts import ArtifactStore, Entry, LocalArtifacts
from modelpack.errors import AlreadyExists, InvalidModel, NotFound, StoreUnavailable
from tests.modelpack.registry.directories import contents, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifacts:
    return LocalArtifacts(tmp_path / "root")


def test_it_is_an_artifact_store(store: LocalArtifacts) -> None:
    kept: ArtifactStore = store
    assert list(kept.list()) == []


def test_what_is_put_is_listed_fetched_and_deleted(
    store: LocalArtifacts, model: Path, tmp_path: Path
) -> None:
    store.put(model, "a/b")
    assert list(store.list()) == [Entry("a", None)]
    assert list(store.list("a/b")) == [
        Entry("a/b/MLmodel", (model / "MLmodel").stat().st_size),
        Entry("a/b/data", None),
        Entry("a/b/model.skops", 7),
        Entry("a/b/modelpack.manifest.json", (model / "modelpack.manifest.json").stat().st_size),
    ]
    assert contents(store.path("a/b")) == contents(model)
    assert contents(store.fetch("a/b", tmp_path / "fetched")) == contents(model)
    store.delete("a/b/model.skops")
    store.delete("a/b")
    assert list(store.list("a")) == []


def test_nothing_is_overwritten(store: LocalArtifacts, model: Path, tmp_path: Path) -> None:
    store.put(model, "a")
    other = write_model(tmp_path / "other", b"other weights")
    with pytest.raises(AlreadyExists):
        store.put(other, "a")
    with pytest.raises(AlreadyExists):
        store.fetch("a", other)
    assert contents(store.path("a")) == contents(model)


def test_what_the_preparation_raises_leaves_nothing(store: LocalArtifacts, model: Path) -> None:
    def prepare(copy: Path) -> None:
        assert contents(copy) == contents(model)
        raise InvalidModel("no")

    with pytest.raises(InvalidModel, match="no"):
        store.put(model, "a/b", prepare=prepare)
    assert list(store.list("a")) == []


def test_a_link_is_not_copied(store: LocalArtifacts, model: Path) -> None:
    (model / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="link"):
        store.put(model, "a")
    assert list(store.list()) == []


@pytest.mark.parametrize("path", ["..", "../x", "/etc", "a/../../x", "a\\b", "", "a\0b", "C:/x"])
def test_no_path_leads_outside(store: LocalArtifacts, model: Path, tmp_path: Path, path: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidModel):
        store.path(path)
    with pytest.raises(InvalidModel):
        store.put(model, path)
    with pytest.raises(InvalidModel):
        store.fetch(path, tmp_path / "fetched")
    with pytest.raises(InvalidModel):
        store.delete(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_no_link_leads_outside(store: LocalArtifacts, tmp_path: Path) -> None:
    secret = write_model(tmp_path / "secret")
    store.root.mkdir()
    (store.root / "a").symlink_to(secret)
    for path in ("a", "a/MLmodel"):
        with pytest.raises(InvalidModel, match="link"):
            store.path(path)
        with pytest.raises(InvalidModel):
            store.delete(path)
    assert secret.is_dir()


def test_a_path_that_names_nothing_is_not_found(store: LocalArtifacts, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=str(tmp_path)):
        store.path("a")
    with pytest.raises(NotFound):
        store.delete("a")


def test_a_place_that_refuses_is_unavailable(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot keep files"):
        LocalArtifacts(tmp_path / "file").put(model, "a")
