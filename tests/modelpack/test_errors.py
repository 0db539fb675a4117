"""The one tree of errors."""

import inspect

import pytest

from modelpack import errors


@pytest.mark.parametrize(
    "error", [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
)
def test_every_error_is_of_the_tree_and_says_what_it_means(error: type[Exception]) -> None:
    assert issubclass(error, errors.ModelpackError)
    assert inspect.getdoc(error)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.InvalidUri, ValueError),
        (errors.InvalidModel, ValueError),
        (errors.SchemaMismatch, ValueError),
        (errors.NotFound, LookupError),
        (errors.Untrusted, PermissionError),
        (errors.MissingDependency, ImportError),
        (errors.StoreUnavailable, ConnectionError),
    ],
)
def test_errors_are_also_what_python_calls_them(error: type[Exception], kind: type[Exception]) -> None:
    assert issubclass(error, kind)


def test_damage_names_each_file() -> None:
    found = [("changed", "model.skops"), ("missing", "MLmodel")]
    error = errors.DamagedModel("/m", found)
    assert error.findings == tuple(found)
    assert "model.skops is changed, MLmodel is missing" in str(error)
    assert "and 4 more" in str(errors.DamagedModel("/m", [("extra", str(n)) for n in range(9)]))


def test_a_refusal_names_the_flag_that_would_allow_it() -> None:
    error = errors.Untrusted("it would build a.B", allow="--trust a.B", types=["a.B"])
    assert error.types == ("a.B",)
    assert str(error).endswith("allow it with --trust a.B")


def test_a_missing_library_comes_with_its_pip_line() -> None:
    assert 'pip install "modelpack[sklearn]"' in str(
        errors.MissingDependency("this model", package="skops", extra="sklearn")
    )
    assert "pip install xgboost" in str(errors.MissingDependency("this model", package="xgboost"))


def test_a_mismatch_says_where_what_was_wanted_and_what_came() -> None:
    error = errors.SchemaMismatch(wanted="long", got="'old'", row=3, column="age")
    assert str(error) == "row 3, column 'age': expected long, got 'old'"
    assert (error.row, error.column, error.wanted, error.got) == (3, "age", "long", "'old'")


@pytest.mark.parametrize(
    "error",
    [
        errors.SchemaMismatch("x" * 900, wanted="w" * 900, got="g" * 900, column="c" * 900),
        errors.NotFound("model", "n" * 900, known=["k" * 9] * 12),
        errors.PredictionFailed(ValueError("v" * 900)),
    ],
)
def test_long_data_is_quoted_and_not_repeated(error: Exception) -> None:
    assert len(str(error)) <= errors.LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a\nb\x1b[0m", 20, "a\\nb\\x1b[0m"),
        ("", 3, ""),
        ("\n\n\n", 4, "\\n\\…"),
    ],
)
def test_a_text_is_shortened_and_its_controls_are_escaped(text: str, limit: int, short: str) -> None:
    assert errors.shorten(text, limit) == short


@pytest.mark.parametrize(
    ("cause", "blamed"), [(ValueError("x"), True), (TypeError("x"), True), (KeyError("x"), False)]
)
def test_a_model_that_calls_its_input_wrong_is_believed(cause: Exception, blamed: bool) -> None:
    assert errors.PredictionFailed(cause).blames_input is blamed
