"""The manifest: size and sha256 of every file of a model, and one digest for the whole."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelpack.directory import layout
from modelpack.errors import InvalidModel, shorten
from modelpack.files import inside, relative, sha256, walk

FORMAT = "modelpack.manifest/1"
LARGEST = 64 << 20
"""Bytes of a manifest; some 400,000 files."""

_HEX = re.compile(r"[0-9a-f]{64}")


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    sha256: str
    size: int


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    digest: str
    files: list[_Entry]
    format: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file: *size* in bytes, *sha256* in lower-case hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """*files* by their relative, slash-separated names; the manifest itself is not among them."""

    files: Mapping[str, FileRecord]

    @property
    def digest(self) -> str:
        """``sha256:`` and 64 digits, over the sorted names, sizes and digests: equal for equal content."""
        lines = (f"{one.sha256} {one.size} {name}\n" for name, one in _sorted(self.files))
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """What lies in *folder* now. Raises InvalidModel at links, special files and odd names."""
        files = {}
        for path in _members(folder):
            name = path.relative_to(folder).as_posix()
            relative(name)
            files[name] = FileRecord(path.stat().st_size, sha256(path))
        return cls(files)

    def text(self) -> bytes:
        """The file's content: JSON in one fixed form, so that no byte of it can change unseen."""
        entries = [_Entry(name, one.sha256, one.size) for name, one in _sorted(self.files)]
        document = _Text(digest=self.digest, files=entries, format=FORMAT)
        return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"

    @classmethod
    def parse(cls, text: bytes) -> "Manifest":
        """Read what ``text`` gives; raises InvalidModel for anything else, be it one blank."""
        try:
            document = msgspec.json.decode(text, type=_Text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidModel(shorten(f"{layout.MANIFEST} is no manifest: {error}")) from None
        if document.format != FORMAT:
            raise InvalidModel(
                f"{layout.MANIFEST} has the format {shorten(repr(document.format), 60)}, and not {FORMAT}"
            )
        manifest = cls(dict(_records(document.files)))
        if manifest.text() != text:
            raise InvalidModel(f"{layout.MANIFEST} contradicts itself: its digest or its form is not its own")
        return manifest

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """The manifest of *folder*, or None where there is none; raises InvalidModel."""
        path = inside(folder, layout.MANIFEST)
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST:
            raise InvalidModel(f"{layout.MANIFEST} has more than {LARGEST >> 20} MiB")
        return cls.parse(path.read_bytes())

    def write(self, folder: Path) -> None:
        """Put the manifest into *folder*."""
        (folder / layout.MANIFEST).write_bytes(self.text())

    def compare(self, folder: Path) -> list[tuple[str, str]]:
        """How *folder* differs, sorted by name: ``("changed" | "missing" | "extra", name)``."""
        present = {path.relative_to(folder).as_posix(): path for path in _members(folder)}
        found = [("missing", name) for name in self.files if name not in present]
        for name, path in present.items():
            expected = self.files.get(name)
            if expected is None:
                if not layout.is_tolerated(name):
                    found.append(("extra", name))
            elif path.stat().st_size != expected.size or sha256(path) != expected.sha256:
                found.append(("changed", name))
        return sorted(found, key=lambda finding: finding[1])


def _members(folder: Path) -> Iterator[Path]:
    manifest = folder / layout.MANIFEST
    return (path for path in walk(folder) if path != manifest)


def _records(entries: Iterable[_Entry]) -> Iterator[tuple[str, FileRecord]]:
    for entry in entries:
        if relative(entry.name).as_posix() != entry.name or not _HEX.fullmatch(entry.sha256):
            raise InvalidModel(
                f"{layout.MANIFEST} has no proper name and sha256 for {shorten(repr(entry.name), 80)}"
            )
        yield entry.name, FileRecord(entry.size, entry.sha256)


def _sorted(files: Mapping[str, FileRecord]) -> list[tuple[str, FileRecord]]:
    # By code point: the same everywhere, whatever the locale.
    return sorted(files.items())
