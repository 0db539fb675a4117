"""A folder for kustomize: one file an object, and the list of them."""

import os
import secrets
from pathlib import Path

import yaml

from k8s.errors import Disagreement
from k8s.text import document
from k8s.workload import Object
from modelpack.errors import shorten

KUSTOMIZATION = "kustomization.yaml"
MARK = "# Written by modelpack k8s, again and again; change it by a kustomization that lists this folder.\n"


def write(objects: list[Object], folder: Path) -> list[Path]:
    """Write *objects* into *folder*, in the order to apply them, and answer the files.

    Files that this function wrote before, and that are no longer made, go; those of others stay. Raises
    Disagreement before anything is written where a file of somebody else's has a name that is needed.
    """
    texts = {f"{one['kind'].lower()}.yaml": document(one) for one in objects}
    listed = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(texts),
    }
    # The list comes last: whoever reads in between sees the old list, and the files that it names.
    texts[KUSTOMIZATION] = document(listed)
    for name in texts:
        path = folder / name
        if path.is_symlink() or (path.exists() and not _is_ours(path)):
            raise Disagreement(
                shorten(f"{path} was not written by modelpack k8s: move it, or name another folder")
            )
    old = _listed(folder / KUSTOMIZATION)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _replace(folder / name, MARK + text)
        for name in old:
            stale = folder / name
            if name not in texts and stale.parent == folder and stale.is_file() and _is_ours(stale):
                stale.unlink()
    except OSError as error:
        raise Disagreement(shorten(f"{folder} cannot be written: {error.strerror}")) from error
    return [folder / name for name in texts]


def _is_ours(path: Path) -> bool:
    try:
        return path.read_bytes().startswith(MARK.encode())
    except OSError:
        return False


def _listed(path: Path) -> list[str]:
    """The names in a list that this module wrote; none when it cannot be read any more."""
    if not path.exists():
        return []
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    named = found.get("resources") if isinstance(found, dict) else None
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)  # noqa: PTH105 - says that what stands there goes
    finally:
        fresh.unlink(missing_ok=True)
