"""Boosted trees in their libraries' own files, checked before compiled code follows their numbers.

XGBoost and LightGBM believe the numbers of their files: a child, a parent or a column out of range is read
wherever it points. CatBoost verifies its own.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel, shorten
from modelpack.flavors.audit import ubjson

_OF_NODES = (
    "left_children",
    "right_children",
    "parents",
    "split_indices",
    "split_conditions",
    "default_left",
)
_NO_PARENT = 2**31 - 1

_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NOT_OPEN = "it holds nothing"


def check_xgboost(content: bytes) -> None:
    """Raise InvalidModel for what is no file of XGBoost's, or one whose trees ask or lead out of range."""
    with_quote = content[:1] == b"{" and content[1:].lstrip()[:1] in (b'"', b"}")
    try:
        document = json.loads(content, object_pairs_hook=_once) if with_quote else ubjson.loads(content)
        _check_learner(document["learner"])
    except InvalidModel:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _malformed(f"{type(error).__name__}: {error}") from error


def check_xgboost_booster(booster: Any) -> None:
    """As ``check_xgboost``, for an ``xgboost.Booster`` that came out of another file."""
    _expect(getattr(booster, "handle", None) is not None, _NOT_OPEN)
    check_xgboost(bytes(booster.save_raw("ubj")))


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    _expect(len(found) == len(pairs), "a key stands twice")
    return found


def _check_learner(learner: Mapping[str, Any]) -> None:
    boosting, parameters = learner["gradient_booster"], learner["learner_model_param"]
    width = max(1, int(parameters["num_class"])) * max(1, int(parameters.get("num_target", 1)))
    features = int(parameters["num_feature"])
    model = boosting["gbtree"]["model"] if "gbtree" in boosting else boosting["model"]
    if "weights" in model:
        _expect(len(model["weights"]) == (features + 1) * width, "a weight is missing")
        return
    trees = model["trees"]
    targets = _whole(model["tree_info"])
    _expect(len(targets) == len(trees) == int(model["gbtree_model_param"]["num_trees"]), "a tree is missing")
    _expect(_within(targets, 0, width), "a tree adds to an output that there is not")
    _expect(_rises(_whole(model.get("iteration_indptr", [0, len(trees)])), len(trees)), "an iteration is cut")
    _expect(len(boosting.get("weight_drop", trees)) == len(trees), "a tree has no weight")
    for tree in trees:
        _check_xgboost_tree(tree, features)


def _check_xgboost_tree(tree: Mapping[str, Any], features: int) -> None:
    count = int(tree["tree_param"]["num_nodes"])
    _expect(count >= 1, "a tree has no node")
    _expect(
        all(len(tree[name]) == count for name in _OF_NODES), "a tree has more or fewer nodes than it says"
    )
    left, right, parents, asked = (_whole(tree[name]) for name in _OF_NODES[:4])
    inner = left >= 0
    # A leaf is -1 and nothing else: any other number is followed.
    _expect((left[~inner] == -1).all() and ((right >= 0) == inner).all(), "a split has one child")
    _check_shape(left, np.where(inner, right, -1))
    _expect(_within(parents[1:], 0, count) and parents[0] in (-1, _NO_PARENT), "a node has no parent")
    _expect(_within(asked[inner], 0, features), "a split asks for a column that there is not")
    # Before XGBoost 1.3 there was one kind of split.
    if _whole(tree.get("split_type", [])).any():
        _expect(len(tree["split_type"]) == count, "a tree has more or fewer nodes than it says")
        bounds = len(tree["categories"]) + 1
        starts, sizes = (_whole(tree[f"categories_{name}"]) for name in ("segments", "sizes"))
        _expect(len(starts) == len(sizes) == len(tree["categories_nodes"]), "categories are cut")
        _expect(_within(starts, 0, bounds) and _within(sizes, 0, bounds), "categories are cut")
        _expect(_within(starts + sizes, 0, bounds), "categories are cut")


def check_lightgbm(content: bytes) -> None:
    """Raise InvalidModel for what is no text of LightGBM's, or one whose trees ask or lead out of range."""
    try:
        _expect(not _CONTROL.search(content), "it is no text")
        head, *trees = content.partition(b"\nend of trees")[0].split(b"\nTree=")
        fields = _fields(head)
        width, features = int(fields["num_tree_per_iteration"]), int(fields["max_feature_idx"]) + 1
        # The last step writes as many numbers as the objective has classes.
        words = fields.get("objective", "").split()
        classes = [int(word.partition(":")[2]) for word in words if word.startswith("num_class:")]
        _expect(width == int(fields["num_class"]) >= 1, "it has other classes than trees an iteration")
        _expect(all(one == width for one in classes), "its objective has other classes than its trees")
        _expect(len(trees) % width == 0, "its last iteration is cut")
        if "tree_sizes" in fields:
            _check_places(content, [int(one) for one in fields["tree_sizes"].split()], len(trees))
        for tree in trees:
            _check_lightgbm_tree(_fields(tree), features)
    except InvalidModel:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise _malformed(f"{type(error).__name__}: {error}") from error


