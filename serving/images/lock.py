"""The lock of an image: every distribution with one version and the digests of its files."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from modelpack.errors import shorten
from serving.images import names
from serving.images.errors import CannotLock, InvalidValue
from serving.images.requirements import Wanted
from serving.images.tools import tool

_LARGEST = 16 << 20
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9.+!_-]*)"
    r"(?: ?;[^\\#]*?)?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})+)"
)


@dataclass(frozen=True, slots=True)
class Lock:
    """*text* is what an installer reads, *pins* what it says: versions by canonical names."""

    text: str
    pins: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "Lock":
        """Read ``name==version --hash=sha256:…`` lines; raises InvalidValue for anything else in there.

        No option, place or second file gets through: what a lock says is all that is installed.
        """
        pins: dict[str, str] = {}
        joined = re.sub(r"\\\r?\n", " ", text)
        for line in joined.splitlines():
            entry = line.strip()
            if not entry or entry.startswith("#"):
                continue
            match = _ENTRY.fullmatch(entry.partition(" #")[0].rstrip())
            if match is None or canonicalize_name(match["name"]) in pins:
                raise InvalidValue("lock", entry[:80], "each name once, as NAME==VERSION --hash=sha256:…")
            pins[canonicalize_name(match["name"])] = match["version"]
        return cls(text if text.endswith("\n") else f"{text}\n", pins)

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """The lock in the file *path*; raises InvalidValue."""
        try:
            size = path.stat().st_size
            if size > _LARGEST:
                raise InvalidValue("--lock", str(path), f"a file of at most {_LARGEST >> 20} MiB")
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidValue("--lock", str(path), f"a lock file that can be read ({error})") from None

    def hold(self, wanted: Wanted) -> None:
        """Raise CannotLock unless each of the *wanted* lines is met by what is locked."""
        for text in (*wanted.lines, *wanted.limits):
            one = names.requirement("requirement", text)
            pinned = self.pins.get(canonicalize_name(one.name))
            if pinned is None and text in wanted.limits:
                continue
            if pinned is None or not one.specifier.contains(pinned, prereleases=True):
                raise CannotLock(
                    shorten(
                        f"the lock has {pinned or 'nothing'} for {one.name}, and {text} is needed; lock anew"
                    )
                )


def resolve(
    wanted: Wanted,
    *,
    python: str,
    platform: str,
    preferred: Iterable[str] = (),
    index: str | None = None,
    more_indexes: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Lock:
    """Find one version of everything, with ``uv``, for the image's Python and platform.

    The *preferred* versions, ``name==version``, are taken where nothing speaks against them: the same lines
    then lock the same, whatever has been published since. Asks a package index; raises CannotLock.
    """
    with tempfile.TemporaryDirectory(prefix="modelpack-lock-") as folder:
        place = Path(folder)
        files = {"wanted.in": wanted.lines, "limits.in": wanted.limits, "requirements.lock": tuple(preferred)}
        for name, lines in files.items():
            (place / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        words = [_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        words += ["--generate-hashes", "--only-binary", ":all:", "--python", sys.executable]
        words += ["--python-version", python, "--python-platform", names.PLATFORMS[platform]]
        words += ["--default-index", index] if index else []
        words += [word for one in more_indexes for word in ("--index", one)]
        words += ["--constraint", "limits.in", "--output-file", "requirements.lock", "wanted.in"]
        done = subprocess.run(  # noqa: S603 - a list of words, no shell, each held to its grammar
            words, cwd=place, env=dict(environ), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotLock(_reason(done.stderr))
        return Lock.parse((place / "requirements.lock").read_text(encoding="utf-8"))


def _uv() -> str:
    """The path of ``uv``, which comes with the extra."""
    return str(tool("uv", "locking an image's requirements").find_uv_bin())


def _reason(said: str) -> str:
    lines = [re.sub(r"^\W+", "", line).rstrip() for line in said.splitlines()]
    text = " ".join(line for line in lines if line)
    return shorten(
        f"the requirements cannot be locked: {text or 'uv said nothing'}; --lock FILE takes a lock"
    )
