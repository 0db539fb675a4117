"""The grammars of what stands in a manifest: each function hands its text back, or raises InvalidValue."""

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal

from k8s.errors import InvalidValue

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_PREFIX = re.compile(rf"(?:({_SUBDOMAIN})/)?([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)")
_IMAGE_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE_HOST = r"[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_IMAGE_HOST}/)?{_IMAGE_PART}(?:/{_IMAGE_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_MEMORY = re.compile(r"([1-9][0-9]{0,14})(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CPU = re.compile(r"([1-9][0-9]{0,6})m|([0-9]{1,4})(\.[0-9]{1,3})?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS.update({"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40})
_SECRET_WORDS = frozenset(
    {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
)
_SECRET_ENDS = ("ACCESS_KEY", "ACCESS_KEY_ID", "API_KEY", "PRIVATE_KEY", "SECRET_KEY")
_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")

OLDEST, NEWEST = (1, 25), (1, 37)
"""The versions of Kubernetes that are written for."""

LONGEST_VALUE = 128 << 10
"""Bytes of one variable that Linux hands to a process."""


def label(what: str, text: str) -> str:
    """The name of an object, a namespace or a container (RFC 1123)."""
    return _named(what, text, _LABEL, 63, "lower-case letters, digits and inner dashes, at most 63")


def service(what: str, text: str) -> str:
    """The name of a Service, which begins with a letter (RFC 1035)."""
    pattern = r"[a-z](?:[-a-z0-9]*[a-z0-9])?"
    return _named(
        what, text, pattern, 63, "lower-case letters, digits and inner dashes, a letter first, at most 63"
    )


def subdomain(what: str, text: str) -> str:
    """The name of a Secret, of a class, of a Gateway: labels with dots between them."""
    return _named(
        what, text, _SUBDOMAIN, 253, "lower-case letters, digits, inner dashes and dots, at most 253"
    )


def host(what: str, text: str) -> str:
    """A DNS name that callers use; ``*.`` may stand before it. No address."""
    wanted = "a DNS name such as models.example.org, without scheme, port or path"
    bare = text.removeprefix("*.")
    if any(len(part) > 63 for part in bare.split(".")) or re.fullmatch(r"[0-9.]+", bare):
        raise InvalidValue(what, text, wanted)
    _named(what, bare, _SUBDOMAIN, 253 - (len(text) - len(bare)), wanted, shown=text)
    return text


def _named(what: str, text: str, pattern: str, longest: int, wanted: str, *, shown: str | None = None) -> str:
    if len(text) > longest or not re.fullmatch(pattern, text):
        raise InvalidValue(what, text if shown is None else shown, wanted)
    return text


def as_label(text: str) -> str | None:
    """The label nearest to *text*, such as ``churn-model`` for ``Churn Model``; None when nothing is left."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return found or None


def label_value(text: str) -> str | None:
    """*text* when it can be the value of a label, None when it cannot."""
    good = len(text) <= 63 and re.fullmatch(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", text)
    return text if good else None


def annotation(what: str, text: str) -> str:
    """The key of an annotation: a name, before it perhaps a domain and a slash."""
    match = _PREFIX.fullmatch(text)
    if match is None or len(match[2]) > 63 or len(match[1] or "") > 253:
        raise InvalidValue(what, text, "a key such as example.org/name, its name at most 63 characters")
    return text


def variable(what: str, text: str) -> str:
    """The name of an environment variable."""
    if len(text) > 253 or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise InvalidValue(what, text, "a name of letters, digits and _, no digit first")
    words = text.upper().split("_")
    if _SECRET_WORDS.intersection(words) or text.upper().endswith(_SECRET_ENDS):
        raise InvalidValue(
            what, text, "no secret, a manifest is read by many; mount a Secret with --secret NAME"
        )
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
        raise InvalidValue(
            what, "…://…:…@…", "an address without a password; mount a Secret with --secret NAME"
        )
    return text


def port(what: str, number: int) -> int:
    """A port that a process without privileges may open."""
    if not 1024 <= number <= 65535:
        raise InvalidValue(what, number, "a number from 1024 to 65535")
    return number


def network(what: str, text: str) -> tuple[str, int | None]:
    """``10.0.0.0/8``, ``10.0.0.5/32:5432`` or ``[fd00::/8]:443``: the block, and the port if there is one."""
    match = re.fullmatch(
        r"(?:\[([0-9a-fA-F:./]+)\]|([0-9.]+/[0-9]+)|([0-9a-fA-F:]+/[0-9]+?))(?::([0-9]{1,5}))?", text
    )
    wanted = "a block of addresses and perhaps a port, such as 10.0.0.0/8:5432 or [fd00::/8]:443"
    if match is None:
        raise InvalidValue(what, text, wanted)
    try:
        block = ipaddress.ip_network(match[1] or match[2] or match[3])
    except ValueError as error:
        raise InvalidValue(what, text, f"{wanted} ({error})") from None
    if match[4] is not None and not 1 <= int(match[4]) <= 65535:
        raise InvalidValue(what, text, wanted)
    return str(block), None if match[4] is None else int(match[4])


def version(what: str, text: str) -> tuple[int, int]:
    """``1.30`` as (1, 30); a ``v`` before it and a patch number behind it are taken."""
    match = re.fullmatch(r"v?1\.([0-9]{1,3})(?:\.[0-9]{1,3})?", text)
    if match is None or not OLDEST <= (1, int(match[1])) <= NEWEST:
        span = " to ".join(f"{major}.{minor}" for major, minor in (OLDEST, NEWEST))
        raise InvalidValue(what, text, f"a version from {span}")
    return 1, int(match[1])


@dataclass(frozen=True, slots=True)
class Image:
    """A container image: where it is, what it is called, which bytes it has."""

    name: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> "Image":
        """Read ``registry/name:tag@sha256:…``; a tag that moves needs a digest. Raises InvalidValue."""
        match = _IMAGE.fullmatch(text)
        if match is None or len(match["name"]) > 255:
            raise InvalidValue(
                "image", text, "registry/name:tag, registry/name:tag@sha256:… (64 hex digits, lower case)"
            )
        if match["digest"] is None and match["tag"] in (None, "latest"):
            raise InvalidValue(
                "image", text, "a tag other than latest, or a digest: what runs must not change by itself"
            )
        return cls(match["name"], match["tag"], match["digest"])

    @property
    def short(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def cpu(what: str, text: str) -> Decimal:
    """Processors in ``500m``, ``2`` or ``0.5``."""
    match = _CPU.fullmatch(text)
    count = Decimal(0)
    if match is not None:
        count = Decimal(match[1]) / 1000 if match[1] else Decimal(text)
    if not count:
        raise InvalidValue(what, text, "processors such as 500m, 2 or 0.5")
    return count


def memory(what: str, text: str) -> Decimal:
    """Bytes in ``512Mi``, ``2Gi`` or ``500M``; not the ``MiB`` of people."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise InvalidValue(what, text, "bytes such as 512Mi, 2Gi or 500M")
    return Decimal(int(match[1]) * _UNITS[match[2] or ""])


@dataclass(frozen=True, slots=True)
class Amount:
    """What a container asks of a resource, and the most it may have."""

    request: str
    limit: str

    @classmethod
    def parse(cls, what: str, text: str) -> "Amount":
        """Read ``REQUEST`` or ``REQUEST:LIMIT``; *what* is ``cpu`` or a resource counted in bytes."""
        request, colon, limit = text.partition(":")
        amount = cls(request, limit if colon else request)
        measure = cpu if what == "cpu" else memory
        if measure(what, amount.request) > measure(what, amount.limit):
            raise InvalidValue(what, text, "a limit that is not below the request")
        return amount
