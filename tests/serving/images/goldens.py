"""Dockerfiles as they should be.

``python -m tests.serving.images.goldens`` names what differs, ``--renew`` writes it.
"""

import sys
from pathlib import Path

from serving.images.dockerfile import render, template
from serving.images.plan import ImagePlan
from tests.serving.images.making import plan

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "images"

PLANS: dict[str, ImagePlan] = {
    "guide": plan(),
    "everything": plan(
        base="registry.example.org:5000/base/python:3.12-slim@sha256:" + "ef" * 32,
        python="3.12",
        platform="linux/arm64",
        engine="auto",
        port=9000,
        sbom=True,
        variables=(
            ("MODELPACK_WORKERS", "2"),
            ("TRICKY", "a \"b\" $HOME ${HOME} `id` \\ 'c' {{7*7}} #d ä"),
            ("LINES", "one\ntwo"),
        ),
        labels=(("org.example.team", 'churn "A" $x'), ("org.opencontainers.image.version", "2026.11")),
        build_arguments=(("PIP_TRUSTED_HOST", "packages.example.org"),),
        system_packages=("libgomp1", "curl=7.88.1-10"),
        index="https://packages.example.org/simple",
        more_indexes=("https://more.example.org/simple",),
        secrets=("pip.conf", "netrc"),
    ),
    "at-start": plan(at_start=True, engine="native"),
    "from-a-path": plan(reference="", known=(), version="", created="", name="model {{7*7}}"),
}


def different() -> list[str]:
    """The names of the plans whose files are not what is written now."""
    return [name for name, one in PLANS.items() if not _holds(name, render(one, template()))]


def _holds(name: str, text: str) -> bool:
    path = FOLDER / f"{name}.Dockerfile"
    return path.is_file() and path.read_bytes() == text.encode()


def main(words: list[str]) -> int:
    """Name or renew what differs."""
    names = different()
    for name in names:
        print(name)
        if words == ["--renew"]:
            (FOLDER / f"{name}.Dockerfile").write_text(render(PLANS[name], template()), encoding="utf-8")
    return 1 if names and not words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
