"""Crafted skops files: none builds, or calls, what was not allowed. A canary file tells whether code ran."""

import contextlib
import io
import pickle
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelpack.errors import InvalidModel, Untrusted
from modelpack.flavors import skopsfile
from modelpack.trust import Trust
from tests.modelpack.flavors.audit import forge
from tests.modelpack.flavors.audit.forge import mapping, node, sequence, text


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """What every attack here tries to make."""
    return tmp_path / "canary"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.skops"


def touch(canary: Path) -> forge.Node:
    """Arguments for a command that makes the canary."""
    return sequence(sequence(text("touch"), text(str(canary)), kind="list"))


def attacks(canary: Path) -> dict[str, forge.Node]:
    """One crafted root each; all but the odd ones would run the command if every name were trusted."""
    command = touch(canary)
    system = node("FunctionNode", "os", "system")
    scaler = node("ObjectNode", "sklearn.preprocessing._data", "StandardScaler", content=mapping())
    return {
        "constructor": node("ConstructorFromReduceNode", "subprocess", "Popen", content=command),
        "loss": node("LossNode", "subprocess", "check_call", __reduce__={"args": command}, content=mapping()),
        "method of another class": node(
            "MethodNode", "builtins", "str", content={"func": "format", "obj": scaler}
        ),
        "method": node(
            "MethodNode",
            "sklearn.preprocessing._data",
            "StandardScaler",
            content={"func": "fit", "obj": scaler},
        ),
        "method with a dunder": node(
            "MethodNode",
            "sklearn.preprocessing._data",
            "StandardScaler",
            content={"func": "__reduce__", "obj": scaler},
        ),
        "operator": node("OperatorFuncNode", "operator", "methodcaller", attrs=sequence(text("fit"))),
        "operator from elsewhere": node(
            "OperatorFuncNode", "os", "system", attrs=sequence(text(f"touch {canary}"))
        ),
        "function": system,
        "eval": node("FunctionNode", "builtins", "eval"),
        "getattr": node("FunctionNode", "builtins", "getattr"),
        "partial": node(
            "PartialNode",
            "functools",
            "partial",
            content={"func": system, "args": command, "kwds": mapping(), "namespace": text(None)},
        ),
        "type": node("TypeNode", "subprocess", "Popen"),
        "object": node("ObjectNode", "subprocess", "Popen", content=mapping()),
        "dict": {**mapping(), "__module__": "os", "__class__": "_Environ"},
        "list": {**sequence(kind="list"), "__module__": "subprocess", "__class__": "Popen"},
        "key type": {
            **mapping(a=text(1)),
            "key_types": sequence(node("TypeNode", "os", "system"), kind="list"),
        },
        "default factory": node(
            "DefaultDictNode",
            "collections",
            "defaultdict",
            content={"main": mapping(), "default_factory": system},
        ),
        "dataset fetcher": node("FunctionNode", "sklearn.datasets._openml", "fetch_openml"),
        "loader of files": node("FunctionNode", "numpy", "load"),
        "helper that imports": node("FunctionNode", "sklearn.utils._testing", "check_skip_network"),
        "estimator as a function": node("FunctionNode", "sklearn.preprocessing._data", "StandardScaler"),
        "metric as an object": node("ObjectNode", "sklearn.metrics._regression", "r2_score"),
        "tree as a type": node("TypeNode", "sklearn.tree._tree", "Tree"),
        "distance that calls": node(
            "ObjectNode", "sklearn.metrics._dist_metrics", "PyFuncDistance64", content=sequence()
        ),
        "scaler with a function": node(
            "ObjectNode", "sklearn.preprocessing._data", "StandardScaler", content=mapping(fit=system)
        ),
        "generator": node(
            "RandomGeneratorNode",
            "numpy.random._generator",
            "Generator",
            content={"bit_generator": mapping(bit_generator=text("seed")), "seed_seq": mapping()},
        ),
        "forest of another library": node(
            "QuantileForestNode",
            "quantile_forest._quantile_forest_fast",
            "QuantileForest",
            __reduce__={"args": sequence()},
            content=mapping(),
        ),
    }


