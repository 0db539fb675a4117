"""What the files of a model say of it; none of its code runs, and no big file is read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from modelpack.directory import ModelDirectory, environment, layout, open_directory
from modelpack.engines.choose import check
from modelpack.errors import InvalidModel, ModelpackError, NotFound
from modelpack.onnx.files import native_digest, onnx_name, read_report
from modelpack.onnx.report import Report
from modelpack.registry.records import ModelVersion
from modelpack.schema import Signature
from modelpack.schema.telling import Row, rows_of
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.ui import shelf

LARGEST: Final = 4 << 20
"""Bytes of a file that is read."""
MOST_FILES: Final = 500

_READ: Final = (
    layout.DOCUMENT,
    layout.MANIFEST,
    layout.REQUIREMENTS,
    layout.CONSTRAINTS,
    layout.CONDA,
    layout.PYTHON_ENV,
    layout.PARITY,
    layout.INPUT_EXAMPLE,
    layout.SERVING_EXAMPLE,
)
_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class Method:
    """Whether the fast form answers for this method, and why not; how that was found out."""

    name: str
    answers: bool
    reason: str
    compared: int
    differing: int
    worst: float


@dataclass(frozen=True, slots=True)
class Kept:
    """One file: *size* in bytes; *digest* is empty where none was noted."""

    name: str
    size: int
    digest: str


@dataclass(slots=True)
class Card:
    """All that a page tells of a model's files; *problems* say what could not be told."""

    signature: Signature | None = None
    rows: list[Row] = field(default_factory=list)
    flavors: list[tuple[str, str]] = field(default_factory=list)
    example: Any = None
    made: str = ""
    certified_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)
    has_report: bool = False
    python: str = ""
    requirements: tuple[str, ...] = ()
    files: list[Kept] = field(default_factory=list)
    more_files: int = 0
    size: int = 0
    problems: list[str] = field(default_factory=list)


def card_of(parts: Parts, version: ModelVersion) -> Card:
    """The card of *version*. Files under a digest never change: what they say is remembered.

    Raises NotFound, InvalidUri and StoreUnavailable for files that cannot be had.
    """
    if version.digest:
        return _card_of_digest(parts, version.location, version.digest)
    return card_at(parts, version.location)


@lru_cache(maxsize=_REMEMBERED)
def _card_of_digest(parts: Parts, location: str, digest: str) -> Card:
    del digest
    return card_at(parts, location)


def card_at(parts: Parts, location: str) -> Card:
    """The card of the model whose files lie at *location*; raises what card_of does."""
    card = Card()
    try:
        with _opened(parts, location) as directory:
            for learn in (_learn_document, _learn_files, _learn_environment, _learn_certificate):
                try:
                    learn(card, directory)
                except ModelpackError as error:
                    card.problems.append(_without(str(error), directory.path))
    except InvalidModel as error:
        card.problems.append(str(error))
    if not card.files:
        _list_files(card, parts, location)
    return card


@contextmanager
def _opened(parts: Parts, location: str) -> Iterator[ModelDirectory]:
    """The small files of the model, copied to a folder of this machine for as long as the block lasts."""
    listed = shelf.files_in(parts, location, "")
    if not listed:
        raise NotFound("files of this model", location, hint="were they moved, or registered elsewhere?")
    with tempfile.TemporaryDirectory(prefix="modelpack-page-") as folder:
        place = Path(folder)
        for one in listed:
            if one.path in _READ and one.size is not None and one.size <= LARGEST:
                _, chunks = shelf.stream(parts, location, one.path)
                (place / one.path).write_bytes(b"".join(chunks))
        yield _directory(place)


def _directory(place: Path) -> ModelDirectory:
    try:
        return open_directory(place)
    except ModelpackError as error:
        raise InvalidModel(_without(str(error), place)) from error


def _learn_document(card: Card, directory: ModelDirectory) -> None:
    document = directory.document
    card.made = document.utc_time_created or ""
    for name, entries in document.flavors.items():
        version = next((str(entries[key]) for key in entries if key.endswith("_version")), "")
        card.flavors.append((name, version))
    if document.signature is not None:
        card.signature = document.signature
        card.rows = list(rows_of(document.signature))
    card.example = directory.serving_example()


def _learn_files(card: Card, directory: ModelDirectory) -> None:
    manifest = directory.manifest
    if manifest is None:
        return
    records = sorted(manifest.files.items())
    card.files = [Kept(name, one.size, f"sha256:{one.sha256}") for name, one in records[:MOST_FILES]]
    card.more_files = max(0, len(records) - MOST_FILES)
    card.size = sum(one.size for one in manifest.files.values())


def _learn_environment(card: Card, directory: ModelDirectory) -> None:
    found = environment.read(directory.path, sources=True)
    card.python, card.requirements = found.python or "", found.requirements
    if found.sources:
        card.problems.append("the model says where packages come from, which is for whoever installs it")


def _learn_certificate(card: Card, directory: ModelDirectory) -> None:
    report = read_report(directory)
    if report is None:
        return
    card.has_report, card.certified_at, card.versions = True, report.made, dict(report.versions)
    name, manifest = onnx_name(directory), directory.manifest
    entry = manifest.files.get(name) if manifest else None
    digests = {
        "native_digest": native_digest(directory),
        "onnx_digest": f"sha256:{entry.sha256}" if entry else "",
    }
    card.methods = [
        _method(report, method, check("onnx", report, method, **digests)) for method in report.methods
    ]


def _method(report: Report, name: str, why: str) -> Method:
    one = report.methods[name]
    return Method(name, not why, why and (one.reason or why), one.compared, one.differing, one.worst)


def _list_files(card: Card, parts: Parts, location: str) -> None:
    """Where there is no manifest: the names and sizes at the top."""
    listed = shelf.files_in(parts, location, "")
    card.files = [Kept(one.path, one.size, "") for one in listed if one.size is not None][:MOST_FILES]
    card.size = sum(one.size for one in card.files)


def _without(message: str, folder: Path) -> str:
    """*message* without the place of the copy, which tells nobody anything."""
    return message.replace(str(folder), "the model").replace(str(folder.resolve()), "the model")
