"""What was fetched is kept once, verified whenever it is asked for, and shared by all processes."""

import os
import random
from pathlib import Path

import pytest

from modelpack.artifacts.cache import Cache
from modelpack.artifacts.proxy import ProxiedArtifacts
from modelpack.directory import open_directory
from modelpack.errors import DamagedModel, NotFound, StoreUnavailable
from modelpack.remote.patience import Patience
from tests.modelpack.artifacts.workers import fetch, fetch_each
from tests.modelpack.processes import at_once
from tests.modelpack.registry.directories import contents, write_model
from tests.modelpack.remote.faulty import Fault, Faulty

BIG = random.Random(3).randbytes(300_000)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache with little patience."""
    return Cache(tmp_path / "cache", patience=Patience(total=5, first=0.01, longest=0.05))


def models(root: Path) -> list[Path]:
    return sorted((root / "models" / "sha256").glob("??/*"))


@pytest.mark.parametrize("manifest", [True, False])
def test_a_model_is_fetched_once_and_asked_about_ever_after(
    manifest: bool, served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    written = write_model(served.folder / "m", BIG, manifest=manifest)
    place = cache.fetch(store, "m", "m")
    assert contents(place).items() >= contents(written).items()
    assert open_directory(place).digest == f"sha256:{place.name}"
    assert cache.fetch(store, "m", "m") == place
    assert served.count("/model.skops") == 1
    assert served.count("/MLmodel") == 3


def test_what_is_saved_anew_in_its_place_is_fetched_anew(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    written = write_model(served.folder / "m", BIG, manifest=False)
    first = cache.fetch(store, "m", "m")
    # As long as before: only the document, with its id, tells the two apart.
    (written / "model.skops").write_bytes(BIG[::-1])
    document = (written / "MLmodel").read_text()
    (written / "MLmodel").write_text(document.replace("5d0f", "aaaa"))
    second = cache.fetch(store, "m", "m")
    assert (second / "model.skops").read_bytes() == BIG[::-1]
    assert (first / "model.skops").read_bytes() == BIG


def test_the_same_model_in_another_place_is_not_fetched_again(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    write_model(served.folder / "a", BIG)
    write_model(served.folder / "b", BIG)
    assert cache.fetch(store, "a", "a") == cache.fetch(store, "b", "b")
    assert served.count("/model.skops") == 1
    assert [entry.sources for entry in cache.entries()] == [("a", "b")]


@pytest.mark.parametrize("manifest", [True, False])
def test_one_bit_that_flips_on_the_disk_is_found_and_the_model_fetched_again(
    manifest: bool, served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    write_model(served.folder / "m", BIG[:1000], manifest=manifest)
    place = cache.fetch(store, "m", "m")
    whole = contents(place)
    for _ in range(8):
        name = chance.choice(sorted(whole))
        at = chance.randrange(len(whole[name]) * 8)
        content = bytearray(whole[name])
        content[at // 8] ^= 1 << at % 8
        (place / name).write_bytes(content)
        assert cache.fetch(store, "m", "m") == place
        assert contents(place) == whole
    assert served.count("/model.skops") == 9


@pytest.mark.parametrize("damage", ["missing", "extra", "empty", "gone"])
def test_a_cached_model_that_lost_or_won_a_file_is_fetched_again(
    damage: str, served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    write_model(served.folder / "m")
    place = cache.fetch(store, "m", "m")
    whole = contents(place)
    if damage == "extra":
        (place / "more.py").write_text("1")
    elif damage == "empty":
        (place / "model.skops").write_bytes(b"")
    elif damage == "missing":
        (place / "model.skops").unlink()
    else:
        (place / "modelpack.manifest.json").unlink()
    assert contents(cache.fetch(store, "m", "m")) == whole


def test_a_byte_that_flips_on_the_way_is_fetched_once_more(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    written = write_model(served.folder / "m", BIG)
    served.faults["/model.skops"] = [Fault(flip=77)]
    assert contents(cache.fetch(store, "m", "m")) == contents(written)
    assert served.count("/model.skops") == 2


def test_files_that_are_not_what_their_manifest_says_are_refused_and_not_kept(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    written = write_model(served.folder / "m", BIG)
    (written / "model.skops").write_bytes(BIG[::-1])
    with pytest.raises(DamagedModel, match=r"model\.skops is changed"):
        cache.fetch(store, "m", "m")
    assert models(cache.root) == []
    assert list((cache.root / "partial").iterdir()) == []


def test_a_fetch_that_is_given_up_leaves_no_model_and_the_next_one_goes_on(
    served: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    written = write_model(served.folder / "m", BIG)
    served.faults["/model.skops"] = [Fault(cut=100_000), *[Fault(status=503)] * 1_000]
    hasty = Cache(tmp_path / "cache", patience=Patience(total=0.3, first=0.01))
    with pytest.raises(StoreUnavailable):
        hasty.fetch(store, "m", "m")
    assert models(hasty.root) == []
    served.faults.clear()
    assert contents(Cache(tmp_path / "cache").fetch(store, "m", "m")) == contents(written)
    ranges = [one.headers.get("Range") for one in served.asked if one.path.endswith("/model.skops")]
    assert ranges[-1] not in (None, "bytes=0-")


def test_a_folder_without_a_document_is_no_model(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    (served.folder / "m").mkdir()
    (served.folder / "m" / "x").write_text("x")
    with pytest.raises(NotFound, match="MLmodel"):
        cache.fetch(store, "m", "m")


def _race(served: Faulty, root: Path, *, locked: bool) -> tuple[set[str], int]:
    """What many processes that want one model at one instant get, and how often its large file was sent."""
    write_model(served.folder / "m", BIG, manifest=False)
    # Slow enough for all of them to be there before the first one has it.
    served.faults["/model.skops"] = [Fault(stall=1.0)] * 20
    told = at_once(fetch, [(root, served.url, "m", locked)] * 6)
    return set(told), served.count("/model.skops")


def test_of_many_processes_that_want_one_model_one_fetches_it_and_all_have_it(
    served: Faulty, tmp_path: Path
) -> None:
    told, sent = _race(served, tmp_path / "cache", locked=True)
    (place,) = models(tmp_path / "cache")
    assert told == {f"{place.name} []"}
    assert sent == 1


def test_a_cache_that_takes_no_lock_is_caught_by_the_same_check(served: Faulty, tmp_path: Path) -> None:
    told, sent = _race(served, tmp_path / "cache", locked=False)
    assert sent > 1 or len(told) > 1


def test_the_model_that_was_used_longest_ago_leaves_when_there_is_no_room(
    served: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    root = tmp_path / "cache"
    for name in ("a", "b"):
        write_model(served.folder / name, name.encode() * 1_000)
    at_once(fetch_each, [(root, served.url, ["a", "b", "a"])])
    write_model(served.folder / "c", b"c" * 1_000)
    small = Cache(root, most=3_000)
    small.fetch(store, "c", "c")
    assert {entry.sources[0].rpartition(" ")[2] for entry in small.entries()} == {"a", "c"}


def test_what_a_process_uses_is_not_removed(served: Faulty, store: ProxiedArtifacts, cache: Cache) -> None:
    write_model(served.folder / "mine")
    write_model(served.folder / "others", BIG)
    place = cache.fetch(store, "mine", "mine")
    at_once(fetch, [(cache.root, served.url, "others")])
    assert {entry.sources[0].rpartition(" ")[2]: entry.in_use for entry in cache.entries()} == {
        "mine": True,
        "others": False,
    }
    gone = cache.prune(lambda _: True)
    assert [entry.sources for entry in gone] == [(f"{served.url} others",)]
    assert models(cache.root) == [place]


def test_nothing_in_the_cache_can_be_changed_by_others_whatever_the_umask(
    served: Faulty, store: ProxiedArtifacts, cache: Cache
) -> None:
    write_model(served.folder / "m", manifest=False)
    before = os.umask(0)
    try:
        cache.fetch(store, "m", "m")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (cache.root, *cache.root.rglob("*"))}
    assert {path for path, mode in modes.items() if mode & 0o027} == set()


def test_a_disk_that_takes_nothing_is_told(served: Faulty, store: ProxiedArtifacts, tmp_path: Path) -> None:
    write_model(served.folder / "m")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot keep files"):
        Cache(tmp_path / "file").fetch(store, "m", "m")
