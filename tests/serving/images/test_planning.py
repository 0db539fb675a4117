from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelpack.directory import ModelDirectory
from serving.images import planning
from serving.images.errors import InvalidValue
from serving.images.plan import ImagePlan
from serving.images.planning import plan_image


def _planned(folder: Path, lock: Path, **words: Any) -> ImagePlan:
    return plan_image(str(folder), lock=lock, **words)[0]


def test_what_is_not_said_follows_from_the_model(home: Path, locks: Mapping[str, Path]) -> None:
    one = _planned(home / "model", locks["auto"])
    python = one.python
    assert (home / "model" / "python_env.yaml").read_text().startswith(f"python: {python}.")
    assert one.base == f"python:{python}-slim"
    assert one.engine == "auto"
    assert one.created.endswith("+00:00")


@pytest.mark.parametrize(
    ("base", "python"),
    [("python:3.12-slim", "3.12"), ("registry.example.org/python:3.13.1-alpine", "3.13")],
)
def test_the_bases_tag_says_its_python(home: Path, locks: Mapping[str, Path], base: str, python: str) -> None:
    assert _planned(home / "model", locks["onnx"], engine="onnx", base=base).python == python


def test_a_base_without_python_in_its_name_has_the_models(home: Path, locks: Mapping[str, Path]) -> None:
    one = _planned(home / "model", locks["onnx"], engine="onnx", base="team/base:3.9")
    assert one.python == _planned(home / "model", locks["onnx"], engine="onnx").python


def test_a_python_that_is_not_served_is_refused(home: Path, locks: Mapping[str, Path]) -> None:
    with pytest.raises(InvalidValue, match="--python"):
        _planned(home / "model", locks["onnx"], engine="onnx", base="python:3.9-slim")


def test_a_model_that_does_not_say_its_python_needs_to_be_told(tmp_path: Path, model: ModelDirectory) -> None:
    silent = ModelDirectory(tmp_path, model.document)
    with pytest.raises(InvalidValue, match="does not say its own"):
        planning._python(None, silent)
