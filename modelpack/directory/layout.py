"""What the files of a model directory are called."""

DOCUMENT = "MLmodel"
"""The document that describes the model; a directory without it is no model."""

MANIFEST = "modelpack.manifest.json"
"""Sizes and digests of all other files. MLflow ignores it."""

REQUIREMENTS = "requirements.txt"
CONDA = "conda.yaml"
PYTHON_ENV = "python_env.yaml"
INPUT_EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"

CODE = "code"
"""The folder of modules that the model brings along."""

TOLERATED = frozenset({"registered_model_meta"})
"""What MLflow may put into a directory that it fetched; nobody reads it, so it is no finding."""

FORMAT_VERSION = "3.17.2"
"""The MLflow whose format is written; readers want to see one in the document."""
