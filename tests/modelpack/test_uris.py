"""References: text in, a value out."""

from pathlib import Path

import pytest

from modelpack.errors import InvalidUri
from modelpack.uris import ModelRef, RegistryName, RunPath


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        pytest.param("models:/churn/3", ModelRef("models", "/churn/3"), id="version"),
        pytest.param("MODELS:/churn/3", ModelRef("models", "/churn/3"), id="letter case"),
        pytest.param("runs:/1f0a/model", ModelRef("runs", "/1f0a/model"), id="run"),
        pytest.param("s3://b/k", ModelRef("s3", "//b/k"), id="bucket"),
        pytest.param("./here", ModelRef("file", "./here"), id="path"),
        pytest.param("/a b/c", ModelRef("file", "/a b/c"), id="blanks"),
        pytest.param("file:///a%20b", ModelRef("file", "/a b"), id="file URL"),
        pytest.param("file://localhost/a", ModelRef("file", "/a"), id="this host"),
        pytest.param("file:/a", ModelRef("file", "/a"), id="one slash"),
        pytest.param("C:/models", ModelRef("file", "C:/models"), id="a drive is no scheme"),
    ],
)
def test_references_parse(text: str, ref: ModelRef) -> None:
    assert ModelRef.parse(text) == ref


def test_paths_and_references_pass_as_they_are() -> None:
    assert ModelRef.parse(Path("/a")) == ModelRef("file", "/a")
    assert ModelRef.parse(ModelRef("s3", "//b")) == ModelRef("s3", "//b")
    assert ModelRef.parse("/a").path == Path("/a")


@pytest.mark.parametrize("text", ["models:/churn/3", "s3://b/k", "./here"])
def test_a_reference_prints_as_it_was_written(text: str) -> None:
    assert str(ModelRef.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "  ", "a\0b", "file://host/a", "file:///a?b", "file:///a#b", "file:", "file:///a%00b"]
)
def test_what_means_no_model_is_refused(text: str) -> None:
    with pytest.raises(InvalidUri):
        ModelRef.parse(text)


def test_only_a_file_reference_has_a_path() -> None:
    with pytest.raises(InvalidUri, match="is not a path"):
        _ = ModelRef("s3", "//b/k").path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("models:/churn/3", RegistryName("churn", version=3)),
        ("models:/churn/Production", RegistryName("churn", stage="Production")),
        ("models:/churn/latest", RegistryName("churn", stage="latest")),
        ("models:/churn@champion", RegistryName("churn", alias="champion")),
        ("models:/a@b@c", RegistryName("a@b", alias="c")),
    ],
)
def test_registry_references_name_a_version_a_stage_or_an_alias(text: str, name: RegistryName) -> None:
    assert RegistryName.parse(ModelRef.parse(text)) == name


def test_latest_is_known_in_any_letter_case() -> None:
    assert RegistryName("churn", stage="LATEST").is_latest
    assert not RegistryName("churn", stage="Production").is_latest
    assert not RegistryName("churn", alias="latest").is_latest


@pytest.mark.parametrize(
    "text",
    [
        "models:churn/3",
        "models://churn/3",
        "models:/churn",
        "models:/churn/",
        "models:/churn/3/4",
        "models:/@a",
        "models:/a@",
        "models:/a/b@c/d",
        "/churn/3",
    ],
)
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidUri, match=r"models:/NAME"):
        RegistryName.parse(ModelRef.parse(text))


def test_a_logged_model_has_an_id_and_nothing_behind_it() -> None:
    number = "0123456789abcdef" * 2
    assert ModelRef.parse(f"models:/m-{number}").logged_model == f"m-{number}"
    for text in (f"models:/m-{number}/1", f"models:/m-{number}@a", "models:/m-0/1", f"runs:/m-{number}"):
        assert ModelRef.parse(text).logged_model is None


def test_a_runs_reference_has_a_run_and_a_path() -> None:
    assert RunPath.parse(ModelRef.parse("runs:/1f0a/old/model/")) == RunPath("1f0a", "old/model")


@pytest.mark.parametrize(
    "text",
    [
        "runs:/1f0a", "runs:/1f0a/", "runs:1f0a/model", "runs://host/1f0a/model", "runs:/../model",
        "runs:/-x/m", "runs:/1f0a/../..", "runs:/1f0a/a/../b", "runs:/1f0a/a//b", "runs:/1f0a/./a",
        "runs:/1f0a/a\\b", "runs:/1f0a/a\nb", f"runs:/{'a' * 200}/m",
    ],
)  # fmt: skip
def test_what_names_no_files_of_a_run_is_refused(text: str) -> None:
    with pytest.raises(InvalidUri, match="write runs:/RUN_ID/PATH"):
        RunPath.parse(ModelRef.parse(text))
