"""A plan as a Dockerfile: the template's lines, and lines of the plan where it has a marker."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from serving.contract import CONTAINER_MODEL
from serving.images.errors import Disagreement
from serving.images.plan import NETRC, PIP_CONFIG, ImagePlan, Pairs
from serving.images.wheel import NAME

MARK = "#:"
FOLDER = "/opt/ml"
SBOM = "sbom.cdx.json"

_SECRET_VARIABLES = {PIP_CONFIG: "PIP_CONFIG_FILE", NETRC: "NETRC"}
_INSTALL = [
    "python",
    "-m",
    "pip",
    "--python",
    "/opt/venv/bin/python",
    "install",
    "--no-cache-dir",
    "--no-compile",
]
_FROM_LOCK = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements.lock"]

# A program in one word, so that no shell ever reads the names behind it, and one layer holds no lists of apt.
_SYSTEM = (
    "import shutil, subprocess as s, sys; s.run(['apt-get', 'update'], check=True); "
    "s.run(['apt-get', 'install', '-y', '--no-install-recommends', *sys.argv[1:]], check=True); "
    "shutil.rmtree('/var/lib/apt/lists')"
)


def template() -> str:
    """``Dockerfile.template``: in the package where it was installed, at the top of a checkout."""
    here = Path(__file__).resolve().parents[1]
    places = (here.parent / "Dockerfile.template", here / "Dockerfile.template")
    # In a checkout the one that people edit counts, whatever an older build has left in the package.
    found = next(place for place in places if place.is_file())
    return found.read_text(encoding="utf-8")


def render(plan: ImagePlan, template: str) -> str:
    """The Dockerfile of *plan*; reads and builds nothing.

    Raises Disagreement for a *template* with a marker too many, or too few.
    """
    parts = {
        "base": [f"ARG BASE={plan.base}"],
        "arguments": list(_arguments(plan)),
        "dependencies": [_run([*_INSTALL, *_indexes(plan), *_FROM_LOCK], plan.secrets)],
        "own": [_run([*_INSTALL, "--no-index", "--no-deps", f"./wheels/{NAME}"])],
        "system": [_run(["python", "-c", _SYSTEM, *sorted(plan.system_packages)])]
        if plan.system_packages
        else [],
        "files": list(_files(plan)),
        "variables": _pairs("ENV", plan.lines),
        "labels": _pairs("LABEL", (*plan.own_labels, *plan.labels)),
        "port": [f"EXPOSE {plan.port}"],
    }
    written: list[str] = []
    for line in template.splitlines():
        name = line.removeprefix(MARK).strip()
        if not line.startswith(MARK):
            written.append(line)
        elif name in parts:
            written.extend(parts.pop(name))
        else:
            raise Disagreement(f"the template's marker {name[:60]!r} is unknown, or stands there twice")
    if parts:
        raise Disagreement(f"the template has no marker for {', '.join(parts)}")
    return "".join(f"{line}\n" for line in written)


def _arguments(plan: ImagePlan) -> Iterator[str]:
    for name, value in plan.build_arguments:
        yield f"ARG {name}={_quoted(value)}"
    for secret in plan.secrets:
        yield f"ENV {_SECRET_VARIABLES[secret]}=/run/secrets/{secret}"


def _indexes(plan: ImagePlan) -> list[str]:
    words = ["--index-url", plan.index] if plan.index else []
    return words + [word for url in plan.more_indexes for word in ("--extra-index-url", url)]


def _run(words: list[str], secrets: tuple[str, ...] = ()) -> str:
    mounts = "".join(f"--mount=type=secret,id={name},target=/run/secrets/{name} " for name in secrets)
    return f"RUN {mounts}{json.dumps(words)}"


def _files(plan: ImagePlan) -> Iterator[str]:
    yield f"COPY image.json {FOLDER}/"
    if plan.sbom:
        yield f"COPY {SBOM} {FOLDER}/"
    if not plan.at_start:
        yield f"COPY model/ {CONTAINER_MODEL}/"


def _pairs(word: str, pairs: Pairs) -> list[str]:
    """One instruction for all *pairs*: each one alone would be a step of the build."""
    texts = [f"{_quoted(key) if word == 'LABEL' else key}={_quoted(value)}" for key, value in pairs]
    return [f"{word} " + " \\\n    ".join(texts)] if texts else []


def _quoted(text: str) -> str:
    r"""*text* as one word for a Dockerfile, whose reader takes away ``\`` before ``\``, ``"`` and ``$``."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'
