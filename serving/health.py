"""``python -m serving.health``: whether the server of this container is alive, for an image's HEALTHCHECK.

It runs every few seconds beside the server, so it loads neither the command line nor a client of HTTP.
"""

import argparse
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelpack.errors import ModelpackError
from serving.contract import HEALTH
from serving.image import Image
from serving.settings import OPTIONS, Settings

_FIRST = Path("/proc/1/cmdline")
_SECONDS = 2.0
_ALL_ADDRESSES = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
_QUESTION = f"GET {HEALTH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def main() -> int:
    """0 when it is alive, 1 when it is not."""
    try:
        with socket.create_connection(address(server_words(_FIRST), os.environ), timeout=_SECONDS) as caller:
            caller.sendall(_QUESTION)
            return 0 if caller.recv(64).startswith(b"HTTP/1.1 200 ") else 1
    except (OSError, ModelpackError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def server_words(command: Path) -> list[str]:
    """What the container's first process was told after the word ``serve``: its port may stand there."""
    try:
        words = [word.decode(errors="replace") for word in command.read_bytes().split(b"\0")]
    except OSError:
        return []
    for place, word in enumerate(words):
        if word.rpartition("/")[2] == "serve":
            return [one for one in words[place + 1 :] if one]
    return []


def address(words: Sequence[str], environ: Mapping[str, str]) -> tuple[str, int]:
    """Where a server listens that was started with these *words* and variables; raises InvalidSetting."""
    image = Image.read(environ)
    settings = Settings.read(
        _given(words),
        {**image.variables, **environ} if image else environ,
        image.defaults() if image else None,
    )
    return "127.0.0.1" if settings.host in _ALL_ADDRESSES else settings.host, settings.port


def _given(words: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in ("host", "port"):
        parser.add_argument(*OPTIONS[name].flags, dest=name)
    found = vars(parser.parse_known_args(list(words))[0])
    return {name: OPTIONS[name].read(text, name) for name, text in found.items() if text is not None}


if __name__ == "__main__":
    sys.exit(main())
