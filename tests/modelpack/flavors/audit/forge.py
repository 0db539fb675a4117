"""skops files as an attacker would make them."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

Node = dict[str, Any]


def node(loader: str, module: str, name: str, **more: Any) -> Node:
    """One node of ``schema.json``."""
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def text(value: Any) -> Node:
    """A JSON value as a node."""
    return node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def sequence(*items: Node, kind: str = "tuple") -> Node:
    """A tuple or a list as a node."""
    return node("TupleNode" if kind == "tuple" else "ListNode", "builtins", kind, content=list(items))


def mapping(**items: Node) -> Node:
    """A dict with text keys as a node."""
    keys = [node("TypeNode", "builtins", "str") for _ in items]
    return node("DictNode", "builtins", "dict", content=items, key_types=sequence(*keys, kind="list"))


def write(path: Path, schema: Any, members: Mapping[str, bytes] | None = None, **options: Any) -> Path:
    """A skops file with this *schema* and these *members*."""
    if isinstance(schema, dict):
        schema = {"protocol": 2, "_skops_version": "0.16.0", **schema}
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in (members or {}).items():
            file.writestr(name, content)
        file.writestr("schema.json", schema if isinstance(schema, bytes) else json.dumps(schema))
    return path


def rewrite(path: Path, change: Callable[[Node, dict[str, bytes]], None]) -> Path:
    """The skops file *path*, after *change* had its schema and its members."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    schema = json.loads(members.pop("schema.json"))
    change(schema, members)
    return write(path, schema, members)


def dump(model: Any, path: Path) -> Path:
    """*model* as skops writes it, unchecked."""
    skops.io.dump(model, path)
    return path


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    """*array* in numpy's format."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def find(schema: Any, loader: str) -> Node:
    """The first node of *loader*."""
    pending = [schema]
    while pending:
        value = pending.pop(0)
        if isinstance(value, dict):
            if value.get("__loader__") == loader:
                return value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    raise AssertionError(f"no {loader}")
