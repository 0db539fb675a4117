"""Large files in parts: begun by a caller, sent side by side, put together or given up by the same caller."""

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from modelpack.errors import Conflict, InvalidName, NotFound, shorten
from modelpack.files import sha256
from modelpack.tracking.server.bucket_root import BucketRoot
from modelpack.tracking.server.errors import Forbidden, NotImplementedHere, TooLarge
from modelpack.tracking.server.folder_root import (
    STAGING,
    ArrivingFile,
    FolderRoot,
    make_private,
    refusals,
    sweep,
)

MOST_PARTS: Final = 10_000
LARGEST_PART: Final = 5 << 30
"""Bytes; both as in Amazon's S3."""
SIGNED_SECONDS: Final = 6 * 3600
"""How long an address in the bucket is good for."""
UNSUPPORTED: Final = "Multipart upload is not supported for the current artifact repository"
"""By how this begins, MLflow's clients know that they have to send the file in one piece."""

_ID: Final = re.compile(r"[\w-]{43}", re.ASCII)
_NOTE: Final = "note.json"


class Note(msgspec.Struct, frozen=True):
    """What was begun: a file at *path*, by *caller*, in *count* parts; *key* is what a bucket calls it."""

    path: str
    caller: str
    count: int
    key: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A part as its sender tells of it."""

    number: int
    tag: str


class Uploads(Protocol):
    """Files that arrive in parts. Whoever did not begin one gets Forbidden, an unknown one is NotFound."""

    def begin(self, path: str, count: int, caller: str) -> str:
        """Expect *count* parts of the file *path*; answers the upload's name, which nobody guesses."""

    def addresses(self, upload_id: str, here: str) -> list[str]:
        """Where each part is sent to; *here* is this server's own place for parts."""

    def finish(self, upload_id: str, path: str, sent: Sequence[Sent], caller: str, *, limit: int) -> None:
        """Put the parts together: the file is there whole, or not at all. Twice is no error."""

    def give_up(self, upload_id: str, path: str, caller: str) -> None:
        """Forget what has arrived; that nothing has is no error."""


def uploads_of(root: FolderRoot | BucketRoot) -> Uploads:
    """The uploads of *root*. Raises NotImplementedHere where it can only be sent whole files."""
    if isinstance(root, FolderRoot):
        return FolderUploads(root)
    if root.can_sign:
        return BucketUploads(root)
    raise NotImplementedHere(UNSUPPORTED)


class FolderUploads:
    """Uploads in a folder: parts are sent to this server, and wait beside what else is arriving."""

    def __init__(self, root: FolderRoot) -> None:
        self._root = root
        self._staging = root.root / STAGING

    def begin(self, path: str, count: int, caller: str) -> str:
        """See Uploads. Those that nobody went on with for a day are swept away."""
        self._root.place(path)
        sweep(self._staging)
        upload_id = secrets.token_urlsafe(32)
        with refusals(path):
            make_private(self._staging / upload_id)
            self._write(upload_id, Note(path, caller, count))
        return upload_id

    def addresses(self, upload_id: str, here: str) -> list[str]:
        """See Uploads."""
        count = self._note(upload_id).count
        return [f"{here}/{upload_id}/{number}" for number in range(1, count + 1)]

    def part(self, upload_id: str, number: int, caller: str, *, limit: int) -> "ArrivingPart":
        """The part *number* on its way in. Raises TooLarge where others have come to *limit* already."""
        note = self._read(upload_id, caller)
        if note.done or not 1 <= number <= note.count:
            raise InvalidName(f"part {number} is none of the {note.count} that were begun")
        folder = self._staging / upload_id
        if limit and sum(one.stat().st_size for one in folder.glob("*.part")) > limit:
            raise _too_large(limit)
        return ArrivingPart(self._root.stage(), folder / _name(number), note.path)

    def finish(self, upload_id: str, path: str, sent: Sequence[Sent], caller: str, *, limit: int) -> None:
        """See Uploads."""
        note = self._read(upload_id, caller, path)
        if note.done:
            return
        _require_all(sent, note)
        parts = [self._require(upload_id, one) for one in sent]
        if limit and sum(part.stat().st_size for part in parts) > limit:
            raise _too_large(limit)
        arrival = self._root.receive(path)
        try:
            for part in parts:
                arrival.append(part)
            arrival.finish()
        finally:
            arrival.discard()
        with refusals(path):
            self._write(upload_id, msgspec.structs.replace(note, done=True))
        for part in parts:
            part.unlink(missing_ok=True)

    def give_up(self, upload_id: str, path: str, caller: str) -> None:
        """See Uploads."""
        with suppress(NotFound):
            self._read(upload_id, caller, path)
            shutil.rmtree(self._staging / upload_id, ignore_errors=True)

    def _require(self, upload_id: str, sent: Sent) -> Path:
        part = self._staging / upload_id / _name(sent.number)
        if not part.is_file():
            raise Conflict(f"part {sent.number} has not arrived; send it again")
        if sent.tag and sent.tag.strip('"') != sha256(part):
            raise Conflict(f"part {sent.number} is not what arrived last under this number; send it again")
        return part

    def _read(self, upload_id: str, caller: str, path: str = "") -> Note:
        return _require_own(self._note(upload_id), path, caller)

    def _note(self, upload_id: str) -> Note:
        if not _ID.fullmatch(upload_id):
            raise NotFound("upload", upload_id)
        try:
            text = (self._staging / upload_id / _NOTE).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("upload", upload_id) from None
        return msgspec.json.decode(text, type=Note)

    def _write(self, upload_id: str, note: Note) -> None:
        place = self._staging / upload_id / _NOTE
        draft = self._root.stage()
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
        draft.replace(place)


