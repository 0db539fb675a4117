"""The files of a team server, put into a folder; its secrets are made up once, and stay."""

import secrets
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from modelpack.errors import AlreadyExists
from modelpack.files import make_folder, replacing, write_file
from serving.compose.image import image
from serving.compose.plan import SECRETS, Team, services

DOCUMENT: Final = "docker-compose.yaml"
ENVIRONMENT: Final = ".env"
IMAGE: Final = "image"

_HEAD: Final = """\
# A team server: PostgreSQL, a bucket, and modelpack, which alone can be reached. Written by
# `modelpack server --compose`; the secrets are in .env, which is not to be committed.
#
#   docker compose up -d --build
#   docker compose exec server modelpack token create --help
#
# After a new modelpack, with the server stopped and the database backed up:
#
#   docker compose run --rm server db upgrade
"""


def write(
    folder: Path,
    *,
    lock: Path | None = None,
    base: str | None = None,
    again: bool = False,
    **words: Any,
) -> list[Path]:
    """Write ``docker-compose.yaml``, ``.env`` and the folder ``image`` into *folder*; what was written.

    A ``.env`` that is there stays: its passwords are those of the database. Other files are replaced only
    *again*. *words* are a Team's. Raises AlreadyExists, and what image() and Team raise.
    """
    team = Team(**words)
    document = folder / DOCUMENT
    if document.exists() and not again:
        raise AlreadyExists(f"{document} is there already; --force writes it anew, and keeps its .env")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    context = image(python=python, lock=lock, base=base)
    make_folder(folder)
    written = [_written(document, text(team)), *_ignored(folder), *_environment(folder)]
    context.write(folder / IMAGE)
    return [*written, folder / IMAGE]


def text(team: Team) -> str:
    """The document of *team*, with what to do first on top."""
    body: str = yaml.safe_dump(services(team), sort_keys=False, width=1000, allow_unicode=True)
    return _HEAD + body


def _environment(folder: Path) -> list[Path]:
    file = folder / ENVIRONMENT
    known = _names(file) if file.exists() else []
    missing = [name for name in SECRETS if name not in known]
    if not missing:
        return []
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = "".join(f"{name}={secrets.token_hex(24)}\n" for name in missing)
    end = "" if not before or before.endswith("\n") else "\n"
    # Nobody else may read it at any instant: the new file has the rights of the one it replaces.
    file.touch(mode=0o600)
    with replacing(file) as new:
        new.write(f"{before}{end}{lines}".encode())
    return [file]


def _names(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[0].strip() for line in lines if "=" in line]


def _ignored(folder: Path) -> list[Path]:
    """Keep ``.env`` out of a repository, whoever adds the folder to one."""
    file = folder / ".gitignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if ENVIRONMENT in (line.strip() for line in lines):
        return []
    return [_written(file, "".join(f"{line}\n" for line in [*lines, ENVIRONMENT]))]


def _written(file: Path, content: str) -> Path:
    write_file(file, content.encode())
    return file
