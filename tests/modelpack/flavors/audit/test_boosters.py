"""Files of boosted trees whose numbers lie: refused before the library that would follow them has them."""

import copy
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from modelpack.errors import InvalidModel
from modelpack.flavors import skopsfile
from modelpack.flavors.audit import boosters, ubjson
from modelpack.trust import Trust
from tests.modelpack.flavors.audit import forge

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(80, 3))
X[:, 2] = RANDOM.integers(0, 5, 80)
Y = X[:, 0] + 9 * (X[:, 2] % 2)


@functools.cache
def xgboost_booster(kind: str = "gbtree") -> Any:
    parameters = {"booster": kind, "max_depth": 3, "nthread": 1, "verbosity": 0}
    return xgboost.train(parameters, xgboost.DMatrix(X, Y), num_boost_round=3)


@functools.cache
def lightgbm_model(**options: Any) -> Any:
    given = {"n_estimators": 3, "num_leaves": 6, "min_child_samples": 2, "n_jobs": 1, "verbose": -1} | options
    return lightgbm.LGBMRegressor(min_data_per_group=1, cat_smooth=1, **given).fit(
        X, Y, categorical_feature=[2]
    )


@functools.cache
def document() -> Any:
    return json.loads(bytes(xgboost_booster().save_raw("json")))


@pytest.mark.parametrize("kind", ["gbtree", "dart", "gblinear"])
@pytest.mark.parametrize("form", ["ubj", "json"])
def test_what_xgboost_wrote_is_passed(kind: str, form: str) -> None:
    boosters.check_xgboost(bytes(xgboost_booster(kind).save_raw(form)))
    boosters.check_xgboost_booster(xgboost_booster(kind))


def test_both_forms_of_a_file_say_the_same() -> None:
    plain = json.loads(json.dumps(document()), parse_float=np.float32)
    binary = ubjson.loads(bytes(xgboost_booster().save_raw("ubj")))
    for one, other in zip(_trees(plain), _trees(binary), strict=True):
        for name in ("left_children", "split_indices", "default_left", "split_conditions"):
            np.testing.assert_array_equal(one[name], other[name])
    assert plain["version"] == list(binary["version"])


def test_categories_are_passed() -> None:
    data = xgboost.DMatrix(X, Y, feature_types=["q", "q", "c"], enable_categorical=True)
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, data, num_boost_round=2)
    boosters.check_xgboost_booster(booster)


def _trees(whole: Any) -> Any:
    return whole["learner"]["gradient_booster"]["model"]["trees"]


def _set(name: str, place: int, value: int) -> Callable[[Any], None]:
    return lambda whole: _trees(whole)[0][name].__setitem__(place, value)


def _learner(*keys: str, value: Any) -> Callable[[Any], None]:
    def change(whole: Any) -> None:
        part = whole["learner"]
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value

    return change


XGBOOST_LIES: dict[str, Callable[[Any], None]] = {
    "child far away": _set("left_children", 0, 10**6),
    "child before the tree": _set("left_children", 0, -7),
    "child is the root": _set("right_children", 0, 0),
    "child of two": lambda whole: _set("left_children", 1, _trees(whole)[0]["right_children"][0])(whole),
    "child alone": _set("right_children", 0, -1),
    "parent far away": _set("parents", 1, 10**6),
    "column far away": _set("split_indices", 0, 10**6),
    "column before the first": _set("split_indices", 0, -1),
    "number that is not whole": lambda whole: _trees(whole)[0]["left_children"].__setitem__(0, 1.5),
    "node lacking": lambda whole: _trees(whole)[0]["parents"].pop(),
    "tree lacking": lambda whole: _trees(whole).pop(),
    "output far away": _learner("gradient_booster", "model", "tree_info", value=[0, 10**6, 0]),
    "iteration cut": _learner("gradient_booster", "model", "iteration_indptr", value=[0, 9, 2, 3]),
    "columns fewer": _learner("learner_model_param", "num_feature", value="1"),
    "columns no number": _learner("learner_model_param", "num_feature", value="many"),
    "no trees": _learner("gradient_booster", value={}),
}


@pytest.mark.parametrize("lie", XGBOOST_LIES)
def test_a_lie_in_a_file_of_xgboost_is_found(lie: str) -> None:
    whole = copy.deepcopy(document())
    boosters.check_xgboost(json.dumps(whole).encode())
    XGBOOST_LIES[lie](whole)
    with pytest.raises(InvalidModel, match="malformed"):
        boosters.check_xgboost(json.dumps(whole).encode())