class ArrivingPart(ArrivingFile):
    """An Arrival that knows a digest of what came, for the sender to say which part it means."""

    def __init__(self, staging: Path, target: Path, path: str) -> None:
        super().__init__(staging, target, path)
        self._digest = hashlib.sha256()

    @property
    def tag(self) -> str:
        """The digest of what has come so far, in quotes."""
        return f'"{self._digest.hexdigest()}"'

    def write(self, chunk: bytes) -> None:
        """See Arrival."""
        self._digest.update(chunk)
        super().write(chunk)


class BucketUploads:
    """Uploads in a bucket of S3: parts are sent to the bucket itself, at addresses that are signed for it."""

    def __init__(self, root: BucketRoot) -> None:
        self._root = root

    def begin(self, path: str, count: int, caller: str) -> str:
        """See Uploads."""
        made = self._root.store.call("create_multipart_upload", self._root.full(path))
        upload_id = secrets.token_urlsafe(32)
        self._write(upload_id, Note(path, caller, count, made["UploadId"]))
        return upload_id

    def addresses(self, upload_id: str, here: str) -> list[str]:
        """See Uploads."""
        del here
        note = self._read(upload_id)
        place = self._root.full(note.path)
        return [
            self._root.store.signed(
                "upload_part", place, SIGNED_SECONDS, UploadId=note.key, PartNumber=number
            )
            for number in range(1, note.count + 1)
        ]

    def finish(self, upload_id: str, path: str, sent: Sequence[Sent], caller: str, *, limit: int) -> None:
        """See Uploads."""
        note = _require_own(self._read(upload_id), path, caller)
        if note.done:
            return
        _require_all(sent, note)
        place = self._root.full(note.path)
        if limit and self._size(place, note) > limit:
            raise _too_large(limit)
        parts = [{"PartNumber": one.number, "ETag": one.tag} for one in sent]
        self._root.store.call(
            "complete_multipart_upload", place, UploadId=note.key, MultipartUpload={"Parts": parts}
        )
        self._write(upload_id, msgspec.structs.replace(note, done=True))

    def give_up(self, upload_id: str, path: str, caller: str) -> None:
        """See Uploads."""
        with suppress(NotFound):
            note = _require_own(self._read(upload_id), path, caller)
            self._root.store.delete(self._note(upload_id))
            if not note.done:
                self._root.store.call("abort_multipart_upload", self._root.full(note.path), UploadId=note.key)

    def _size(self, place: str, note: Note) -> int:
        """How many bytes have arrived."""
        size, after = 0, 0
        while True:
            told = self._root.store.call("list_parts", place, UploadId=note.key, PartNumberMarker=after)
            size += sum(int(one["Size"]) for one in told.get("Parts", ()))
            if not told.get("IsTruncated"):
                return size
            after = told["NextPartNumberMarker"]

    def _note(self, upload_id: str) -> str:
        if not _ID.fullmatch(upload_id):
            raise NotFound("upload", upload_id)
        return "/".join(part for part in (self._root.place.prefix, STAGING, f"{upload_id}.json") if part)

    def _read(self, upload_id: str) -> Note:
        entry, _ = self._root.store.look(self._note(upload_id))
        with self._root.store.read(entry) as piece:
            return msgspec.json.decode(b"".join(piece.chunks), type=Note)

    def _write(self, upload_id: str, note: Note) -> None:
        with tempfile.NamedTemporaryFile(prefix="modelpack-server-") as file:
            file.write(msgspec.json.encode(note))
            file.flush()
            self._root.store.send(Path(file.name), self._note(upload_id))


def _require_own(note: Note, path: str, caller: str) -> Note:
    if note.caller != caller:
        raise Forbidden("this upload was begun by someone else; begin one of your own")
    if path and path != note.path:
        raise InvalidName(f"this upload is none of {shorten(repr(path), 120)}")
    return note


def _require_all(sent: Sequence[Sent], note: Note) -> None:
    if [one.number for one in sent] != list(range(1, note.count + 1)):
        raise InvalidName(f"name all {note.count} parts, each once and in order")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the file is larger than {limit} bytes, which is the most that this server keeps")


def _name(number: int) -> str:
    return f"{number:05}.part"
