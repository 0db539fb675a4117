"""A folder as an artifact root: what the disk refuses leaves nothing, and is said in our words."""

import resource
import signal
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.directory import open_directory
from modelpack.errors import InvalidName, NotFound, StoreUnavailable
from modelpack.tracking.server.errors import Immutable, IsFolder, StoreFull
from modelpack.tracking.server.files import ServerFiles
from modelpack.tracking.server.folder_root import FolderRoot
from modelpack.tracking.server.roots import Arrival
from tests.modelpack.registry.directories import write_model


@pytest.fixture
def root(tmp_path: Path) -> FolderRoot:
    return FolderRoot(tmp_path / "files")


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file of this process become larger than *size*: the kernel refuses as a full disk does."""
    known = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, known[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, known)
        signal.signal(signal.SIGXFSZ, handler)


def put(root: FolderRoot, path: str, content: bytes) -> None:
    arrival = root.receive(path)
    try:
        arrival.write(content)
        arrival.finish()
    finally:
        arrival.discard()


def read(root: FolderRoot, path: str) -> bytes:
    opened = root.open(path)
    try:
        return b"".join(opened.chunks(0, opened.facts.size))
    finally:
        opened.close()


def files_of(root: FolderRoot) -> list[str]:
    return sorted(one.relative_to(root.root).as_posix() for one in root.root.rglob("*") if one.is_file())


def test_a_full_disk_is_said_so_and_leaves_what_was_there(root: FolderRoot) -> None:
    put(root, "a/b", b"before")
    with small_disk(1 << 20), pytest.raises(StoreFull) as caught:
        put(root, "a/b", b"x" * (2 << 20))
    assert "no room" in str(caught.value)
    assert str(root.root) not in str(caught.value)
    assert (read(root, "a/b"), files_of(root)) == (b"before", ["a/b"])


def test_a_model_that_there_is_no_room_for_is_kept_not_at_all(root: FolderRoot, tmp_path: Path) -> None:
    directory = open_directory(write_model(tmp_path / "model", b"x" * (2 << 20)))
    with small_disk(1 << 20), pytest.raises(StoreFull):
        root.keep(directory)
    assert files_of(root) == []
    assert root.keep(directory) == root.keep(directory) == directory.digest


def test_nobody_sees_a_file_before_it_is_whole(root: FolderRoot) -> None:
    arrival: Arrival = root.receive("a/b")
    arrival.write(b"half")
    with pytest.raises(NotFound):
        root.open("a/b")
    assert root.list("") == root.list("a") == []
    arrival.discard()
    assert files_of(root) == []
    arrival.discard()


def test_what_comes_and_goes_at_once_is_whole_and_leaves_nothing_behind(root: FolderRoot) -> None:
    def work(number: int) -> None:
        put(root, "a/b/c", bytes([number]) * 50_000)
        if number % 3 == 0:
            root.delete("a")
        with suppress(NotFound):
            content = read(root, "a/b/c")
            assert (len(content), len(set(content))) == (50_000, 1)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(200)))
    assert set(files_of(root)) <= {"a/b/c"}


def test_who_reads_a_file_keeps_what_was_there_when_it_is_replaced_or_deleted(root: FolderRoot) -> None:
    put(root, "a/b", b"first")
    opened = root.open("a/b")
    put(root, "a/b", b"other, and longer")
    root.delete("a/b")
    assert b"".join(opened.chunks(0, opened.facts.size)) == b"first"
    opened.close()


def test_a_file_that_is_cut_short_while_it_is_read_is_not_taken_for_whole(root: FolderRoot) -> None:
    put(root, "a", b"x" * 100)
    opened = root.open("a")
    (root.root / "a").write_bytes(b"x")
    with pytest.raises(StoreUnavailable):
        list(opened.chunks(0, opened.facts.size))
    opened.close()


def test_a_folder_is_no_file_and_leaves_no_descriptor_open(root: FolderRoot) -> None:
    put(root, "a/b", b"1")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path, error in (("a", IsFolder), ("a/b/c", NotFound), ("x", NotFound)):
        with pytest.raises(error):
            root.open(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_folder_that_came_in_between_is_not_replaced(root: FolderRoot) -> None:
    arrival = root.receive("a/b")
    arrival.write(b"1")
    put(root, "a/b/c", b"2")
    with pytest.raises(InvalidName):
        arrival.finish()
    arrival.discard()
    assert files_of(root) == ["a/b/c"]


def test_a_link_that_is_deleted_does_not_take_what_it_leads_to(root: FolderRoot, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_text("1")
    put(root, "a/b", b"1")
    (root.root / "a" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidName):
        root.delete("a/link")
    root.delete("a")
    assert (tmp_path / "outside" / "canary").read_text() == "1"
    assert files_of(root) == []


def test_the_root_itself_is_made_for_its_owner(root: FolderRoot) -> None:
    assert stat.S_IMODE(root.root.stat().st_mode) == 0o750


def test_a_root_that_is_a_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((InvalidName, StoreUnavailable)):
        FolderRoot(tmp_path / "file")


def test_places_below_the_root_are_told_by_the_proxys_name_and_others_are_not_looked_at(
    tmp_path: Path,
) -> None:
    files = ServerFiles.open(str(tmp_path / "files"), {})
    inside = f"{tmp_path}/files/runs/0/a"
    for location in (inside, f"file://{inside}", f"file://{inside}/", "mlflow-artifacts:/runs/0/a"):
        assert files.tell(location) == "mlflow-artifacts:/runs/0/a"
        assert files.place(location) == "runs/0/a"
    for location in ("s3://b/x", "/etc", f"{tmp_path}/filesX/y", f"{inside}/../../../../x", "", "http://h/x"):
        assert files.below(location) is None
        assert files.tell(location) == location
    assert ServerFiles.open(f"file://{tmp_path}/files", {}).place(inside) == "runs/0/a"
    with pytest.raises(Immutable):
        files.receive("models/x")


def test_a_root_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    files = ServerFiles.open(str(tmp_path / "files"), {})
    for folder in ("files", "disk"):
        assert files.below(f"file://{tmp_path}/{folder}/runs/0") == "runs/0"
    arrival = files.receive("runs/0/x")
    arrival.write(b"1")
    arrival.finish()
    assert (tmp_path / "disk" / "runs" / "0" / "x").read_bytes() == b"1"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["..", ".", "a", "link", "b", "%2e%2e", "/", "\\", "", "C:"]), max_size=6).map(
        "/".join
    )
)
def test_no_path_touches_what_lies_outside(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    canary = folder / "b"
    canary.write_text("canary")
    files = ServerFiles.open(str(folder / "files"), {})
    (folder / "files" / "link").symlink_to(folder)
    try:
        arrival = files.receive(path)
    except InvalidName:
        return
    arrival.write(b"poc")
    arrival.finish()
    written = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
    assert canary.read_text() == "canary"
    assert all(one.is_relative_to(folder / "files") for one in written if one != canary)
