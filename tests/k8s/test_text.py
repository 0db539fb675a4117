"""YAML that comes back the same through a parser of YAML 1.1, and through the one of Kubernetes."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from k8s.text import document, stream

TEXTS = [
    *("on", "Off", "yes", "NO", "y", "N", "true", "False", "null", "Null", "~", "", " ", "=", "<<"),
    *("1e3", "0o17", "017", "0x1F", "0b11", "1_000", "1:20", "1.", ".5", "+1", "-0", ".inf", "-.INF", ".nan"),
    *("inf", "NaN", "Infinity", "e3", "1", "0", "12e03", "08", "190:20:30", "1.5", "6.02e23"),
    *("2026-11-23", "2026-11-23T01:02:03Z", "2026-11-23 01:02:03.5 +1", "01:02:03"),
    *(
        "two\nlines",
        "ends\n",
        "\n\nbegins",
        "\r\n",
        "\ttab",
        " lead",
        "trail ",
        "a  b",
        "\x1b[31m",
        "\x85",
        "\u2028",
    ),
    *(
        "# no",
        "a #b",
        "a: b",
        "a:b",
        "a:",
        ":",
        "- a",
        "-",
        "--- a",
        "---",
        "...",
        "? a",
        "?",
        "&a",
        "*a",
        "!a",
        "!!str",
    ),
    *(
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "'",
        '"',
        "it's",
        '"quoted"',
        "{a}",
        "[a]",
        "{",
        "]",
        ",",
        "\\",
        "\\n",
        "a\\",
    ),
    *(
        "{{7*7}}",
        "{% include %}",
        "$(touch x)",
        "${jndi:x}",
        "`id`",
        "ä",
        "漢字",
        "🙂",
        "\ufeff",
        "\u200b",
        "a" * 5000,
    ),
    *(
        "sha256:ab12",
        "models:/churn/1",
        "/ready",
        "registry.example.org:5000/a/b:v1",
        "v1.2.0",
        "4Gi",
        "500m",
    ),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_as_value_and_as_key(text: str) -> None:
    thing = {"value": text, "list": [text, {text: text}]}
    assert yaml.safe_load(document(thing)) == thing


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(text: str) -> None:
    assert yaml.safe_load(document({"value": text})) == {"value": text}


def test_numbers_and_claims_stay_what_they_are() -> None:
    thing: dict[str, object] = {
        "claim": True,
        "not": False,
        "count": 0o440,
        "none": None,
        "empty": {},
        "list": [],
    }
    assert yaml.safe_load(document(thing)) == thing


def test_only_ascii_is_written_and_nothing_is_folded_or_aliased() -> None:
    shared = {"a": "ä🙂\u2028"}
    text = document({"one": shared, "two": shared, "long": "word " * 100})
    assert text.isascii()
    assert "&" not in text
    assert max(map(len, text.splitlines())) > 500


def test_a_stream_holds_its_documents_in_order() -> None:
    things = [{"n": number} for number in range(3)]
    assert list(yaml.safe_load_all(stream(things))) == things


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="no kubectl, whose parser is the one of Kubernetes"
)
def test_the_parser_of_kubernetes_reads_the_same(tmp_path: Path) -> None:
    # Kustomize reads NEL as it is, and prints it bare: a line break to PyYAML, so not to be told by this way.
    data = {f"k{number}": text for number, text in enumerate(TEXTS) if text != "\x85"}
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}}
    (tmp_path / "texts.yaml").write_text(document({**head, "data": data}))
    (tmp_path / "kustomization.yaml").write_text("resources: [texts.yaml]\n")
    done = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    # Kustomize writes for its own parser; PyYAML would take some of its bare words for something else.
    read = yaml.load(done.stdout, Loader=yaml.BaseLoader)
    assert read["data"] == data
