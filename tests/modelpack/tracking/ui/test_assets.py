"""What others wrote is what they published."""

import hashlib
from pathlib import Path

import modelpack.tracking.ui

FOLDER = Path(modelpack.tracking.ui.__file__).parent / "assets" / "vendor"
UPLOT = {
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def test_the_files_of_uplot_are_those_that_were_looked_at() -> None:
    met = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in (FOLDER / "uplot").iterdir()}
    assert met == UPLOT


def test_the_table_names_every_folder() -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    folders = [one.name for one in FOLDER.iterdir() if one.is_dir()]
    assert folders
    assert all(f"`{name}/`" in table for name in folders)
