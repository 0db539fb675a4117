"""Exported programs that hold more than they should: what plain torch runs, and what is refused here."""

import contextlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import modelpack
from modelpack.errors import InvalidModel, ModelpackError, Untrusted
from modelpack.flavors.audit import exported
from modelpack.flavors.torch import FLAVOR
from modelpack.trust import Trust
from tests.torch.small import asked, net, pair, rows

Members = dict[str, bytes]

MODEL = "models/model.json"
EXAMPLE = "data/sample_inputs/model.pt"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of ``net``, saved here."""
    folder = tmp_path_factory.mktemp("honest") / "model"
    return modelpack.save(net(), folder, input_example=rows()[:2], requirements=[]).path


def crafted(honest: Path, folder: Path, change: Callable[[Members], None]) -> Path:
    """The directory of *honest*, as MLflow would have left it, with another program."""
    with zipfile.ZipFile(honest / "data" / "model.pt2") as archive:
        top = archive.namelist()[0].partition("/")[0]
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    (folder / "data").mkdir(parents=True)
    with zipfile.ZipFile(folder / "data" / "model.pt2", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{top}/{name}", content)
    (folder / "MLmodel").write_text(
        "flavors:\n  pytorch: {model_data: data, pytorch_version: 2.13.0}\n"
        "  python_function: {loader_module: mlflow.pytorch, data: data}\nmlflow_version: 3.17.2\n"
    )
    return folder


class Touch:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def evil(mark: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save((Touch(mark), {}), buffer)
    return buffer.getvalue()


def edited(members: Members, change: Callable[[Any], None], name: str = MODEL) -> None:
    value = json.loads(members[name])
    change(value)
    members[name] = json.dumps(value).encode()


def graph(value: Any) -> Any:
    return value["graph_module"]["graph"]


def first_node(**changes: Any) -> Callable[[Any], None]:
    return lambda value: graph(value)["nodes"][0].update(changes)


def example(mark: Path) -> Callable[[Members], None]:
    return lambda members: members.update({EXAMPLE: evil(mark)})


def weights(mark: Path) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        edited(members, lambda value: value["config"]["last.bias"].update(use_pickle=True), WEIGHTS)
        place = json.loads(members[WEIGHTS])["config"]["last.bias"]["path_name"]
        members[f"data/weights/{place}"] = evil(mark)

    return change


def opaque(mark: Path) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        meta = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
        edited(members, lambda value: value["config"].update(thing=meta), CONSTANTS)
        members["data/constants/opaque_obj_0"] = pickle.dumps(Touch(mark))

    return change


def legacy(mark: Path) -> Callable[[Members], None]:
    return lambda members: members.update({"data/constants/model.pt": evil(mark)})


def guard(mark: Path) -> Callable[[Members], None]:
    code = f"__import__('pathlib').Path({str(mark)!r}).touch() is None"
    return lambda members: edited(members, lambda value: value.update(guards_code=[code]))


def expression(mark: Path) -> Callable[[Members], None]:
    def change(value: Any) -> None:
        sizes = graph(value)["tensor_values"]["x"]["sizes"][0]["as_expr"]
        sizes["expr_str"] = f"__import__('pathlib').Path({str(mark)!r}).touch() or 4"

    return lambda members: edited(members, change)


def operation(mark: Path) -> Callable[[Members], None]:
    """An operation of torch itself, which makes a file."""
    given = [
        {"name": "filename", "arg": {"as_string": str(mark)}, "kind": 1},
        {"name": "shared", "arg": {"as_bool": True}, "kind": 1},
        {"name": "size", "arg": {"as_int": 4}, "kind": 1},
    ]
    changes = first_node(target="torch.ops.aten.from_file.default", inputs=given)
    return lambda members: edited(members, changes)


def arguments(mark: Path) -> Callable[[Members], None]:
    """A name that leads out of the head of the function that is generated."""
    name = f"x=__import__('pathlib').Path({str(mark)!r}).touch()"
    return lambda members: members.update({MODEL: members[MODEL].replace(b'"x"', json.dumps(name).encode())})


def enumeration(mark: Path) -> Callable[[Members], None]:
    """Keys of arguments may be members of an enumeration of any module, which is imported."""
    module = mark.with_name("imported_by_a_tree.py")
    context = json.dumps([{"__enum__": True, "fqn": f"{module.stem}:E", "name": "a"}])

    def change(members: Members) -> None:
        module.write_text(
            f"import enum, pathlib\npathlib.Path({str(mark)!r}).touch()\nclass E(enum.Enum):\n    a = 1\n"
        )
        edited(
            members,
            lambda value: value["graph_module"]["module_call_graph"][0]["signature"].update(
                in_spec=json.dumps(
                    [1, {"type": "builtins.dict", "context": context, "children_spec": [None]}]
                )
            ),
        )

    return change


ATTACKS = [example, weights, opaque, legacy, guard, expression, operation, arguments, enumeration]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_what_plain_torch_runs_is_refused_here(
    attack: Any, honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    mark = tmp_path / "mark"
    folder = crafted(honest, tmp_path / "model", attack(mark))
    with pytest.raises(Untrusted, match="--trust pickle"):
        modelpack.load(folder)
    with pytest.raises(Untrusted):
        modelpack.load_predictor(folder, trust=Trust(code=True, types=("torch.*",)))
    assert not mark.exists()
    if attack not in (example, weights):
        assert FLAVOR.needs(modelpack.open_model(folder)) == ("pickle",)
    # The same file, read as torch reads it.
    with contextlib.suppress(Exception):
        torch.export.load(folder / "data" / "model.pt2").module()(torch.from_numpy(rows()))
    assert mark.exists()


def test_the_honest_file_is_loaded_after_the_same_surgery(honest: Path, tmp_path: Path) -> None:
    folder = crafted(honest, tmp_path / "model", lambda members: None)
    np.testing.assert_array_equal(modelpack.load_predictor(folder).predict(rows()), asked(net(), rows()))
    assert FLAVOR.needs(modelpack.open_model(folder)) == ()


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.save.default",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten._unsafe_index.Tensor",
        "torch.ops.aten.warn.default",
        "torch.ops.mine.run.default",
        "torch.ops.aten.__class__.__init__.x",
        "torch.load",
        "torch.ops.load_library",
        "_operator.attrgetter",
        "_operator.methodcaller",
        "math.__loader__.load_module",
        "torch.ops.higher_order.print",
        "#mine:run",
    ],
)
def test_an_operation_that_reaches_beyond_tensors_is_refused(
    target: str, honest: Path, tmp_path: Path
) -> None:
    folder = crafted(honest, tmp_path / "m", lambda members: edited(members, first_node(target=target)))
    with pytest.raises(Untrusted, match="the operation"):
        modelpack.load(folder)


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("Symbol('s77', positive=True, integer=True)", False),
        (
            "Mul(Integer(12), Max(Integer(1), Add(Symbol('s53', positive=True, integer=True), Integer(-2))))",
            False,
        ),
        ("Pow(Symbol('s0'), Integer(2))", False),
        ("s0 + 2*s1", False),
        ("Pow(Integer(9), Integer(999999999))", True),
        ("9**9**9", True),
        ("Pow(9, Pow(9, 9))", True),
        ("().__class__", True),
        ("eval('1')", True),
        ("Symbol('a b')", True),
        ("Symbol.__init__", True),
        ("[x for x in (1,)]", True),
        ("lambda: 1", True),
        ("(s0 := 3)", True),
        ("f'{s0}'", True),
        ("Symbol(**{})", True),
        ("Symbol(*s0)", True),
        ("Integer(1).size()", True),
        ("(" * 500, True),
        ("", True),
    ],
)
def test_sizes_are_arithmetic(text: str, is_refused: bool, honest: Path, tmp_path: Path) -> None:
    def change(value: Any) -> None:
        graph(value)["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = text

    path = crafted(honest, tmp_path / "m", lambda members: edited(members, change)) / "data" / "model.pt2"
    if not is_refused:
        exported.check(path)
        return
    with pytest.raises(Untrusted, match="the expression"):
        exported.check(path)


def test_nothing_hides_behind_the_name_of_what_is_not_looked_at(honest: Path, tmp_path: Path) -> None:
    def change(value: Any) -> None:
        shapes = graph(value)["tensor_values"]
        shapes["metadata"] = shapes["x"]
        shapes["metadata"]["sizes"][0]["as_expr"]["expr_str"] = "print(1)"
        del shapes["x"]

    path = crafted(honest, tmp_path / "m", lambda members: edited(members, change)) / "data" / "model.pt2"
    with pytest.raises(Untrusted, match="the expression"):
        exported.check(path)


@pytest.mark.parametrize(
    "name",
    [
        "data/aotinductor/model/a.so",
        "data/weights/model.pt",
        "data/constants/custom_obj_0",
        "code/a.py",
        "models/b.json",
    ],
)
def test_a_member_that_no_program_of_tensors_has_is_refused(name: str, honest: Path, tmp_path: Path) -> None:
    folder = crafted(honest, tmp_path / "m", lambda members: members.update({name: b"x"}))
    with pytest.raises(Untrusted, match="a member"):
        modelpack.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda members: members.pop(MODEL), id="no graph"),
        pytest.param(lambda members: members.update({MODEL: b"{"}), id="no JSON"),
        pytest.param(lambda members: members.update({MODEL: b"[]"}), id="no object"),
        pytest.param(lambda members: members.update({MODEL.upper(): b"{}"}), id="another case"),
    ],
)
def test_what_is_no_program_is_refused(change: Any, honest: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="exported program"):
        modelpack.load(crafted(honest, tmp_path / "m", change))


@pytest.mark.parametrize("where", ["before", "after", "comment"])
def test_an_archive_of_which_readers_may_see_two_is_refused(where: str, honest: Path, tmp_path: Path) -> None:
    path = crafted(honest, tmp_path / "m", lambda members: None) / "data" / "model.pt2"
    content = path.read_bytes()
    changed = {
        "before": b"PK\x03\x04" + content,
        "after": content + b"\0",
        "comment": content[:-2] + b"\4\0abcd",
    }[where]
    path.write_bytes(changed)
    with pytest.raises(InvalidModel):
        exported.check(path)


def test_damaged_files_are_refused_and_nothing_else_is_raised(honest: Path, tmp_path: Path) -> None:
    content = (honest / "data" / "model.pt2").read_bytes()
    random = np.random.default_rng(11)
    print("seed 11")
    path = tmp_path / "model.pt2"
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 6):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(
            bytes(damaged[: random.integers(1, len(content))] if random.random() < 0.2 else damaged)
        )
        with contextlib.suppress(ModelpackError):
            exported.check(path)


def test_programs_with_guards_and_branches_pass(tmp_path: Path) -> None:
    class Guarded(torch.nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
        def forward(self, x: torch.Tensor) -> Any:
            with torch.no_grad():
                y = x[:, 2:].sum(1)
            return torch.cond(y.sum() > 0, lambda one: one.sin(), lambda one: one.cos(), (y,))

    data = rows()[:, [0, 1, 2, 3, 0]]
    free = modelpack.Signature(
        inputs=modelpack.schema.Schema((modelpack.schema.TensorSpec(np.dtype(np.float32), (-1, -1)),))
    )
    path = modelpack.save(Guarded(), tmp_path / "m", input_example=data, signature=free, requirements=[]).path
    with zipfile.ZipFile(path / "data" / "model.pt2") as archive:
        text = archive.read("model/models/model.json")
    assert b"higher_order.cond" in text
    assert json.loads(text)["guards_code"]
    np.testing.assert_array_equal(modelpack.load_predictor(path).predict(data), asked(Guarded(), data))


def test_a_pickle_in_place_of_weights_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = modelpack.save(net(), tmp_path / "m", format="state_dict", requirements=[]).path
    (path / "data" / "state_dict.pth").write_bytes(evil(mark))
    (path / "modelpack.manifest.json").unlink()
    (path / "MLmodel").write_text((path / "MLmodel").read_text().replace("modelpack:", "other:"))
    with pytest.raises(Untrusted, match="a pickle of more than tensors"):
        modelpack.load(path, trust=Trust(types=("tests.torch.small.Net",)))
    assert not mark.exists()
    torch.load(path / "data" / "state_dict.pth", weights_only=False)
    assert mark.exists()


def test_programs_of_several_kinds_pass(tmp_path: Path) -> None:
    example = {"picture": np.zeros((2, 1, 6, 6), np.float32), "codes": np.zeros((2, 5), np.int64)}
    path = modelpack.save(pair(), tmp_path / "m", input_example=example, requirements=[]).path
    exported.check(path / "data" / "model.pt2")
