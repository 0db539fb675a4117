"""Each kind of value has a grammar, and a wrong one is told what was wanted."""

from collections.abc import Callable

import pytest

from k8s import names
from k8s.errors import InvalidValue
from k8s.names import Amount, Image

HASH = "sha256:" + "a1" * 32

GOOD: list[tuple[Callable[[str, str], object], str, object]] = [
    (names.label, "churn-model", "churn-model"),
    (names.label, "0", "0"),
    (names.label, "a" * 63, "a" * 63),
    (names.service, "churn-model-2", "churn-model-2"),
    (names.subdomain, "tls.example.org", "tls.example.org"),
    (names.host, "churn-model.your-domain.com", "churn-model.your-domain.com"),
    (names.host, "*.example.org", "*.example.org"),
    (
        names.annotation,
        "nginx.ingress.kubernetes.io/proxy-body-size",
        "nginx.ingress.kubernetes.io/proxy-body-size",
    ),
    (names.annotation, "Owner_1.x", "Owner_1.x"),
    (names.variable, "MLFLOW_MODEL_URI", "MLFLOW_MODEL_URI"),
    (names.variable, "_x1", "_x1"),
    (names.variable, "TOKENIZER", "TOKENIZER"),
    (names.value, "two\nlines $(X) \x1b", "two\nlines $(X) \x1b"),
    (names.value, "", ""),
    (names.value, "https://user@example.org:80/a", "https://user@example.org:80/a"),
    (names.network, "10.0.0.0/8", ("10.0.0.0/8", None)),
    (names.network, "10.0.0.5/32:5432", ("10.0.0.5/32", 5432)),
    (names.network, "fd00::/8", ("fd00::/8", None)),
    (names.network, "[fd00::/8]:443", ("fd00::/8", 443)),
    (names.version, "1.25", (1, 25)),
    (names.version, "v1.30.4", (1, 30)),
]

BAD: list[tuple[Callable[[str, str], object], str]] = [
    *(
        (names.label, text)
        for text in ("", "A", "a_b", "-a", "a-", "a.b", "a" * 64, "a\n", "ä", "a b", "{{7*7}}")
    ),
    *((names.service, text) for text in ("1a", "", "a" * 64, "A", "a.b", "a-\n")),
    *((names.subdomain, text) for text in ("", "a..b", ".a", "a_b", "a" * 254, "$(touch x)")),
    *((names.host, text) for text in ("", "https://a.b", "a.b:80", "a.b/c", "10.0.0.1", "*", "*.", "a.*.b")),
    *((names.host, text) for text in ("A.example", "a" * 64 + ".b", "a.b\n", "*." + "a." * 126 + "a")),
    *((names.annotation, text) for text in ("", "/a", "a/", "a/b/c", "A.b/c", "a b", "a" * 64, "é")),
    *((names.variable, text) for text in ("", "1A", "A B", "A-B", "A\nRUN id", "A=B", "=", "é", "A.B")),
    *(
        (names.variable, text)
        for text in ("DB_PASSWORD", "token", "AWS_ACCESS_KEY_ID", "X_API_KEY", "MY_SECRET")
    ),
    *((names.value, text) for text in ("a\0b", "\ud800", "x" * (names.LONGEST_VALUE + 1))),
    (names.value, "postgresql://me:hunter2@db/models"),
    *(
        (names.network, text)
        for text in ("", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8:0", "fd00::/129")
    ),
    *(
        (names.network, text)
        for text in ("10.0.0.0/8:70000", "example.org:443", "10.0.0.0/8:443:1", "[::]/0")
    ),
    *((names.version, text) for text in ("1.24", "1.38", "2.0", "1", "1.30.x", "latest", "", "1.030x")),
]


@pytest.mark.parametrize(("grammar", "text", "read"), GOOD)
def test_a_good_value_is_read(grammar: Callable[[str, str], object], text: str, read: object) -> None:
    assert grammar("it", text) == read


@pytest.mark.parametrize(("grammar", "text"), BAD)
def test_a_bad_value_is_refused_in_one_short_line(grammar: Callable[[str, str], object], text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        grammar("the thing", text)
    said = str(caught.value)
    assert said.startswith("the thing ")
    assert ": give " in said
    assert len(said) <= 300
    assert "\n" not in said
    assert caught.value.wanted


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidValue) as caught:
        names.value("the value of URI", "postgresql://me:hunter2@db/models")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest", "short"),
    [
        ("your-registry/churn-model:v1.2.0", "your-registry/churn-model", "v1.2.0", None, "churn-model"),
        ("r.io:5000/a/b__c:1", "r.io:5000/a/b__c", "1", None, "b__c"),
        (f"m@{HASH}", "m", None, HASH, "m"),
        (f"r.io/m:latest@{HASH}", "r.io/m", "latest", HASH, "m"),
        ("localhost:5000/m:V_1.0-x", "localhost:5000/m", "V_1.0-x", None, "m"),
    ],
)
def test_an_image_is_read_and_printed_the_same(
    text: str, name: str, tag: str | None, digest: str | None, short: str
) -> None:
    image = Image.parse(text)
    assert (image.name, image.tag, image.digest, image.short) == (name, tag, digest, short)
    assert str(image) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "m",
            "m:latest",
            "r.io:5000/m",
            "M:1",
            "a//b:1",
            "m:1\nRUN id",
            "m:1; id",
            "$(id):1",
            "m:",
            "-m:1",
        ),
        *("m@sha256:" + "a" * 63, "m@sha256:" + "A" * 64, "m@md5:" + "a" * 32, "m:" + "a" * 129),
        *("https://r.io/m:1", "m:1 --privileged", "a" * 256 + ":1"),
    ],
)
def test_an_image_that_is_none_or_moves_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^image "):
        Image.parse(text)


@pytest.mark.parametrize(
    ("what", "text", "amount"),
    [
        ("cpu", "500m", Amount("500m", "500m")),
        ("cpu", "500m:1", Amount("500m", "1")),
        ("cpu", "0.5:1.25", Amount("0.5", "1.25")),
        ("cpu", "1000m:1", Amount("1000m", "1")),
        ("memory", "1Gi:2Gi", Amount("1Gi", "2Gi")),
        ("memory", "1024Mi:1Gi", Amount("1024Mi", "1Gi")),
        ("storage", "500M", Amount("500M", "500M")),
    ],
)
def test_an_amount_is_a_request_and_a_limit(what: str, text: str, amount: Amount) -> None:
    assert Amount.parse(what, text) == amount


@pytest.mark.parametrize(
    ("what", "text"),
    [
        *(
            ("cpu", text)
            for text in ("", "0", "0m", "1.5m", "1:500m", "-1", "1e3", "0.0001", "1Gi", "1:", ":1", "½")
        ),
        *(
            ("memory", text)
            for text in ("", "0", "256MiB", "1gb", "2Gi:1Gi", "1.5Gi", "512mi", "1 Gi", "1m", "٣Mi")
        ),
    ],
)
def test_an_amount_outside_the_grammar_is_refused(what: str, text: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{what} "):
        Amount.parse(what, text)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("Churn Model", "churn-model"), ("a__b", "a-b"), ("x" * 80, "x" * 63), ("---", None), ("日本", None)],
)
def test_any_text_has_a_nearest_label_or_none(text: str, nearest: str | None) -> None:
    assert names.as_label(text) == nearest


@pytest.mark.parametrize("number", [0, 80, 1023, 65536, -1])
def test_a_port_needs_no_privileges(number: int) -> None:
    with pytest.raises(InvalidValue, match="1024 to 65535"):
        names.port("port", number)
