"""A skops file as an archive of bounded size."""

import io
import pickle
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from modelpack.errors import InvalidModel
from modelpack.flavors import skopsfile
from modelpack.flavors.audit.archive import open_archive
from modelpack.trust import Trust
from tests.modelpack.flavors.audit import forge


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return forge.write(tmp_path / "model.skops", forge.text([1, 2]))


def refused(path: Path, said: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidModel, match=said) as met:
        skopsfile.load(path, Trust())
    assert time.process_time() - started < 2
    assert len(str(met.value)) <= 300


def test_an_honest_file_is_read(path: Path) -> None:
    assert skopsfile.load(path, Trust()) == [1, 2]


def test_a_deflated_file_is_read(tmp_path: Path) -> None:
    path = forge.write(tmp_path / "m.skops", forge.text("a" * 10_000), compression=zipfile.ZIP_DEFLATED)
    assert skopsfile.load(path, Trust()) == "a" * 10_000


def test_a_pickle_that_is_called_skops_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(pickle.dumps([1]))
    refused(path, "said to be a skops file, but is a pickle")


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" + b"\0" * 100]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    refused(path, "something else|cut off|damaged")


def test_a_pickle_before_the_archive_is_refused(path: Path) -> None:
    path.write_bytes(pickle.dumps([1]) + path.read_bytes())
    refused(path, "is a pickle")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "cut off|damaged")


def test_two_members_of_one_name_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("schema.json", "{}")
    refused(path, "two of one name")


def test_a_file_without_a_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other.json", "{}")
    refused(path, "no member 'schema.json'")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_compression_are_refused(tmp_path: Path, method: int) -> None:
    refused(
        forge.write(tmp_path / "m.skops", forge.text(1), compression=method), "neither stored nor deflated"
    )


def test_an_encrypted_member_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02") + 8
    content[place] |= 1
    path.write_bytes(content)
    refused(path, "neither stored nor deflated")


def test_a_flipped_bit_in_a_member_is_noticed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"[1, 2]") + 1] ^= 2
    path.write_bytes(content)
    refused(path, "damaged at 'schema.json'")


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3):
            file.writestr(f"{number}.npy", bytes(100 << 20))
        file.writestr("schema.json", "{}")
    assert path.stat().st_size < 3 << 20
    refused(path, "would inflate to more than")


def test_a_member_that_inflates_to_more_than_it_says_is_cut(path: Path) -> None:
    deflated = zlib.compress(b" " * 1_000_000, 9)[2:-4]
    path = forge.write(path, b" " * 1_000, compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    old = zlib.compress(b" " * 1_000, 9)
    assert len(deflated) > len(old)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("schema.json")
        start = info.header_offset + 30 + len(info.filename)
    changed = bytearray(content[:start] + deflated + content[start + info.compress_size :])
    grown = len(deflated) - info.compress_size
    central = changed.rfind(b"PK\x01\x02")
    struct.pack_into("<L", changed, central + 20, len(deflated))
    end = changed.rfind(b"PK\x05\x06")
    struct.pack_into("<L", changed, end + 16, struct.unpack_from("<L", changed, end + 16)[0] + grown)
    path.write_bytes(changed)
    refused(path, "damaged|no JSON")


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", "{}")
        file.writestr("0.npy", bytes(1_000_000))
        # The list says it a hundred times; the bytes are there once.
        info = file.getinfo("0.npy")
        for number in range(1, 100):
            twin = zipfile.ZipInfo(f"{number}.npy")
            for field in ("header_offset", "CRC", "file_size", "compress_size", "compress_type"):
                setattr(twin, field, getattr(info, field))
            file.filelist.append(twin)
            file.NameToInfo[twin.filename] = twin
    refused(path, "overlap")


def test_a_list_of_members_that_is_too_long_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    body = b"PK\x03\x04" + bytes(26)
    one = b"PK\x01\x02" + bytes(42)
    count = 800_000
    with path.open("wb") as file:
        file.write(body)
        file.write(one * count)
        file.write(
            b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, len(one) * count, len(body), 0)
        )
    refused(path, "too many members")


def test_a_long_list_may_hide_behind_a_second_end(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    body = b"PK\x03\x04" + bytes(26)
    far = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, len(body))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(body + far + locator + end)
    refused(path, "too many members")


def test_a_schema_of_too_many_values_is_refused(tmp_path: Path) -> None:
    path = forge.write(tmp_path / "m.skops", b"[" + b"0," * 10_000_001 + b"0]")
    refused(path, "more than 10000000 values")


def test_archives_in_the_archive_are_bounded_too(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data.npy", bytes(200 << 20))
    sparse = forge.node(
        "SparseMatrixNode", "scipy.sparse._csr", "csr_matrix", type="scipy", file="1.npz", __id__=1
    )
    refused(forge.write(tmp_path / "m.skops", sparse, {"1.npz": inner.getvalue()}), "would inflate")


def test_the_names_of_members_are_told(path: Path) -> None:
    with path.open("rb") as file, open_archive(file, path.name, path.stat().st_size) as archive:
        assert archive.names() == ["schema.json"]
