"""YAML that anyone may have written."""

import resource
import time
from pathlib import Path

import pytest

from modelpack.directory import strictyaml
from modelpack.errors import InvalidModel

HOSTILE = {
    "billion laughs": b"a: &b0 [x, x]\n"
    + b"".join(b"b%d: &b%d [*b%d, *b%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40)),
    "million laughs": b"a: &a [" + b"x, " * 5_000 + b"]\nb: [*a, *a, *a, *a]\n",
    "depth by aliases": b"a0: &a0 [x]\n"
    + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 100)),
    "alias of nothing": b"a: *there\n",
    "alias of itself": b"a: &a [*a]\n",
    "alias from within": b"a: &a {b: {c: *a}}\n",
    "merged laughs": b"a: &a0 {x: 1}\n"
    + b"".join(b"a%d: &a%d {p: *a%d, q: *a%d}\n" % (n, n, n - 1, n - 1) for n in range(1, 40)),
    "python tag": b"a: !!python/object/apply:os.system [id]\n",
    "python name": b"a: !!python/name:os.system\n",
    "any tag": b"a: !mine 1\n",
    "flow depth": b"a: " + b"[" * 10_000,
    "closed depth": b"a: " + b"[" * 10_000 + b"]" * 10_000,
    "map depth": b"{a: " * 10_000,
    "block depth": b"".join(b" " * n + b"a:\n" for n in range(3_000)),
    "dash depth": b"- " * 10_000,
    "key depth": b"? " * 10_000,
    "many values": b"".join(b"k%d: v\n" % n for n in range(400_000)),
    "duplicate key": b"flavors: 1\nname: 2\nflavors: 3\n",
    "duplicate key below": b"a:\n  b: 1\n  b: 2\n",
    "tabs": b"a:\n\t- b\n",
    "NUL": b"a: \0\n",
    "two documents": b"a: 1\n---\nb: 2\n",
    "long number": b"a: " + b"9" * 100_000,
    "no such day": b"a: 2026-02-30\n",
    "not UTF-8": b"a: \xff\n",
    "a list": b"- a\n",
    "a text": b"just text\n",
    "nothing": b"",
    "number as key": b"1: a\n",
    "list as key": b"? [a]\n: 1\n",
    "cut off": b"a: [1, 2\n",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_hostile_text_is_refused_at_once(text: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with pytest.raises(InvalidModel) as met:
        strictyaml.parse(text)
    # A tenth of a second on a machine of its own; this one may be shared.
    assert time.process_time() - started < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    assert len(str(met.value)) <= 300


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "MLmodel"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    started = time.process_time()
    with pytest.raises(InvalidModel, match="MLmodel has more than 4 MiB"):
        strictyaml.read(path)
    assert time.process_time() - started < 0.1


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_bytes(b"a: *b\n")
    with pytest.raises(InvalidModel, match=r"conda.yaml cannot be read: it holds an alias of"):
        strictyaml.read(tmp_path / "conda.yaml")


def test_what_is_written_is_read_back_and_never_holds_an_anchor() -> None:
    shared = ["x"]
    document = {"b": shared, "a": shared, "none": None, "text": "1", "long": "word " * 60, "yes": "yes"}
    text = strictyaml.write(document)
    assert strictyaml.parse(text.encode()) == document
    assert text.index("a:") < text.index("b:")
    assert "&" not in text


def test_what_mlflow_writes_once_for_two_places_stands_in_both() -> None:
    text = b"metadata:\n  a: &id001\n    k:\n    - 1\n    - 2\n  b: *id001\n  c: &id002 x\n  d: *id002\n"
    value = {"k": [1, 2]}
    assert strictyaml.parse(text) == {"metadata": {"a": value, "b": value, "c": "x", "d": "x"}}
    sixty = b"a: &a " + b"[" * 30 + b"x" + b"]" * 30 + b"\nb: " + b"[" * 30 + b"*a" + b"]" * 30 + b"\n"
    assert strictyaml.parse(sixty)["b"]


def test_a_wide_signature_is_one_value() -> None:
    text = strictyaml.write({"signature": {"inputs": '[{"type": "double"}]' * 40_000}})
    assert len(strictyaml.parse(text.encode())["signature"]["inputs"]) == 800_000
