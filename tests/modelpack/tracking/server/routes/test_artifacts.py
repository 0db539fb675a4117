"""The artifact proxy: whole files, parts of them, lists; and nothing outside the root, whoever asks how."""

import os
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from modelpack.tracking.server.call import Caller
from tests.modelpack.tracking.server import wire
from tests.modelpack.tracking.server.kit import refusal, served
from tests.modelpack.tracking.server.wire import Heard

FILES = "/api/2.0/mlflow-artifacts/artifacts"
CONTENT = bytes(range(256)) * 40
SECRET = b"the canary's secret"


@dataclass(frozen=True)
class Place:
    """A server at *port*, its root in *folder*/files, and a *canary* beside that, which nobody may touch."""

    port: int
    folder: Path
    canary: Path

    @property
    def root(self) -> Path:
        return self.folder / "files"

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Heard:
        """What is answered of *path* below the proxy, as it is written."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return wire.ask(self.port, method, f"{FILES}{path}", body, named)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("proxy")
    canary = folder / "canary"
    canary.write_bytes(SECRET)
    with served(folder, artifact_limit=1 << 20) as client, wire.listening(client.app) as port:
        there = Place(port, folder, canary)
        assert there.ask("PUT", "/there/content.bin", CONTENT).status == 200
        yield there


@pytest.fixture
def untouched(place: Place) -> Iterator[None]:
    """Nothing changes but what the test itself removes again."""
    before = _tree(place.folder)
    yield
    assert place.canary.read_bytes() == SECRET
    assert _tree(place.folder) == before
    assert wire.ask(place.port, "GET", "/health").status == 200


def test_a_file_comes_back_as_it_was_sent_and_may_be_replaced(place: Place) -> None:
    for content in (b"", b"one", CONTENT * 20):
        assert place.ask("PUT", "/runs/0/a/artifacts/b%20c/%C3%A4.bin", content).body == b"{}"
        assert place.ask("GET", "/runs/0/a/artifacts/b%20c/%C3%A4.bin").body == content
    assert (place.root / "runs/0/a/artifacts/b c/ä.bin").read_bytes() == CONTENT * 20


def test_both_addresses_of_the_proxy_are_the_same(place: Place) -> None:
    other = FILES.replace("/api/", "/ajax-api/")
    assert wire.ask(place.port, "GET", f"{other}/there/content.bin").body == CONTENT
    assert wire.ask(place.port, "GET", f"{other}?path=there").body == place.ask("GET", "?path=there").body


def test_a_folder_is_listed_by_names_alone(place: Place) -> None:
    for name in ("listed/b.txt", "listed/c/d.txt", "listed/a.txt"):
        place.ask("PUT", f"/{name}", b"12")
    (place.root / "listed" / "link").symlink_to(place.canary)
    assert place.ask("GET", "?path=listed").body == (
        b'{"files":[{"path":"a.txt","is_dir":false,"file_size":2},'
        b'{"path":"b.txt","is_dir":false,"file_size":2},{"path":"c","is_dir":true}]}'
    )
    assert place.ask("GET", "?path=listed/").body == place.ask("GET", "?path=listed").body


@pytest.mark.parametrize("path", ["nowhere", "there/content.bin", "there/content.bin/x", "there/link"])
def test_what_is_no_folder_has_nothing_in_it(place: Place, path: str) -> None:
    assert (place.ask("GET", f"?path={path}").status, place.ask("GET", f"?path={path}").body) == (200, b"{}")


def test_what_is_being_written_is_in_no_list(place: Place) -> None:
    assert (place.root / ".modelpack-uploads").is_dir()
    assert b".modelpack" not in place.ask("GET", "").body
    assert b'"there"' in place.ask("GET", "").body


@pytest.mark.usefixtures("untouched")
def test_a_missing_file_is_not_found_and_a_folder_is_no_file(place: Place) -> None:
    assert place.ask("GET", "/there/nothing").status == 404
    assert place.ask("GET", "/there/content.bin/x").status == 404
    assert place.ask("GET", "/there").status == 400
    assert b"is a folder" in place.ask("GET", "/there").body


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", ["/there", "/there/content.bin/x"])
def test_a_file_does_not_take_the_place_of_a_folder_nor_lie_in_a_file(place: Place, path: str) -> None:
    answer = place.ask("PUT", path, b"x")
    assert (answer.status, b"INVALID_PARAMETER_VALUE" in answer.body) == (400, True)


def test_files_and_folders_are_deleted_and_twice_is_no_error(place: Place) -> None:
    place.ask("PUT", "/gone/a/b.txt", b"1")
    place.ask("PUT", "/gone/c.txt", b"1")
    for path in ("/gone/a", "/gone/a", "/gone/c.txt", "/gone/c.txt", "/gone/c.txt/d", "/nowhere/at/all"):
        answer = place.ask("DELETE", path)
        assert (answer.status, answer.body) == (200, b"{}")
    assert list((place.root / "gone").iterdir()) == []


def test_a_whole_area_is_not_deleted_at_once(place: Place) -> None:
    assert place.ask("DELETE", "/there").status == 400
    assert place.ask("DELETE", "/there/").status == 400
    assert (place.root / "there" / "content.bin").is_file()
    place.ask("PUT", "/top.txt", b"1")
    assert place.ask("DELETE", "/top.txt").status == 200
    assert not (place.root / "top.txt").exists()


def test_a_file_is_told_with_all_that_a_resumed_download_needs(place: Place) -> None:
    told = place.ask("GET", "/there/content.bin").headers
    assert told["content-length"] == str(len(CONTENT))
    assert told["accept-ranges"] == "bytes"
    assert told["last-modified"].endswith(" GMT")
    same = place.ask("HEAD", "/there/content.bin")
    assert (same.status, same.body) == (200, b"")
    assert {name: same.headers[name] for name in ("content-length", "etag")} == {
        "content-length": told["content-length"],
        "etag": told["etag"],
    }
    assert place.ask("HEAD", "/there/nothing").status == 404


def test_who_has_a_file_is_not_sent_it_again_until_it_changes(place: Place) -> None:
    place.ask("PUT", "/tagged.txt", b"one")
    tag = place.ask("GET", "/tagged.txt").headers["etag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = place.ask("GET", "/tagged.txt", If_None_Match=said)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    place.ask("PUT", "/tagged.txt", b"two")
    assert place.ask("GET", "/tagged.txt", If_None_Match=tag).body == b"two"


RANGES = [
    ("bytes=0-0", CONTENT[:1]),
    ("bytes=10-19", CONTENT[10:20]),
    ("bytes=10000-", CONTENT[10000:]),
    ("bytes=-1", CONTENT[-1:]),
    ("bytes=-999999", CONTENT),
    ("bytes=10230-99999999999999", CONTENT[10230:]),
    ("bytes= 5-7 ", CONTENT[5:8]),
]


@pytest.mark.parametrize(("asked", "got"), RANGES)
def test_one_range_is_sent_alone(place: Place, asked: str, got: bytes) -> None:
    answer = place.ask("GET", "/there/content.bin", Range=asked)
    assert (answer.status, answer.body) == (206, got)
    assert answer.headers["content-length"] == str(len(got))
    start, _, rest = answer.headers["content-range"].removeprefix("bytes ").partition("-")
    assert CONTENT[int(start) : int(rest.partition("/")[0]) + 1] == got
    assert rest.endswith(f"/{len(CONTENT)}")


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=9-1", "bytes=-0"])
def test_a_range_that_there_is_none_of_is_said_so(place: Place, asked: str) -> None:
    answer = place.ask("GET", "/there/content.bin", Range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=-",
        "bytes=",
        "bytes=a-b",
        "bytes=1-2-3",
        "pages=1-2",
        "bytes=0-0,2-3",
        "bytes=" + "9" * 30 + "-",
        "bytes=" + ",".join(["0-0", "1-1"] * 3_000),
    ],
    ids=lambda asked: asked[:20],
)
def test_what_is_not_one_range_is_answered_with_the_whole_file_at_once(place: Place, asked: str) -> None:
    begun = time.perf_counter()
    answer = place.ask("GET", "/there/content.bin", Range=asked)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert time.perf_counter() - begun < 2


def test_a_range_of_another_state_of_the_file_is_answered_with_all_of_it(place: Place) -> None:
    told = place.ask("GET", "/there/content.bin").headers
    for said in (told["etag"], told["last-modified"]):
        assert place.ask("GET", "/there/content.bin", Range="bytes=0-1", If_Range=said).status == 206
    for said in ('"another"', f"W/{told['etag']}", "Mon, 01 Jan 2001 00:00:00 GMT"):
        assert place.ask("GET", "/there/content.bin", Range="bytes=0-1", If_Range=said).body == CONTENT


@pytest.mark.parametrize("name", ["x.html", "x.svg", "MLmodel", "x.pkl", "x", "x.js"])
def test_no_browser_runs_what_somebody_uploaded(place: Place, name: str) -> None:
    place.ask("PUT", f"/runs/{name}", b"<script>alert(1)</script>", Content_Type="text/html")
    told = place.ask("GET", f"/runs/{name}").headers
    assert told["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert told["content-type"] in ("text/plain; charset=utf-8", "application/octet-stream")
    assert told["x-content-type-options"] == "nosniff"
    assert "sandbox" in told["content-security-policy"]


def test_a_name_cannot_end_its_header_early(place: Place) -> None:
    name = quote('a"; filename=evil.html; x="ä', safe="")
    place.ask("PUT", f"/runs/{name}", b"1")
    told = place.ask("GET", f"/runs/{name}").headers
    assert told["content-disposition"] == f"attachment; filename*=UTF-8''{name}"


CLIMBING = [
    "/../canary",
    "/../../../../etc/passwd",
    "/..%2fcanary",
    "/%2e%2e/canary",
    "/%2e%2e%2fcanary",
    "/%252e%252e/canary",
    "/%252e%252e%252fcanary",
    "/%25252e%25252e/canary",
    "/there/../../canary",
    "/there/..%2f..%2fcanary",
    "/..%5ccanary",
    "/..%255ccanary",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/file:///etc/passwd",
    "/C:%5cWindows",
    "/c:/x",
    "/there//content.bin",
    "/there/./content.bin",
    "/there/%2e/content.bin",
    "/there/x%00",
    "/there/%1b%5b31m",
    "/" + "a" * 300,
    "/" + "a/" * 2_100 + "b",
    "/.modelpack-uploads/x",
    "/there/.modelpack-staging-1-a",
    "/",
]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", CLIMBING, ids=lambda path: path[:30])
def test_no_path_leads_out_of_the_root(place: Place, method: str, path: str) -> None:
    answer = place.ask(method, path, b"poc" if method == "PUT" else b"")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert SECRET not in answer.body
    assert str(place.folder).encode() not in answer.body
    assert len(answer.body) < 500


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path", ["..", "../", "%2e%2e", "%252e%252e", "/etc", "//", "a//b", "a/..", "x%00", "a\\b"]
)
def test_no_list_leads_out_of_the_root(place: Place, path: str) -> None:
    answer = place.ask("GET", f"?path={path}")
    assert answer.status == 400
    assert b"canary" not in answer.body


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_name_of_two_lines_is_none(place: Place, method: str) -> None:
    assert place.ask(method, "/there/x%0ay").status == 404


def test_links_are_not_followed_in_any_direction(place: Place) -> None:
    folder = place.root / "linked"
    folder.mkdir()
    (folder / "file").symlink_to(place.canary)
    (folder / "outside").symlink_to(place.folder)
    (folder / "here").symlink_to(place.root / "there")
    for method, path in [
        ("GET", "file"),
        ("PUT", "file"),
        ("GET", "outside/canary"),
        ("PUT", "outside/poc"),
        ("DELETE", "outside/canary"),
        ("GET", "here/content.bin"),
    ]:
        assert place.ask(method, f"/linked/{path}", b"x" if method == "PUT" else b"").status == 400, path
    assert place.ask("GET", "?path=linked").body == b"{}"
    assert place.ask("GET", "?path=linked/outside").status == 400
    assert place.canary.read_bytes() == SECRET
    assert not (place.folder / "poc").exists()


def test_a_file_with_a_second_name_is_not_handed_out(place: Place) -> None:
    place.ask("PUT", "/twice.txt", b"1")
    (place.root / "planted").hardlink_to(place.canary)
    answer = place.ask("GET", "/planted")
    assert (answer.status, SECRET in answer.body) == (400, False)
    assert place.ask("GET", "/twice.txt").status == 200
    # What is put in its place is a new file: the other name keeps what it had.
    assert place.ask("PUT", "/planted", b"mine").status == 200
    assert place.canary.read_bytes() == SECRET
    assert place.ask("GET", "/planted").body == b"mine"


def test_a_pipe_or_a_device_holds_nobody_up(place: Place) -> None:
    os.mkfifo(place.root / "there" / "pipe")
    assert place.ask("GET", "/there/pipe").status == 400
    assert b"pipe" not in place.ask("GET", "?path=there").body


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path", ["/models/sha256/ab/abcd/MLmodel", "/models", "/models/x", "/Models/x", "/MODELS"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_files_of_registered_versions_never_change(place: Place, method: str, path: str) -> None:
    answer = place.ask(method, path, b"other" if method == "PUT" else b"")
    assert (answer.status, b"never change" in answer.body) == (409, True)


@pytest.mark.usefixtures("untouched")
def test_a_file_over_the_limit_is_refused_before_and_while_it_comes(place: Place) -> None:
    assert place.ask("PUT", "/large.bin", b"x" * ((1 << 20) + 1)).status == 413
    chunks = b"".join(b"40000\r\n" + b"x" * 0x40000 + b"\r\n" for _ in range(5)) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as line:
        line.sendall(wire.head("PUT", f"{FILES}/large.bin", 0, {"Transfer-Encoding": "chunked"}) + chunks)
        assert wire.heard(line).status == 413
    assert place.ask("GET", "/large.bin").status == 404


def test_a_file_in_chunks_without_a_length_is_kept_whole(place: Place) -> None:
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as line:
        line.sendall(wire.head("PUT", f"{FILES}/chunked", 0, {"Transfer-Encoding": "chunked"}))
        line.sendall(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert wire.heard(line).status == 200
    assert place.ask("GET", "/chunked").body == b"abcde"


@pytest.mark.usefixtures("untouched")
def test_a_body_that_ends_early_leaves_nothing_behind(place: Place) -> None:
    uploads = place.root / ".modelpack-uploads"
    before = set(uploads.iterdir())
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as line:
        line.sendall(wire.head("PUT", f"{FILES}/early/file.bin", 10, {}) + b"abc")
        deadline = time.monotonic() + 10
        while set(uploads.iterdir()) == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    deadline = time.monotonic() + 10
    while set(uploads.iterdir()) != before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert place.ask("GET", "/early/file.bin").status == 404


def test_who_hangs_up_in_the_middle_holds_no_file_open(place: Place) -> None:
    large = place.root / "there" / "large.bin"
    with large.open("wb") as file:
        file.truncate(256 << 20)
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as line:
        line.sendall(wire.head("GET", f"{FILES}/there/large.bin", 0, {}))
        assert line.recv(1 << 16)
        assert large in _opened()
    deadline = time.monotonic() + 10
    while large in _opened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    large.unlink()


def _opened() -> set[Path]:
    """The files that this process has open."""
    return {one.resolve() for one in Path("/proc/self/fd").iterdir()}


def test_nobody_but_the_owner_may_write_what_is_kept_whatever_the_umask(tmp_path: Path) -> None:
    kept = os.umask(0)
    try:
        with served(tmp_path) as client:
            assert client.put(f"{FILES}/runs/0/a/b.txt", content=b"1").status_code == 200
    finally:
        os.umask(kept)
    for path in (tmp_path / "files", *(tmp_path / "files").rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o750 if path.is_dir() else 0o640), path


def test_a_part_of_a_file_does_not_take_the_place_of_all_of_it(place: Place) -> None:
    answer = place.ask("PUT", "/there/content.bin", b"x", Content_Range="bytes 3-3/10")
    assert (answer.status, place.ask("GET", "/there/content.bin").body) == (400, CONTENT)


def test_a_body_said_to_be_packed_is_kept_as_it_is(place: Place) -> None:
    assert place.ask("PUT", "/packed.gz", b"\x1f\x8b1", Content_Encoding="gzip").status == 200
    answer = place.ask("GET", "/packed.gz")
    assert (answer.body, "content-encoding" in answer.headers) == (b"\x1f\x8b1", False)


def test_a_token_for_reading_does_not_write_and_none_at_all_does_nothing(tmp_path: Path) -> None:
    known = {"reader": Caller("r", frozenset({"read"})), "writer": Caller("w", frozenset({"read", "write"}))}
    with served(tmp_path, check=known.get) as client:

        def status(method: str, token: str, path: str = f"{FILES}/a/b") -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return int(client.request(method, path, content=b"1", headers=headers).status_code)

        assert [status("PUT", token) for token in ("", "stranger", "reader", "writer")] == [
            401,
            401,
            403,
            200,
        ]
        assert [status("GET", token) for token in ("", "stranger", "reader")] == [401, 401, 200]
        assert [status("DELETE", token) for token in ("", "reader", "writer")] == [401, 403, 200]
        assert refusal(client.get(FILES))[0] == 401


def _tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.name.startswith("server.db") and not path.is_fifo()
    }