NAMES = sorted(attacks(Path("none")))


@pytest.mark.parametrize("name", NAMES)
def test_a_crafted_file_builds_nothing(name: str, canary: Path, path: Path) -> None:
    forge.write(path, attacks(canary)[name])
    with pytest.raises((Untrusted, InvalidModel)):
        skopsfile.load(path, Trust())
    assert not canary.exists()


@pytest.mark.parametrize("name", ["constructor", "loss"])
def test_the_attacks_are_live_when_everything_is_trusted(name: str, canary: Path, path: Path) -> None:
    forge.write(path, attacks(canary)[name])
    try:
        made = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    except Exception as error:  # noqa: BLE001 - whatever becomes of it, the command has run
        print(error)
    else:
        if isinstance(made, subprocess.Popen):
            made.wait()
    assert canary.exists()


@pytest.mark.parametrize("name", NAMES)
def test_telling_what_a_crafted_file_needs_builds_nothing(name: str, canary: Path, path: Path) -> None:
    forge.write(path, attacks(canary)[name])
    with contextlib.suppress(InvalidModel):
        assert skopsfile.needs(path) != ()
    assert not canary.exists()


def test_a_refusal_names_the_type_and_the_flag(path: Path, canary: Path) -> None:
    forge.write(path, attacks(canary)["constructor"])
    with pytest.raises(Untrusted, match=r"subprocess\.Popen.*--trust subprocess\.Popen") as met:
        skopsfile.load(path, Trust())
    assert met.value.types == ("subprocess.Popen",)
    assert skopsfile.needs(path) == ("subprocess.Popen",)


def test_the_operator_may_allow_a_type(path: Path) -> None:
    forge.write(
        path, node("ConstructorFromReduceNode", "fractions", "Fraction", content=sequence(text(1), text(2)))
    )
    with pytest.raises(Untrusted):
        skopsfile.load(path, Trust(types=("decimal.*",)))
    assert skopsfile.load(path, Trust(types=("fractions.Fraction",))) == 0.5
    assert skopsfile.load(path, Trust(types=("fractions.*",))) == 0.5


ODD: dict[str, Any] = {
    "no JSON": b"{",
    "a list": [],
    "deep JSON": b"[" * 100_000,
    "no protocol": {"protocol": None},
    "old protocol": {**node("FunctionNode", "numpy", "sin"), "protocol": 0},
    "protocol as text": {**text(1), "protocol": "2"},
    "protocol as truth": {**text(1), "protocol": True},
    "later protocol": {**text(1), "protocol": 99},
    "unknown loader": node("EvalNode", "builtins", "eval"),
    "loader that is no text": {**text(1), "__loader__": 3},
    "reference": node("CachedNode", "builtins", "str", __id__=1),
    "mere reference": sequence({**text(1), "__id__": 1}, {"__id__": 1}),
    "no class": {"__loader__": "ObjectNode", "__module__": "os"},
    "odd module": node("ObjectNode", "os;id", "x"),
    "identity that is no number": {**text(1), "__id__": "1"},
    "two of one identity": sequence({**text(1), "__id__": 1}, {**text(2), "__id__": 1}),
    "deep objects": None,
    "missing member": node("NdArrayNode", "numpy", "ndarray", type="numpy", file="absent.npy", __id__=1),
    "member that is no text": node("NdArrayNode", "numpy", "ndarray", type="numpy", file=3, __id__=1),
    "method without a name": node("MethodNode", "os", "x", content={"func": 3}),
    "tree without a form": node("TreeNode", "sklearn.tree._tree", "Tree", content=mapping()),
}


