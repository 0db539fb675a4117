"""Arrows point down."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_contract_between_the_packages_is_kept() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_arrow_that_points_up_is_seen(tmp_path: Path) -> None:
    for name in ("modelpack", "serving", "k8s"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    errors = tmp_path / "modelpack" / "errors.py"
    errors.write_text(errors.read_text() + "\nimport modelpack.uris\n")
    done = _lint(tmp_path)
    assert done.returncode != 0
    assert "modelpack.errors -> modelpack.uris" in done.stdout
