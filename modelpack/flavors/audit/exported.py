"""A file of ``torch.export``, looked at before torch does: what it names, would unpickle, and would run.

``torch.export.load`` unpickles whatever the file says, looks operations up by name anywhere in torch,
evaluates sizes and guards as Python, and writes names into code that it then runs. So each of these is held
to a grammar here. Source: torch 2.13, ``torch/export/pt2_archive`` and ``torch/_export/serde``.
"""

import ast
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from modelpack.errors import InvalidModel, Untrusted, shorten
from modelpack.flavors.audit.archive import Archive, open_archive

_MODEL = "models/model.json"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_EXAMPLE = "data/sample_inputs/model.pt"
_PLAIN = frozenset(
    {"archive_format", "archive_version", ".data/version", "byteorder", ".data/serialization_id"}
)
_TENSOR = re.compile(r"data/(weights/weight|constants/tensor)_\d{1,9}")
_RECORD = re.compile(r"(weight|tensor)_\d{1,9}")
_LARGEST_JSON = 256 << 20
_DEEPEST = 64

_WORD = re.compile(r"[A-Za-z_]\w{0,299}|", re.ASCII)
_PATH = re.compile(r"[\w.]{0,1000}", re.ASCII)
_USUAL = re.compile(r"[\w.+:\-]{0,300}", re.ASCII)
_SYMBOL = re.compile(r"[a-z]\d{1,9}", re.ASCII)
_WORDS = frozenset({"name", "as_name", "forward_arg_names"})
_PATHS = frozenset({"fqn", "parameter_name", "buffer_name", "tensor_constant_name", "user_input_name"})
_TARGETS = frozenset({"target", "as_operator"})
_FREE = frozenset({"as_string", "as_strings"})
"""Arguments that the generated code holds as quoted text."""

_REFUSED = frozenset({"as_custom_obj", "custom_obj", "as_custom_objs"})

_ATEN = re.compile(r"torch\.ops\.aten\.(\w{1,100})\.\w{1,100}")
_WRITING = frozenset(
    {"save", "from_file", "warn", "_print", "set_", "set", "set_data", "resize_", "data_ptr"}
)
"""What reaches beyond tensors: files, messages, memory of others."""

_OTHERS = re.compile(
    r"torch\.sym_(int|float|max|min|not|ite|sqrt|sum)|torch\._sym_sqrt|math\.(ceil|floor|trunc|sqrt|pow)"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pos|pow|eq|ne|lt|le|gt|ge|and_|or_|not_|getitem)"
    r"|torch\.ops\.higher_order\.(cond|while_loop|wrap_with_set_grad_enabled)"
)
_TREES = frozenset({"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict", None})
_FUNCTIONS = frozenset(
    {
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Max",
        "Min",
        "Mod",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Not",
        "FloorDiv",
        "CeilDiv",
        "PythonMod",
        "CleanDiv",
        "IntTrueDiv",
        "FloatTrueDiv",
        "ModularIndexing",
        "CeilToInt",
        "FloorToInt",
        "TruncToInt",
        "TruncToFloat",
        "RoundToInt",
        "ToFloat",
        "Identity",
        "Where",
        "Abs",
        "abs",
        "max",
        "min",
        "Equality",
        "Unequality",
        "GreaterThan",
        "LessThan",
        "StrictGreaterThan",
        "StrictLessThan",
        "Pow",
    }
)
_NODES = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Call,
    ast.keyword,
    ast.Subscript,
    ast.Attribute,
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.USub,
    ast.UAdd,
    ast.Not,
    ast.And,
    ast.Or,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
)
_MEASURES = frozenset({"size", "stride", "storage_offset"})
_HIGHEST_POWER = 4


