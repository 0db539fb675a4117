"""Files and folders that nobody but their owner can change, whatever the umask."""

import os
import secrets
from pathlib import Path

from modelpack.files import STAGING


def make_private(folder: Path) -> None:
    """Make *folder*, and those above it that are missing."""
    for one in reversed((folder, *folder.parents)):
        if not one.exists():
            one.mkdir(mode=0o750, exist_ok=True)


def open_private(file: Path) -> int:
    """A descriptor of *file*, which is made if need be, for reading and writing."""
    make_private(file.parent)
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)


def write_private(file: Path, content: bytes) -> None:
    """Write *content* to *file*: what was there is replaced in one step."""
    draft = file.with_name(f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = open_private(draft)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
    draft.replace(file)
