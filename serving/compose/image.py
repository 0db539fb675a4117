"""What the team server's image is built of: this toolkit as a wheel, a lock, and the steps."""

import json
import platform as machine
from pathlib import Path
from typing import Final

from serving.images import names
from serving.images.context import Context
from serving.images.lock import Lock, resolve
from serving.images.planning import MACHINES
from serving.images.requirements import Wanted, installed, ours
from serving.images.wheel import NAME, wheel

EXTRAS: Final = ("", "track", "postgres", "s3")

_DOCKERFILE: Final = """\
# The team server. `modelpack server --compose` wrote this folder.
FROM {base} AS build
WORKDIR /build
RUN ["python", "-m", "venv", "--without-pip", "/opt/venv"]
COPY requirements.lock ./
RUN {dependencies}
COPY wheels/ ./wheels/
RUN {own}

FROM {base}
COPY --from=build /opt/venv /opt/venv
# A volume that is put here the first time takes over its owner.
COPY --chown=65532:65532 scratch/ /scratch/
ENV PATH=/opt/venv/bin:$PATH \\
    HOME=/scratch \\
    TMPDIR=/scratch \\
    PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 5000
STOPSIGNAL SIGTERM
ENTRYPOINT ["modelpack"]
"""
_INSTALL: Final = ["python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir"]


def image(*, python: str, base: str | None = None, lock: Path | None = None) -> Context:
    """All that a build of the image reads, for *python* (``3.11``) on *base*.

    Without a *lock* one is found for this machine's platform, which asks a package index. Raises
    InvalidValue and CannotLock.
    """
    names.python("--python", python)
    need = Wanted("native", tuple(sorted(set(ours(EXTRAS, python)), key=str.lower)))
    if lock is None:
        target = MACHINES.get(machine.machine().lower(), "linux/amd64")
        locked = resolve(need, python=python, platform=target, preferred=installed())
    else:
        locked = Lock.read(lock)
        locked.hold(need)
    return Context(
        {
            "Dockerfile": _dockerfile(names.base("the base image", base or f"python:{python}-slim")).encode(),
            "requirements.lock": locked.text.encode(),
            f"wheels/{NAME}": wheel(),
            "scratch/.keep": b"",
            ".dockerignore": b"*\n!requirements.lock\n!wheels\n!scratch\n",
        }
    )


def _dockerfile(base: str) -> str:
    from_lock = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements.lock"]
    own = ["--no-index", "--no-deps", f"./wheels/{NAME}"]
    return _DOCKERFILE.format(
        base=base, dependencies=json.dumps([*_INSTALL, *from_lock]), own=json.dumps([*_INSTALL, *own])
    )