def check(path: Path) -> list[str]:
    """Raise Untrusted unless *path* holds nothing but tensors, and a graph of operations on them.

    Answers the members that are pickles, which may be unpickled with ``weights_only`` alone. Raises
    InvalidModel for what is no such file at all. Needs no torch, and runs nothing.
    """
    size = path.stat().st_size
    with path.open("rb") as file, open_archive(file, path.name, size) as archive:
        _require_one_directory(file, size, path.name)
        members = _members(archive, path.name)
        if _MODEL not in members:
            raise InvalidModel(f"{path.name} is no exported program: it has no {_MODEL}")
        for name in members:
            if name not in (_MODEL, _EXAMPLE, *_CONFIGS, *_PLAIN) and not _TENSOR.fullmatch(name):
                raise _suspect(f"a member {name!r}")
        pickled = [members[_EXAMPLE]] if _EXAMPLE in members else []
        for name in _CONFIGS:
            if name in members:
                config = _json(archive, members[name])
                _walk(config.get("config"), "config", 0)
                pickled += [members[one] for one in _unpickled(config, name) if one in members]
        _walk(_json(archive, members[_MODEL]), "", 0)
        return pickled


def _require_one_directory(file: BinaryIO, size: int, name: str) -> None:
    """Refuse an archive of which two readers may see different members: its directory is at its very end."""
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    end, at = tail[-22:], size - 22
    length, start, comment = struct.unpack_from("<LLH", end, 12)
    if tail[-42:-38] == b"PK\x06\x07":
        # The longer form, which torch writes: a record before this one has the figures.
        at = struct.unpack_from("<Q", tail, len(tail) - 42 + 8)[0]
        record = tail[-_TAIL:-42]
        if at != size - _TAIL or record[:4] != b"PK\x06\x06":
            raise InvalidModel(f"{name} is no exported program: its directory is not at its end")
        length, start = struct.unpack_from("<QQ", record, 40)
    if end[:4] != b"PK\x05\x06" or comment or start + length != at:
        raise InvalidModel(f"{name} is no exported program: its directory is not at its end")


_TAIL = 56 + 20 + 22
"""Bytes of the three records at the end of an archive."""


def _members(archive: Archive, name: str) -> dict[str, str]:
    """Full names by the names below the one folder that all lie in."""
    folders = {one.partition("/")[0] for one in archive.names()}
    below = {one.partition("/")[2]: one for one in archive.names()}
    # torch looks names up without regard to case.
    if len(folders) != 1 or len({one.casefold() for one in below}) != len(archive.names()):
        raise InvalidModel(f"{name} is no exported program: its members do not lie in one folder, once each")
    return below


def _json(archive: Archive, name: str) -> dict[str, Any]:
    if archive.size(name) > _LARGEST_JSON:
        raise InvalidModel(
            f"{shorten(name, 60)} of the exported program has more than {_LARGEST_JSON >> 20} MiB"
        )
    try:
        value = json.loads(archive.read(name))
    except (ValueError, RecursionError):
        raise InvalidModel(f"{shorten(name, 60)} of the exported program is no JSON") from None
    if not isinstance(value, dict):
        raise InvalidModel(f"{shorten(name, 60)} of the exported program is no object")
    return value


def _unpickled(config: dict[str, Any], name: str) -> Iterator[str]:
    """The members that the table *config* has unpickled."""
    entries = config.get("config")
    if not isinstance(entries, dict):
        raise _suspect("a table of weights that is none")
    for entry in entries.values():
        place = entry.get("path_name") if isinstance(entry, dict) else None
        if not isinstance(place, str) or not _RECORD.fullmatch(place):
            raise _suspect(f"an object that is no tensor, {place!r}")
        if entry.get("use_pickle") is not False:
            yield f"{name.rpartition('/')[0]}/{place}"


