"""Model directories: MLflow's format, held to a manifest. README.md is the specification."""

from modelpack.directory.document import Document
from modelpack.directory.reader import ModelDirectory, open_directory

__all__ = ["Document", "ModelDirectory", "open_directory"]