def check_lightgbm_booster(booster: Any) -> None:
    """As ``check_lightgbm``, for a ``lightgbm.Booster`` that came out of another file."""
    # LightGBM does not look whether there is something.
    _expect(getattr(booster, "_handle", None) is not None, _NOT_OPEN)
    check_lightgbm(booster.model_to_string(num_iteration=-1).encode())


def _check_places(content: bytes, sizes: Sequence[int], count: int) -> None:
    """LightGBM goes to each tree by the sizes of those before it."""
    place = content.find(b"\nTree=") + 1
    _expect(len(sizes) == count, "it has more or fewer trees than it says")
    for size in sizes:
        _expect(size > 0 and content.startswith(b"Tree=", place), "a tree is not where it should be")
        place += size
    _expect(place <= len(content), "the last tree is cut")


def _check_lightgbm_tree(tree: Mapping[str, str], features: int) -> None:
    leaves = int(tree["num_leaves"])
    _expect(leaves >= 1 and len(tree["leaf_value"].split()) == leaves, "a tree lacks a leaf")
    if int(tree.get("is_linear", "0")):
        asked = _whole(tree["leaf_features"].split())
        _expect(_within(asked, 0, features), "a leaf asks for a column that there is not")
        counts = _whole(tree["num_features"].split())
        _expect(len(counts) == leaves and (counts >= 0).all() and counts.sum() == len(asked), "a leaf is cut")
        _expect(len(tree["leaf_coeff"].split()) == len(asked), "a leaf is cut")
    if leaves == 1:
        return
    names = ("left_child", "right_child", "split_feature", "decision_type")
    left, right, asked, kinds = (_whole(tree[name].split()) for name in names)
    thresholds = np.array(tree["threshold"].split(), dtype=np.float64)
    each = {len(one) for one in (left, right, asked, kinds, thresholds)}
    _expect(each == {leaves - 1}, "a tree has more or fewer splits than it says")
    # Inner nodes first, then the leaves: ~0 is the first leaf.
    none = np.full(leaves, -1, dtype=np.int64)
    _check_shape(*(np.append(np.where(one < 0, leaves - 1 + ~one, one), none) for one in (left, right)))
    _expect(_within(asked, 0, features), "a split asks for a column that there is not")
    asks_members = (kinds & 1).astype(bool)
    if asks_members.any():
        bounds = _whole(tree["cat_boundaries"].split())
        _expect(len(bounds) == int(tree["num_cat"]) + 1, "categories are cut")
        _expect(_rises(bounds, len(tree["cat_threshold"].split())), "categories are cut")
        _expect(_within(thresholds[asks_members], 0, len(bounds) - 1), "categories are missing")


def _fields(text: bytes) -> dict[str, str]:
    pairs = [line.split("=", 1) for line in text.decode().split("\n") if "=" in line]
    return _once([(key, value) for key, value in pairs])


def _whole(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return array.astype(np.int64)
    _expect(len(array) == 0 or array.dtype.kind in "iub", "a number is not whole")
    return array.astype(np.int64)


def _check_shape(left: np.ndarray, right: np.ndarray) -> None:
    """Each node is the child of one other at most, and the first of none."""
    children = np.concatenate([left[left >= 0], right[right >= 0]])
    _expect(_within(children, 1, len(left)), "a split leads out of its tree")
    _expect(len(np.unique(children)) == len(children), "two splits lead to one node")
    # A walk from the first node ends, then: to come into a circle from outside, one of its nodes would need
    # two parents.


def _within(numbers: np.ndarray, low: int, high: int) -> bool:
    """Whether all are from *low* to before *high*."""
    return bool(((numbers >= low) & (numbers < high)).all())


def _rises(bounds: np.ndarray, last: int) -> bool:
    return len(bounds) > 0 and bounds[0] == 0 and bool((np.diff(bounds) >= 0).all()) and bounds[-1] == last


def _expect(claim: Any, what: str) -> None:
    if not claim:
        raise _malformed(what)


def _malformed(what: str) -> InvalidModel:
    return InvalidModel(shorten(f"the boosted trees are malformed: {what}"))