def _walk(value: Any, key: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise _suspect("a graph that is nested too deep")
    if isinstance(value, dict):
        for name, one in value.items():
            _key(name, one)
            if not (name == "metadata" and _is_note(one)):
                _walk(one, name, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _walk(one, key, depth + 1)
    elif isinstance(value, str):
        _text(value, key)


def _is_note(value: Any) -> bool:
    """Whether *value* is what torch keeps of a node's source, and reads as text alone."""
    return (
        isinstance(value, dict)
        and set(value) <= _NOTES
        and all(isinstance(one, str) for one in value.values())
    )


_NOTES = frozenset({"stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "custom", "from_node"})


def _key(name: str, value: Any) -> None:
    if name in _REFUSED and value is not None:
        raise _suspect("an object that is no tensor")
    if name == "treespec_namedtuple_fields" and value:
        raise _suspect("a named tuple")
    # Symbols of sizes are keys, too.
    if not _PATH.fullmatch(name):
        raise _suspect(f"the name {name!r}")


def _text(value: str, key: str) -> None:
    if key == "expr_str":
        _expression(value)
    elif key == "guards_code":
        _expression(value, is_guard=True)
    elif key in ("in_spec", "out_spec"):
        _tree(value)
    elif key in _TARGETS:
        _operation(value)
    elif key in _FREE:
        return
    elif not (_WORD if key in _WORDS else _PATH if key in _PATHS else _USUAL).fullmatch(value):
        raise _suspect(f"the {shorten(key, 40)} {value!r}")


def _operation(target: str) -> None:
    found = _ATEN.fullmatch(target)
    name = found[1] if found else ""
    is_unsafe = "unsafe" in name and name != "_unsafe_view"
    if name in _WRITING or is_unsafe or (found is None and not _OTHERS.fullmatch(target)):
        raise _suspect(f"the operation {target!r}")


def _tree(text: str) -> None:
    try:
        protocol, top = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise _suspect("a shape of arguments that is none") from None
    pending = [top]
    while pending:
        node = pending.pop()
        context = node.get("context") if isinstance(node, dict) else ""
        if protocol != 1 or not isinstance(node, dict) or node.get("type", "") not in _TREES:
            raise _suspect("arguments or answers that are no tuples, lists or mappings")
        if context is not None and not _is_plain(context):
            raise _suspect(f"names of arguments like {context!r}")
        pending += node.get("children_spec") or []


def _is_plain(context: Any) -> bool:
    """Whether *context* is JSON for nothing, or for a list of names."""
    try:
        value = json.loads(context)
    except (ValueError, TypeError, RecursionError):
        return False
    return value is None or (
        isinstance(value, list) and all(isinstance(one, str) and _WORD.fullmatch(one) for one in value)
    )


def _expression(text: str, *, is_guard: bool = False) -> None:
    """Refuse what is no arithmetic of sizes; torch hands *text* to ``eval``."""
    try:
        tree = ast.parse(text, mode="eval") if len(text) < 10_000 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None or not all(_is_arithmetic(node, is_guard=is_guard) for node in ast.walk(tree)):
        raise _suspect(f"the expression {text!r}")


def _is_arithmetic(node: ast.AST, *, is_guard: bool) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _FUNCTIONS or bool(_SYMBOL.fullmatch(node.id)) or (is_guard and node.id == "L")
    if isinstance(node, ast.Constant):
        return _is_small(node.value)
    if isinstance(node, ast.Attribute):
        return is_guard and node.attr in _MEASURES
    if isinstance(node, ast.Subscript):
        return is_guard
    if isinstance(node, ast.keyword):
        return node.arg is not None and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "Pow":
            return len(node.args) == 2 and _is_low(node.args[1])
        return isinstance(node.func, ast.Name | ast.Attribute)
    return isinstance(node, _NODES)


def _is_small(value: object) -> bool:
    if isinstance(value, str):
        return bool(value) and bool(_WORD.fullmatch(value))
    return isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63)


def _is_low(power: ast.expr) -> bool:
    """Whether *power* is a small number, ``Integer(2)``: a greater one may never be computed."""
    inner = power.args[0] if isinstance(power, ast.Call) and len(power.args) == 1 else power
    value = inner.operand if isinstance(inner, ast.UnaryOp) else inner
    return isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value <= _HIGHEST_POWER


def _suspect(what: str) -> Untrusted:
    return Untrusted(
        f"the exported program holds {shorten(what, 120)}, with which it may run any code",
        allow="--trust pickle",
    )
