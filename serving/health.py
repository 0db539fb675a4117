"""``python -m serving.health``: whether the server of this container is alive, for an image's HEALTHCHECK."""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelpack.errors import ModelpackError
from serving.addresses import is_loopback
from serving.cli import read_settings, serve
from serving.contract import HEALTH

_FIRST = Path("/proc/1/cmdline")
_PATIENCE = 2.0


def main() -> int:
    """0 when it is alive, 1 when it is not."""
    host, port = address(server_words(_FIRST), os.environ)
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        connection.request("GET", HEALTH)
        return 0 if connection.getresponse().status == http.client.OK else 1
    except OSError:
        return 1
    finally:
        connection.close()


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
    """Where a server listens that was started with these *words* and variables."""
    with serve.make_context("serve", list(words), resilient_parsing=True) as context:
        settings = read_settings(context.params, dict(environ))
    named = settings.host if is_loopback(settings.host) else "127.0.0.1"
    return named, settings.port


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelpackError as error:
        sys.exit(f"Error: {error}")
