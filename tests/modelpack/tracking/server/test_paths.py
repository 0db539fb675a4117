"""What a client may call a place below the artifact root, and what it may not."""

from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import InvalidName
from modelpack.tracking.server.paths import is_kept, require_folder, require_path

PLAIN = [
    "x",
    "runs/0/1f0a/artifacts/model/MLmodel",
    "notes/a b.txt",
    "ä/ö.txt",
    "100%",
    "50% off/x",
    "a%20b",
    "...",
    "..a/b..",
    "a" * 255,
    "/".join(["a" * 200] * 20),
    "it's (a) [name], {really}; ~&=+$#?*<>|",
    "ab:c",
    "models",
]
TRICKS = [
    "",
    ".",
    "..",
    "../x",
    "../../../../etc/passwd",
    "a/../../x",
    "a/..",
    "a/./b",
    "./a",
    "a//b",
    "a/",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "http://h/x",
    "C:\\Windows",
    "C:/Windows",
    "c:x/y",
    "a\\b",
    "..\\..\\etc",
    "\\\\host\\share",
    "a\0b",
    "a\nb",
    "a\x1b[31m",
    "a\x7f",
    "a\u2028b",
    "a\ud800",
    "%2e%2e/x",
    "%2e%2e%2fx",
    "..%2f..%2fetc",
    "a%2fb",
    "a/%2e/b",
    "%252e%252e/x",
    "%25252e%25252e/x",
    "%" + "25" * 30 + "2e%2e/x",
    "a%5cb",
    "a%00b",
    "a%0ab",
    "%ff%fe",
    "%c0%ae%c0%ae/x",
    "a" * 256,
    "ä" * 128,
    "x/" + "a" * 300,
    "/".join(["a" * 200] * 21),
    ".modelpack-uploads/x",
    "runs/.modelpack-staging-1-2/x",
    "%2emodelpack-uploads/x",
]


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_path_is_taken_as_it_is(path: str) -> None:
    assert require_path(path) == path


@pytest.mark.parametrize("path", TRICKS)
def test_a_path_that_leads_elsewhere_is_refused_and_not_told_at_length(path: str) -> None:
    with pytest.raises(InvalidName) as caught:
        require_path(path)
    assert len(str(caught.value)) <= 300
    assert str(caught.value).isprintable()


def test_a_folder_may_end_with_a_slash_and_the_root_has_no_name() -> None:
    assert (require_folder(""), require_folder("runs/0/")) == ("", "runs/0")
    with pytest.raises(InvalidName):
        require_folder("/")


@pytest.mark.parametrize("path", ["models", "models/sha256/ab", "Models/x", "MODELS"])
def test_the_files_of_versions_are_known_in_any_letter_case(path: str) -> None:
    assert is_kept(path)
    assert not is_kept(f"runs/{path}")


_PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "%2e", "%2f", "%25", "%5c", "%00", "a", "ä", ":", "\0", " ", ""]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=12).map("".join)))
def test_whatever_is_taken_stays_below_the_root_however_often_it_is_decoded(path: str) -> None:
    try:
        taken = require_path(path)
    except InvalidName:
        return
    for _ in range(20):
        parts = PurePosixPath(taken).parts
        assert parts
        assert "/".join(parts) == taken
        assert not {"..", "/", "."} & set(parts)
        assert "\\" not in taken
        assert taken.isprintable()
        taken = unquote(taken)
