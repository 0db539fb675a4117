"""What the operator allows, and that nobody else can widen it."""

from pathlib import Path

import pytest

from modelpack.errors import InvalidName, Untrusted
from modelpack.trust import Trust


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def policy(home: Path, text: str, mode: int = 0o600) -> None:
    (home / "trust.toml").write_text(text)
    (home / "trust.toml").chmod(mode)


def test_nothing_said_is_nothing_allowed(home: Path) -> None:
    assert Trust.read(environ={}, home=home) == Trust()
    assert Trust() == Trust(pickle=False, code=False, types=())


def test_file_variable_and_flags_add_up(home: Path) -> None:
    policy(home, 'pickle = true\ntypes = ["a.B"]\n')
    assert Trust.read(["code", "c.D"], environ={"MODELPACK_TRUST": "e.F, g.*,"}, home=home) == Trust(
        pickle=True, code=True, types=("a.B", "c.D", "e.F", "g.*")
    )


@pytest.mark.parametrize("word", ["pickle", "code"])
def test_one_word_allows_one_thing(home: Path, word: str) -> None:
    trust = Trust.read([word], environ={}, home=home)
    assert (trust.pickle, trust.code) == (word == "pickle", word == "code")


@pytest.mark.parametrize(
    "word",
    [
        "Pickle",
        "all",
        "*",
        "a",
        "a.",
        ".a",
        "a..b",
        "a.*.b",
        "*.a",
        "a b.c",
        "a.b;c",
        "1a.b",
        "",
        " ",
        "a.<lambda>",
    ],
)
def test_a_word_outside_the_grammar_is_refused(home: Path, word: str) -> None:
    with pytest.raises(InvalidName, match="nothing to trust"):
        Trust.read([word], environ={}, home=home)
    policy(home, f'types = ["{word}"]\n')
    with pytest.raises(InvalidName, match="nothing to trust"):
        Trust.read(environ={}, home=home)


@pytest.mark.parametrize(
    ("allowed", "name", "answer"),
    [
        ("pkg.Class", "pkg.Class", True),
        ("pkg.Class", "pkg.Class.method", False),
        ("pkg.Class", "pkg.Classy", False),
        ("pkg.*", "pkg.Class", True),
        ("pkg.*", "pkg.sub.Class", True),
        ("pkg.*", "pkgs.Class", False),
        ("pkg.*", "pkg", False),
        ("pkg.sub.*", "pkg.Class", False),
    ],
)
def test_a_type_is_allowed_by_its_name_or_a_package_above(allowed: str, name: str, answer: bool) -> None:
    assert Trust(types=(allowed,)).allow_type(name) is answer


@pytest.mark.parametrize("value", ["false", "False", "0", "no", "FALSE "])
def test_mlflows_variables_take_away(home: Path, value: str) -> None:
    words = ["pickle", "code", "a.B"]
    assert Trust.read(words, environ={"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": value}, home=home) == Trust(
        code=True, types=("a.B",)
    )
    assert Trust.read(words, environ={"MLFLOW_ALLOW_MODEL_CODE_EXECUTION": value}, home=home) == Trust()


@pytest.mark.parametrize("value", ["true", "1", "True", ""])
def test_mlflows_variables_never_give(home: Path, value: str) -> None:
    environ = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": value, "MLFLOW_ALLOW_MODEL_CODE_EXECUTION": value}
    assert Trust.read(environ=environ, home=home) == Trust()
    assert Trust.read(["pickle"], environ=environ, home=home) == Trust(pickle=True)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o622])
def test_a_policy_that_others_may_write_is_refused(home: Path, mode: int) -> None:
    policy(home, "pickle = true\n", mode)
    with pytest.raises(Untrusted, match=r"may be written by others.*chmod go-w"):
        Trust.read(environ={}, home=home)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pickles = true\n", "'pickles'"),
        ("pickle = 1\n", "'pickle'"),
        ('code = "yes"\n', "'code'"),
        ('types = "a.B"\n', "'types'"),
        ("types = [1]\n", "list of texts"),
        ("pickle = \n", "no TOML"),
        ("[pickle]\n", "'pickle'"),
        ("pickle = true\npickle = true\n", "no TOML"),
    ],
)
def test_a_policy_that_is_not_understood_allows_nothing(home: Path, text: str, said: str) -> None:
    policy(home, text)
    with pytest.raises(InvalidName, match=said):
        Trust.read(environ={}, home=home)


def test_a_policy_that_is_not_text_allows_nothing(home: Path) -> None:
    (home / "trust.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidName, match="no TOML"):
        Trust.read(environ={}, home=home)


def test_what_is_not_allowed_is_refused_with_the_word_that_would() -> None:
    with pytest.raises(Untrusted, match=r"'model.pkl' is a pickle.*--trust pickle"):
        Trust(code=True).require_pickle("model.pkl")
    with pytest.raises(Untrusted, match=r"'code'.*--trust code"):
        Trust(pickle=True).require_code("code")
    Trust(pickle=True).require_pickle("model.pkl")
    Trust(code=True).require_code("code")