@pytest.mark.parametrize("name", ODD)
def test_a_form_that_skops_does_not_write_is_refused(name: str, path: Path) -> None:
    schema = ODD[name]
    if name == "deep objects":
        schema = text(1)
        for _ in range(250):
            schema = sequence(schema, kind="list")
    forge.write(path, schema)
    with pytest.raises(InvalidModel) as met:
        skopsfile.load(path, Trust())
    assert len(str(met.value)) <= 300


def test_a_pickle_in_an_array_is_refused(path: Path, canary: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return subprocess.call, (["touch", str(canary)],)

    for content in (
        forge.npy(np.array([Evil()], dtype=object), allow_pickle=True),
        pickle.dumps(Evil()),
    ):
        forge.write(
            path,
            node("NdArrayNode", "numpy", "ndarray", type="numpy", file="1.npy", __id__=1),
            {"1.npy": content},
        )
        with pytest.raises(InvalidModel, match=r"pickle|no array"):
            skopsfile.load(path, Trust())
    assert not canary.exists()


def test_an_array_that_lies_about_its_size_is_refused_before_memory_is_taken(path: Path) -> None:
    content = forge.npy(np.zeros(3)).replace(b"(3,), }" + b" " * 10, b"(3000000000000,), }")
    assert b"3000000000000" in content
    array = node("NdArrayNode", "numpy", "ndarray", type="numpy", file="1.npy", __id__=1)
    forge.write(path, array, {"1.npy": content})
    with pytest.raises(InvalidModel, match="not as large as it says"):
        skopsfile.load(path, Trust())


def test_one_array_read_many_times_over_is_refused(path: Path) -> None:
    arrays = [
        node("NdArrayNode", "numpy", "ndarray", type="numpy", file="1.npy", __id__=number)
        for number in range(1_000)
    ]
    forge.write(path, sequence(*arrays, kind="list"), {"1.npy": forge.npy(np.zeros(1_000))})
    with pytest.raises(InvalidModel, match="share the file"):
        skopsfile.load(path, Trust())


def test_what_is_judged_is_what_is_built(path: Path) -> None:
    """A tree whose arrays skops would take from another node of the same identity."""
    x = np.arange(20.0).reshape(10, 2)
    forge.dump(DecisionTreeClassifier().fit(x, [0, 1] * 5), path)

    def swap(schema: forge.Node, members: dict[str, bytes]) -> None:
        nodes = forge.find(schema, "TreeNode")["content"]["content"]["nodes"]
        array = np.load(io.BytesIO(members[nodes["file"]]))
        array["feature"][:] = 1_000_000
        members["evil.npy"] = forge.npy(array)
        # Read before the tree is, under the identity that its nodes have.
        state = schema["content"]
        state["content"] = {"first": {**nodes, "file": "evil.npy"}, **state["content"]}
        state["key_types"]["content"].insert(0, node("TypeNode", "builtins", "str"))

    forge.rewrite(path, swap)
    fooled = skops.io.load(path, trusted=["sklearn.tree._tree.Tree"])
    assert fooled.tree_.feature.max() == 1_000_000
    with pytest.raises(InvalidModel, match="claim the identity"):
        skopsfile.load(path, Trust())


def test_an_object_that_is_met_twice_is_written_twice_and_read(path: Path) -> None:
    shared = StandardScaler().fit(np.eye(3))
    skopsfile.dump({"a": shared, "b": shared, "bytes": [b"x", b"x"]}, path)
    back = skopsfile.load(path, Trust())
    assert back["a"].scale_.tolist() == back["b"].scale_.tolist() == shared.scale_.tolist()


def test_hostile_files_are_refused_quickly(path: Path, canary: Path) -> None:
    started = time.process_time()
    for attack in attacks(canary).values():
        forge.write(path, attack)
        with pytest.raises((Untrusted, InvalidModel)):
            skopsfile.load(path, Trust())
    assert time.process_time() - started < 0.5 * len(NAMES)
