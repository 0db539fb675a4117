"""The tree of nodes in a skops file's ``schema.json``: what each would build, told without building it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelpack.errors import InvalidModel, shorten
from modelpack.flavors.audit.archive import Archive
from modelpack.flavors.audit.trees import TreeShape, check_tree

DEEPEST = 200
"""Levels of objects in objects; skops itself recurses."""

OBJECT, FUNCTION, TYPE, METHOD, OPERATOR = "object", "function", "type", "method", "operator"

_KINDS: Mapping[str, str] = {
    "FunctionNode": FUNCTION,
    "TypeNode": TYPE,
    "MethodNode": METHOD,
    "OperatorFuncNode": OPERATOR,
    **dict.fromkeys(
        (
            "BytearrayNode",
            "BytesNode",
            "ConstructorFromReduceNode",
            "DTypeNode",
            "DefaultDictNode",
            "DictNode",
            "JsonNode",
            "ListNode",
            "LossNode",
            "MaskedArrayNode",
            "NdArrayNode",
            "ObjectNode",
            "PartialNode",
            "QuantileForestNode",
            "RandomGeneratorNode",
            "RandomStateNode",
            "SetNode",
            "SliceNode",
            "SparseMatrixNode",
            "TreeNode",
            "TupleNode",
        ),
        OBJECT,
    ),
}
_NAME = re.compile(r"[\w.<>]+")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that the file would build or fetch: its *kind* and its full *name*."""

    kind: str
    name: str


def read(archive: Archive) -> frozenset[Mention]:
    """All that the skops file would build or fetch.

    Raises InvalidModel for a form that skops does not write: a reference to another node, two nodes of one
    identity and different content, a file used twice, arrays that lie about their size, and trees whose
    children or features are out of range.
    """
    schema = archive.schema()
    protocol = schema.get("protocol")
    # Protocol 0 reads functions by other rules; nothing has written it since 2023.
    if type(protocol) is not int or protocol < 1:
        raise InvalidModel("the skops file has an old protocol; save the model again with skops 0.7 or later")
    mentions = set()
    twins = _Twins(archive)
    files: dict[str, Any] = {}
    try:
        for node in _nodes(schema):
            mentions.add(_mention(node))
            twins.check(node)
            _check_file(node, files, archive)
            if node["__loader__"] == "TreeNode":
                check_tree(_tree(node, archive))
    except RecursionError:
        raise _too_deep() from None
    return frozenset(mentions)


def modules(archive: Archive) -> frozenset[str]:
    """The modules that the file names."""
    return frozenset(str(node.get("__module__")) for node in _nodes(archive.schema()))


def _nodes(schema: Node) -> Iterator[Node]:
    """Every object with a loader in *schema*, however it is reached: no fewer than skops would visit."""
    pending: list[tuple[Any, int]] = [(schema, 0)]
    while pending:
        value, depth = pending.pop()
        # Each object of the model takes two or three levels of JSON.
        if depth > DEEPEST * 3:
            raise _too_deep()
        if isinstance(value, dict):
            if type(value.get("__id__", 0)) is not int and not isinstance(value["__id__"], dict):
                raise InvalidModel("a node of the skops file has an identity that is no number")
            if "__loader__" in value:
                yield value
            elif type(value.get("__id__")) is int:
                raise InvalidModel("a node of the skops file is a mere reference, which skops does not write")
            pending.extend((one, depth + 1) for one in value.values())
        elif isinstance(value, list):
            pending.extend((one, depth + 1) for one in value)


def _too_deep() -> InvalidModel:
    return InvalidModel(f"the skops file holds objects in objects, more than {DEEPEST} deep")


def _mention(node: Node) -> Mention:
    loader, module, name = (node.get(key) for key in ("__loader__", "__module__", "__class__"))
    if not isinstance(loader, str) or loader not in _KINDS:
        raise InvalidModel(f"the skops file asks for {shorten(repr(loader), 60)}, which no model needs")
    content = node.get("content")
    kind = _KINDS[loader]
    parts = [module, name]
    if kind == METHOD:
        parts.append(content.get("func") if isinstance(content, dict) else None)
    texts = [part for part in parts if isinstance(part, str) and _NAME.fullmatch(part)]
    if len(texts) != len(parts):
        raise InvalidModel(f"a {loader} of the skops file has no proper name")
    return Mention(kind, ".".join(texts))


class _Twins:
    """Nodes of one identity.

    skops builds the first that it meets and takes it for all others: they must say the same, or what is
    judged here would not be what is built there.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._first: dict[int, Node] = {}
        self._contents: dict[int, Any] = {}

    def check(self, node: Node) -> None:
        """Raise InvalidModel when another node has the identity of *node* and other content."""
        identity = node.get("__id__")
        if identity is None:
            return
        first = self._first.setdefault(identity, node)
        if first is node or first == node:
            return
        if identity not in self._contents:
            self._contents[identity] = self._content(first)
        if self._contents[identity] != self._content(node):
            raise InvalidModel(f"two different nodes of the skops file claim the identity {identity}")

    def _content(self, value: Any) -> Any:
        """*value* without identities, and with the digests of files for their names.

        An object that is met twice may be written twice, with new identities for its parts.
        """
        if isinstance(value, dict):
            return {
                key: self._archive.digest(one)
                if key == "file" and isinstance(one, str)
                else self._content(one)
                for key, one in value.items()
                if key != "__id__"
            }
        return [self._content(one) for one in value] if isinstance(value, list) else value


def _check_file(node: Node, files: dict[str, Any], archive: Archive) -> None:
    name = node.get("file")
    if name is None:
        return
    if not isinstance(name, str):
        raise InvalidModel("a node of the skops file names a file that is no text")
    identity = node.get("__id__")
    # Each node without an identity of its own reads its file again: many would fill the memory.
    if identity is None or files.setdefault(name, identity) != identity:
        raise InvalidModel(f"two nodes of the skops file share the file {shorten(repr(name), 80)}")
    if node["__loader__"] == "NdArrayNode":
        archive.check_array(name)
    elif node["__loader__"] == "SparseMatrixNode":
        archive.check_arrays(name)
    else:
        archive.size(name)


def _tree(node: Node, archive: Archive) -> TreeShape:
    try:
        n_features, n_classes, n_outputs = node["__reduce__"]["args"]["content"]
        state = node["content"]["content"]
        return TreeShape(
            nodes=archive.array(state["nodes"]["file"]),
            values=archive.array(state["values"]["file"]),
            n_classes=archive.array(n_classes["file"]),
            n_features=_whole(n_features, archive),
            n_outputs=_whole(n_outputs, archive),
            max_depth=_whole(state["max_depth"], archive),
            node_count=_whole(state["node_count"], archive),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidModel(
            "a tree in the skops file does not have the form that scikit-learn gives it"
        ) from None


def _whole(node: Node, archive: Archive) -> int:
    value = (
        json.loads(node["content"])
        if node["__loader__"] == "JsonNode"
        else archive.array(node["file"]).item()
    )
    if type(value) is not int:
        raise ValueError("no whole number")
    return value
