"""What boosted trees ask, as their libraries themselves tell it to people.

Other ways into the models than the converters take: what is compared at the splits must not come from what is
under test.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from modelpack.onnx.boosted import reading
from modelpack.onnx.tracing import Tree

Found: TypeAlias = tuple[tuple[Tree, ...], bool]
"""Trees, and whether they see float32."""


def xgboost(model: Any) -> Found:
    """By ``Booster.get_dump``; ``x < t`` in float32 is ``x <= t`` for the float before *t*."""
    with reading("XGBoost"):
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
        places = {name: place for place, name in enumerate(names)}
        # There are no trees where there are weights.
        dumped = [] if "gblinear" in booster.save_config() else booster.get_dump(dump_format="json")
        return tuple(_dumped(_nodes(json.loads(text)), places) for text in dumped), True


def _nodes(tree: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found, waiting = [], [tree]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].get("children", ())
    return sorted(found, key=lambda node: int(node["nodeid"]))


def _dumped(nodes: Sequence[Mapping[str, Any]], places: Mapping[str, int]) -> Tree:
    # Nodes that were pruned are numbered and not there.
    row = {int(node["nodeid"]): place for place, node in enumerate(nodes)}
    inner = ["split" in node for node in nodes]
    # A column of booleans asks for 1, and says no threshold.
    conditions = [node.get("split_condition", 1.0) for node in nodes]
    categorical = [isinstance(one, list) for one in conditions]
    thresholds = np.array([np.nan if isinstance(one, list) else one for one in conditions], dtype=np.float32)
    return Tree(
        feature=np.array([places[node["split"]] if "split" in node else -1 for node in nodes]),
        threshold=np.nextafter(thresholds, np.float32(-np.inf)).astype(np.float64),
        left=np.array(
            [row[node["yes"]] if is_inner else -1 for node, is_inner in zip(nodes, inner, strict=True)]
        ),
        right=np.array(
            [row[node["no"]] if is_inner else -1 for node, is_inner in zip(nodes, inner, strict=True)]
        ),
        categorical=np.array(categorical),
    )


def lightgbm(model: Any) -> Found:
    """By ``Booster.trees_to_dataframe``."""
    with reading("LightGBM"):
        booster = getattr(model, "booster_", model)
        places = {name: place for place, name in enumerate(booster.feature_name())}
        trees = booster.trees_to_dataframe().groupby("tree_index")
        return tuple(_listed(rows, places) for _, rows in trees), False


def _listed(rows: Any, places: Mapping[str, int]) -> Tree:
    row = {name: place for place, name in enumerate(rows["node_index"])}
    inner = rows["split_feature"].notna().to_numpy()
    categorical = (rows["decision_type"] == "==").to_numpy()
    plain = inner & ~categorical
    return Tree(
        feature=np.array(
            [
                places[one] if is_inner else -1
                for one, is_inner in zip(rows["split_feature"], inner, strict=True)
            ]
        ),
        threshold=np.array(
            [
                float(one) if is_plain else np.nan
                for one, is_plain in zip(rows["threshold"], plain, strict=True)
            ]
        ),
        left=np.array(
            [row[one] if is_inner else -1 for one, is_inner in zip(rows["left_child"], inner, strict=True)]
        ),
        right=np.array(
            [row[one] if is_inner else -1 for one, is_inner in zip(rows["right_child"], inner, strict=True)]
        ),
        categorical=categorical & inner,
    )


def catboost(model: Any) -> Found:
    """By ``CatBoost.get_borders``, each border as a tree of one split: its trees ask theirs of every row."""
    with reading("CatBoost"):
        pairs = [(int(one), float(t)) for one, borders in model.get_borders().items() for t in borders]
        return tuple(_stump(feature, border) for feature, border in pairs), True


def _stump(feature: int, border: float) -> Tree:
    return Tree(
        feature=np.array([feature, -1, -1]),
        threshold=np.array([border, 0.0, 0.0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        categorical=np.zeros(3, dtype=bool),
    )
