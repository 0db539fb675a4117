"""The ONNX form and its report as files of a model directory, and which files the report is about."""

import hashlib

from modelpack.directory import ModelDirectory, layout
from modelpack.directory.manifest import Manifest
from modelpack.errors import InvalidModel, shorten
from modelpack.files import sha256
from modelpack.onnx.report import Report

LARGEST_REPORT = 16 << 20
"""Bytes."""

_NOT_NATIVE = frozenset(
    {
        layout.CONDA,
        layout.DOCUMENT,
        layout.INPUT_EXAMPLE,
        layout.MANIFEST,
        layout.ONNX,
        layout.PARITY,
        layout.PROFILE,
        layout.PYTHON_ENV,
        layout.REQUIREMENTS,
        layout.SERVING_EXAMPLE,
        *layout.TOLERATED,
    }
)
"""What does not change how the native model answers."""


def read_report(directory: ModelDirectory) -> Report | None:
    """The parity report of *directory*; None where there is none. Raises InvalidModel for a damaged one."""
    if not (directory.path / layout.PARITY).exists():
        return None
    path = directory.file(layout.PARITY)
    if path.stat().st_size > LARGEST_REPORT:
        raise InvalidModel(f"{layout.PARITY} has more than {LARGEST_REPORT >> 20} MiB")
    return Report.from_json(path.read_bytes())


def native_digest(directory: ModelDirectory) -> str:
    """``sha256:`` and 64 digits for the files that make the native model."""
    return native_files(directory).digest


def native_files(directory: ModelDirectory) -> Manifest:
    """The files that make the native model."""
    known = directory.manifest if directory.has_manifest else None
    files = (known or Manifest.of(directory.path)).files
    return Manifest({name: one for name, one in files.items() if name not in _NOT_NATIVE})


def onnx_name(directory: ModelDirectory) -> str:
    """The name of the ONNX file that MLmodel gives; nothing where it gives none. Raises InvalidModel."""
    entries = directory.document.flavors.get("onnx")
    if entries is None:
        return ""
    name = entries.get("data")
    if not isinstance(name, str):
        raise InvalidModel(f"data of the onnx flavor in MLmodel must be text, not {shorten(repr(name), 60)}")
    return name


def onnx_digest(directory: ModelDirectory) -> str:
    """The digest of the ONNX file: ``sha256:`` and 64 digits; nothing where there is no such file."""
    name = onnx_name(directory)
    if not name:
        return ""
    return f"sha256:{sha256(directory.file(name))}"


def digest_of(model: bytes) -> str:
    """The digest that ``onnx_digest`` gives once *model* is a file."""
    return f"sha256:{hashlib.sha256(model).hexdigest()}"