def test_a_key_that_stands_twice_is_refused() -> None:
    text = json.dumps(document()).encode()
    with pytest.raises(InvalidModel, match="a key stands twice"):
        boosters.check_xgboost(text.replace(b'"parents"', b'"left_children"'))


def text_of(model: Any) -> bytes:
    return bytes(model.booster_.model_to_string().encode())


def test_what_lightgbm_wrote_is_passed() -> None:
    for model in (
        lightgbm_model(),
        lightgbm_model(linear_tree=True),
        lightgbm_model(n_estimators=1, num_leaves=2),
    ):
        boosters.check_lightgbm(text_of(model))
        boosters.check_lightgbm_booster(model.booster_)
    constant = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(X[:5], Y[:5])
    boosters.check_lightgbm(text_of(constant))


LIGHTGBM_LIES = {
    "child far away": (r"left_child=\S+", "left_child=1000000"),
    "leaf far away": (r"left_child=\S+", "left_child=-1000000"),
    "column far away": (r"split_feature=\S+", "split_feature=1000000"),
    "leaves more": ("num_leaves=6", "num_leaves=9"),
    "leaves fewer": ("num_leaves=6", "num_leaves=5"),
    "leaf lacking": (r"leaf_value=\S+ ", "leaf_value="),
    "categories cut": (r"cat_boundaries=0 \S+", "cat_boundaries=0 10000"),
    "classes more": ("num_class=1", "num_class=9"),
    "trees an iteration more": ("num_tree_per_iteration=1", "num_tree_per_iteration=2"),
    "columns fewer": ("max_feature_idx=2", "max_feature_idx=0"),
    "objective of more classes": ("objective=regression", "objective=multiclass num_class:9"),
    "tree elsewhere": ("tree_sizes=", "tree_sizes=1"),
    "a key twice": ("num_cat=", "num_leaves=6\nnum_cat="),
    "bytes": ("tree\n", "tree\n\0"),
}


@pytest.mark.parametrize("lie", LIGHTGBM_LIES)
def test_a_lie_in_a_file_of_lightgbm_is_found(lie: str) -> None:
    truth = text_of(lightgbm_model()).decode()
    told, count = re.subn(*LIGHTGBM_LIES[lie], truth, count=1)
    assert count == 1
    with pytest.raises(InvalidModel, match="malformed"):
        boosters.check_lightgbm(told.encode())


def test_a_booster_that_came_out_of_skops_is_looked_at_too(tmp_path: Path) -> None:
    model = copy.deepcopy(lightgbm_model())
    path = tmp_path / "model.skops"
    forge.dump(model, path)
    skopsfile.load(path, Trust())
    model.booster_.__dict__["_handle"] = None
    with pytest.raises(InvalidModel, match="it holds nothing"):
        boosters.check_lightgbm_booster(model.booster_)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"Z", None),
        (b"T", True),
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"I\x01\x00", 256),
        (b"l\x00\x01\x00\x00", 65536),
        (b"D\x3f\xf0\0\0\0\0\0\0", 1.0),
        (b"Ca", "a"),
        (b"SU\x02ab", "ab"),
        (b"[TFZ]", [True, False, None]),
        (b"[#U\x02TF", [True, False]),
        (b"[$U#U\x02\x05\x06", [5, 6]),
        (b"[$S#U\x01U\x01a", ["a"]),
        (b"{U\x01aTU\x01bF}", {"a": True, "b": False}),
        (b"{#U\x01U\x01aT", {"a": True}),
        (b"NT", True),
    ],
)
def test_binary_json_is_read(content: bytes, value: Any) -> None:
    found = ubjson.loads(content)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"?",
        b"[",
        b"{U\x01a",
        b"SL\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$d#L\x00\x00\x00\x7f\xff\xff\xff\xff",
        b"[$Z#l\x7f\xff\xff\xff",
        b"[$U",
        b"[#l\xff\xff\xff\xff",
        b"[#d\0\0\0\0",
        b"TT",
        b"SU\x02\xff\xff",
        b"{U\x01aTU\x01aF}",
        b"[" * 200,
        b"{U\x01a" * 200,
    ],
)
def test_binary_json_that_is_cut_or_lies_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidModel, match="UBJSON"):
        ubjson.loads(content)
