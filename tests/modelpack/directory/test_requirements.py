"""Which distributions a model needs."""

from importlib.metadata import version
from pathlib import Path

import pytest

from modelpack.directory.requirements import infer, is_foreign

EVERYTHING = [
    "sklearn",
    "numpy",
    "scipy",
    "joblib",
    "threadpoolctl",
    "skops",
    "pandas",
    "pytest",
    "_pytest",
    "click",
]


def names(lines: list[str]) -> set[str]:
    return {line.partition("==")[0] for line in lines}


def test_what_a_root_requires_and_what_was_imported_counts() -> None:
    found = infer(["sklearn.linear_model._logistic"], EVERYTHING)
    assert names(found) == {"joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl"}
    assert f"scikit-learn=={version('scikit-learn')}" in found
    assert found == sorted(found, key=str.lower)


def test_what_happened_to_be_imported_does_not_count() -> None:
    assert "pytest" in names(infer(["pytest"], EVERYTHING))
    assert "pytest" not in names(infer(["sklearn", "skops", "pandas"], EVERYTHING))


def test_what_was_never_imported_does_not_count() -> None:
    assert names(infer(["sklearn"], ["sklearn", "numpy"])) == {"scikit-learn", "numpy"}


def test_python_and_modelpack_themselves_are_no_requirements() -> None:
    assert infer(["builtins", "json", "modelpack.schema", "serving"], ["json", "modelpack", "serving"]) == []


def test_a_module_of_no_distribution_is_passed_over() -> None:
    assert infer(["my_own_module"], ["my_own_module"]) == []


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("my_module.part", True),
        ("__main__", True),
        ("json.decoder", False),
        ("modelpack.files", False),
        ("numpy.linalg", False),
    ],
)
def test_a_models_own_module_is_told_from_others(module: str, foreign: bool) -> None:
    assert is_foreign(module, {"numpy": ["numpy"]}) is foreign


def test_what_a_builder_adds_to_a_version_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``torch 2.13.0+cpu`` is a build that no index has under that name."""
    (tmp_path / "built_here.py").write_text("")
    info = tmp_path / "built_here-1.2.0+cpu.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: built-here\nVersion: 1.2.0+cpu\n")
    (info / "top_level.txt").write_text("built_here\n")
    (info / "RECORD").write_text("built_here.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert infer(["built_here"], ["built_here"]) == ["built-here==1.2.0"]
