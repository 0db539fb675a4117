"""What the files of a model directory are called."""

from collections.abc import Mapping

DOCUMENT = "MLmodel"
"""The document that describes the model; a directory without it is no model."""

MANIFEST = "modelpack.manifest.json"
"""Sizes and digests of all other files. MLflow ignores it."""

REQUIREMENTS = "requirements.txt"
CONSTRAINTS = "constraints.txt"
CONDA = "conda.yaml"
PYTHON_ENV = "python_env.yaml"
ENVIRONMENT: Mapping[str, str] = {"conda": CONDA, "virtualenv": PYTHON_ENV}
"""``env`` of a flavor's ``python_function``: where MLflow finds the environment."""

ONNX = "model.onnx"
"""The model's second form."""

PARITY = "modelpack.parity.json"
"""What was found when the two forms were compared."""

PROFILE = "modelpack.profile.json"
"""What the model was trained on, in a few numbers a column, where that is too much for the document."""

INPUT_EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"

CODE = "code"
"""The folder of modules that the model brings along."""

ARTIFACTS = "artifacts"
"""The folder of files that a Python model reads when it is loaded."""

TOLERATED = frozenset({"registered_model_meta"})
"""What MLflow may put into a directory that it fetched; nobody reads it, so it is no finding."""

FORMAT_VERSION = "3.17.2"
"""The MLflow whose format is written; readers want to see one in the document."""


def is_tolerated(name: str) -> bool:
    """Whether a file *name* that no manifest has may lie there: what MLflow leaves, and nobody here reads.

    That is what Python compiles, when MLflow runs a model's code where it lies. Here code is always compiled
    from its source (code.py).
    """
    top, _, rest = name.rpartition("__pycache__/")
    is_compiled = "/" not in rest and rest.endswith(".pyc") and (not top or top.startswith(f"{CODE}/"))
    return name in TOLERATED or is_compiled
