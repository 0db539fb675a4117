"""The grammars of what stands in an image: each function hands its text back, or raises InvalidValue."""

import re
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from modelpack.directory.environment import check_requirement
from modelpack.errors import InvalidModel
from serving.images.errors import InvalidValue

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
_NAME = rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_BASE = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_TARGET = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?")
_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]{0,127})?")
_LABEL = re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*", re.ASCII | re.IGNORECASE)
_SECRET_WORDS = frozenset(
    {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
)
_SECRET_ENDS = ("ACCESS_KEY", "ACCESS_KEY_ID", "API_KEY", "PRIVATE_KEY", "SECRET_KEY")
_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s@]*@")

PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_28",
    "linux/arm64": "aarch64-manylinux_2_28",
}
"""What an image can be for, and what the wheels for it are called."""

PYTHONS = ("3.11", "3.12", "3.13")
"""The versions of Python that the server runs on."""

LONGEST_VALUE = 128 << 10
"""Bytes of one variable that Linux hands to a process."""

_NO_SECRETS = "no secret, an image is read by many; give it at run time, or a file by --pip-config or --netrc"


def base(what: str, text: str) -> str:
    """An image to build on: ``registry/name:tag``, ``name:tag@sha256:…``; *latest* alone is refused."""
    match = _matched(what, text, _BASE, "registry/name:tag or registry/name:tag@sha256:… (64 hex digits)")
    if match["digest"] is None and match["tag"] in (None, "latest"):
        raise InvalidValue(what, text, "a tag other than latest, or a digest: it must not change by itself")
    return text


def digest_of(text: str) -> str | None:
    """The digest in the reference *text*, None where there is none."""
    found = re.search(rf"@({_DIGEST})$", text)
    return found[1] if found else None


def target(what: str, text: str) -> str:
    """What an image will be called: ``registry/name:tag``; without a tag it gets ``latest``."""
    match = _matched(what, text, _TARGET, "registry/name:tag: lower-case letters, digits and . _ - between")
    return text if match["tag"] else f"{text}:latest"


def _matched(what: str, text: str, pattern: re.Pattern[str], wanted: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None or len(match["name"]) > 255:
        raise InvalidValue(what, text, wanted)
    return match


def variable(what: str, text: str) -> str:
    """The name of an environment variable or a build argument; none that speaks of a secret."""
    if len(text) > 253 or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise InvalidValue(what, text, "a name of letters, digits and _, no digit first")
    upper = text.upper()
    if _SECRET_WORDS.intersection(upper.split("_")) or upper.endswith(_SECRET_ENDS):
        raise InvalidValue(what, text, _NO_SECRETS)
    return text


def value(what: str, text: str) -> str:
    """Any text that a process can be given: no NUL, no half of a character, no password in an address."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidValue(what, text, "text that UTF-8 can write") from None
    if "\0" in text or size > LONGEST_VALUE:
        raise InvalidValue(what, text[:80], f"text without NUL, at most {LONGEST_VALUE} bytes")
    if _PASSWORD_IN_URL.search(text):
        raise InvalidValue(what, "…://…@…", f"an address without a password: {_NO_SECRETS}")
    return text


def line(what: str, text: str) -> str:
    """A value that stands on one line, as in a label."""
    if not value(what, text).isprintable():
        raise InvalidValue(what, text, "text on one line, without control characters")
    return text


def label(what: str, text: str) -> str:
    """The key of a label, such as ``org.example.team``."""
    if len(text) > 253 or not _LABEL.fullmatch(text):
        raise InvalidValue(
            what, text, "letters and digits with single . _ - / between, such as org.example.team"
        )
    return text


def system_package(what: str, text: str) -> str:
    """A package of the base's Debian, ``libgomp1`` or ``libgomp1=12.2.0-14``."""
    if not _SYSTEM_PACKAGE.fullmatch(text):
        raise InvalidValue(what, text, "a Debian package such as libgomp1 or libgomp1=12.2.0-14")
    return text


def requirement(what: str, text: str) -> Requirement:
    """A Python requirement by name, ``scipy==1.17.1``; places and options of pip are refused."""
    try:
        return check_requirement(text)
    except InvalidModel as error:
        raise InvalidValue(what, text, f"NAME==VERSION ({error})") from None


def port(what: str, number: int) -> int:
    """A port that a process without privileges may open."""
    if not 1024 <= number <= 65535:
        raise InvalidValue(what, number, "a number from 1024 to 65535")
    return number


def platform(what: str, text: str) -> str:
    """What the image is for: ``linux/amd64`` or ``linux/arm64``."""
    return _one_of(what, text, PLATFORMS)


def python(what: str, text: str) -> str:
    """The base's Python, ``3.11``; a patch number behind it is dropped."""
    return _one_of(what, ".".join(text.split(".")[:2]), PYTHONS)


def _one_of(what: str, text: str, known: "dict[str, str] | tuple[str, ...]") -> str:
    if text not in known:
        raise InvalidValue(what, text, " or ".join(known))
    return text


def index(what: str, text: str) -> str:
    """The address of a package index, without user and password."""
    value(what, text)
    wanted = "an address such as https://packages.example.org/simple, without blanks, user and password"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or re.search(r"[\s\"'\\$`<>]", text):
        raise InvalidValue(what, text, wanted)
    return text
