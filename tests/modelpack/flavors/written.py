"""Model directories as MLflow wrote them: a document without any mark of ours, and files beside it."""

from pathlib import Path
from typing import Any

import yaml

from modelpack.directory import ModelDirectory, open_directory


def by_mlflow(folder: Path, flavor: str, file: str, content: bytes, **entries: Any) -> ModelDirectory:
    """The directory *folder* with the file *file*, and a document with *entries* for *flavor*."""
    folder.mkdir()
    (folder / file).write_bytes(content)
    document = {
        "flavors": {
            flavor: {"data": file, **entries},
            "python_function": {"data": file, "env": "conda.yaml", "loader_module": f"mlflow.{flavor}"},
        },
        "mlflow_version": "1.30.0",
        "utc_time_created": "2022-11-01 10:00:00.000000",
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return open_directory(folder)
