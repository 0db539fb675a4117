"""Files arrive whole, however the connection behaves; or they do not arrive."""

import random
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.artifacts.download import PART, download, tree
from modelpack.artifacts.proxy import ProxiedArtifacts
from modelpack.errors import InvalidModel, NotFound, StoreUnavailable
from modelpack.remote.patience import Patience
from tests.modelpack.remote.faulty import Fault, Faulty

CONTENT = random.Random(7).randbytes(1_500_000)
QUICK = Patience(total=10, first=0.001, longest=0.01)


@pytest.fixture
def big(served: Faulty) -> Faulty:
    """A server with one large file, one small one and an empty one."""
    folder = served.folder / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "big").write_bytes(CONTENT)
    (folder / "data" / "small").write_bytes(b"small")
    (folder / "data" / "empty").write_bytes(b"")
    return served


def bring(store: ProxiedArtifacts, into: Path, patience: Patience = QUICK) -> None:
    into.mkdir(exist_ok=True, parents=True)
    download(store, "model", tree(store, "model"), into, patience=patience)


def held(into: Path) -> dict[str, bytes]:
    return {
        file.relative_to(into).as_posix(): file.read_bytes() for file in into.rglob("*") if file.is_file()
    }


WHOLE = {"big": CONTENT, "data/small": b"small", "data/empty": b""}


@pytest.mark.parametrize(
    "said", ["filename=../../poc", "filename=/tmp/poc", "filename*=UTF-8''..%2f..%2fpoc", 'filename="a/b"']
)
def test_a_file_is_called_what_it_was_listed_as_whatever_the_server_calls_it_then(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path, said: str
) -> None:
    named = {"Content-Disposition": f"attachment; {said}"}
    big.faults["/small"] = [Fault(body=b"other", headers=named)]
    bring(store, tmp_path / "into" / "here")
    assert held(tmp_path / "into" / "here") == WHOLE | {"data/small": b"other"}
    assert {one.name for one in tmp_path.rglob("poc")} == set()
    assert list((tmp_path / "into").iterdir()) == [tmp_path / "into" / "here"]


def test_every_file_arrives(big: Faulty, store: ProxiedArtifacts, tmp_path: Path) -> None:
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE


def test_a_connection_that_is_cut_is_gone_on_with_from_that_byte(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    big.faults["/big"] = [Fault(cut=100_000), Fault(cut=65_536)]
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE
    ranges = [one.headers.get("Range") for one in big.asked if one.path.endswith("/big")]
    assert ranges == [None, "bytes=100000-", "bytes=165536-"]
    assert all("If-Range" in one.headers for one in big.asked if "Range" in one.headers)


def test_a_connection_that_is_cut_at_every_64_kilobytes_brings_the_file_in_the_end(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    big.faults["/big"] = [Fault(cut=65_536)] * 100
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE
    assert big.count("/big") == 23


def test_a_server_that_fails_for_a_while_is_asked_again(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    big.faults["/big"] = [Fault(status=500), Fault(status=503), Fault(cut=10), Fault(status=429)]
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE


def test_a_server_that_knows_no_ranges_begins_anew(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    big.faults["/big"] = [Fault(cut=100_000), Fault(ranges=False)]
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changes_meanwhile_is_never_a_mixture(
    ranges: bool, big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    old = Fault(cut=100_000, flip=5, tag='"old"')
    big.faults["/big"] = [old, Fault(tag='"new"', ranges=ranges)]
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into")["big"] == CONTENT


def test_the_end_of_patience_leaves_nothing_that_looks_whole_and_the_next_call_goes_on(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    big.faults["/big"] = [Fault(cut=300_000), *[Fault(status=503)] * 1_000]
    with pytest.raises(StoreUnavailable, match="given up after"):
        bring(store, tmp_path / "into", Patience(total=0.2, first=0.01, longest=0.02))
    assert held(tmp_path / "into") == {f"big{PART}": CONTENT[:300_000]}
    big.faults.clear()
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE
    assert any(one.headers.get("Range") == "bytes=300000-" for one in big.asked)


def test_a_deadline_ends_a_download_that_does_arrive_but_too_slowly(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    def ticking() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += 1.0

    clock = ticking()
    with pytest.raises(StoreUnavailable, match="MODELPACK_DOWNLOAD_SECONDS"):
        bring(store, tmp_path / "into", Patience(total=0.5, clock=lambda: next(clock)))
    assert not (tmp_path / "into" / "big").exists()


def test_a_file_longer_than_it_was_listed_is_refused(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    files = tree(store, "model")
    (big.folder / "model" / "big").write_bytes(CONTENT + b"x")
    (tmp_path / "into").mkdir()
    with pytest.raises(StoreUnavailable, match="more bytes"):
        download(store, "model", files, tmp_path / "into", patience=QUICK)
    assert not (tmp_path / "into" / "big").exists()


def test_a_file_shorter_than_it_was_listed_never_counts_as_whole(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    files = tree(store, "model")
    (big.folder / "model" / "big").write_bytes(CONTENT[:-1])
    (tmp_path / "into").mkdir()
    with pytest.raises(StoreUnavailable):
        download(store, "model", files, tmp_path / "into", patience=Patience(total=0.1, first=0.01))
    assert not (tmp_path / "into" / "big").exists()


def test_a_full_disk_is_told_and_what_arrived_is_used_when_there_is_room(
    big: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, before[1]))
    try:
        with pytest.raises(StoreUnavailable, match="cannot keep files"):
            bring(store, tmp_path / "into")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "into" / "big").exists()
    bring(store, tmp_path / "into")
    assert held(tmp_path / "into") == WHOLE
    assert any("Range" in one.headers for one in big.asked)


def test_what_is_not_there_is_not_found(served: Faulty, store: ProxiedArtifacts) -> None:
    with pytest.raises(NotFound, match="nothing/here"):
        tree(store, "nothing/here")


HOSTILE = [
    [{"path": "../x"}],
    [{"path": "/etc/passwd"}],
    [{"path": "a/b"}],
    [{"path": ".."}],
    [{"path": "."}],
    [{"path": ""}],
    [{"path": "a\\b"}],
    [{"path": "C:x"}],
    [{"path": "a\nb"}],
    [{"path": "a\0b"}],
    [{"path": "\u202e/../x"}],
    [{"path": f"x{PART}"}],
    [{"path": "a"}, {"path": "a"}],
]


@pytest.mark.parametrize("listing", HOSTILE, ids=str)
def test_a_server_that_lists_odd_names_makes_us_write_nothing(
    listing: list[dict[str, object]], served: Faulty, store: ProxiedArtifacts, tmp_path: Path
) -> None:
    served.listing = [{"file_size": 1, "is_dir": False} | one for one in listing]
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidModel) as caught:
        bring(store, tmp_path / "into")
    assert len(str(caught.value)) <= 300
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "into"])


def test_a_server_whose_folders_have_no_end_is_left(served: Faulty, store: ProxiedArtifacts) -> None:
    served.listing = [{"path": "deeper", "is_dir": True}]
    with pytest.raises(InvalidModel, match="deep"):
        tree(store, "model")
