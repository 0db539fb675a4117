"""Small model directories: nobody loads them."""

from pathlib import Path

from modelpack.directory.manifest import Manifest

DOCUMENT = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.7
mlflow_version: 3.17.2
model_uuid: 5d0fd7a2f1a54c0d8c2fcdcb1d5c4f2a
run_id: run-of-the-document
utc_time_created: '2026-01-01 00:00:00.000000'
"""


def write_model(folder: Path, content: bytes = b"weights", *, manifest: bool = True) -> Path:
    """A model in *folder*, without a manifest as MLflow would have written it."""
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_text(DOCUMENT)
    (folder / "model.skops").write_bytes(content)
    (folder / "data" / "names.txt").write_text("a\nb\n")
    if manifest:
        Manifest.of(folder).write(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of *folder* by its relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
