"""This toolkit as a wheel, made from its own installed files: the same bytes from the same files."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import modelpack
from modelpack._version import __version__
from serving.images.requirements import DISTRIBUTION

PACKAGES = ("k8s", "modelpack", "serving")
NAME = f"{DISTRIBUTION}-{__version__}-py3-none-any.whl"

_EARLIEST = (1980, 1, 1, 0, 0, 0)


def wheel() -> bytes:
    """The wheel. Nothing is compressed: packers of two machines need not agree on bytes."""
    files = dict(_members())
    info = f"{DISTRIBUTION}-{__version__}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {DISTRIBUTION}\nRoot-Is-Purelib: true\nTag: py3-none-any\n".encode()
    )
    files[f"{info}/entry_points.txt"] = _entry_points().encode()
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[record] = "".join(f"{line}\n" for line in (*lines, f"{record},,")).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _members() -> Iterator[tuple[str, bytes]]:
    root = Path(modelpack.__file__).parents[1]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".md"):
                yield path.relative_to(root).as_posix(), path.read_bytes()


def _metadata() -> str:
    ours = distribution(DISTRIBUTION)
    lines = ["Metadata-Version: 2.1", f"Name: {DISTRIBUTION}", f"Version: {__version__}"]
    lines += [f"Requires-Python: {ours.metadata['Requires-Python']}"]
    lines += [f"Provides-Extra: {extra}" for extra in sorted(ours.metadata.get_all("Provides-Extra") or [])]
    lines += [f"Requires-Dist: {line}" for line in sorted(ours.requires or [])]
    return "".join(f"{line}\n" for line in lines)


def _entry_points() -> str:
    points = sorted({(one.group, one.name, one.value) for one in distribution(DISTRIBUTION).entry_points})
    groups = dict.fromkeys(group for group, _, _ in points)
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for own, name, value in points if own == group)
        for group in groups
    )


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
