"""An ONNX file of anyone's, looked at before a runtime is: what files it names, and that it opens.

External data lie in the model's directory, within their files' bounds, or the model is refused. A child
process opens the file first: ``python -m modelpack.flavors.audit.onnxfile``.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten

LARGEST = 2**31 - 1
"""Bytes; no protobuf message may be longer."""

_EXTERNAL = 1
"""``TensorProto.EXTERNAL``."""

_KEYS = frozenset({"location", "offset", "length", "checksum"})


def check(onnx: Any, path: Path, source: ModelDirectory) -> None:
    """Raise InvalidModel unless *path* is an ONNX file whose external data, if any, lie in *source*."""
    if path.stat().st_size > LARGEST:
        raise InvalidModel(
            f"an ONNX model of {path.stat().st_size} bytes; no more than {LARGEST} can be read"
        )
    try:
        model = onnx.load_model(str(path), load_external_data=False)
        named = list(external(model))
    except OSError:
        raise
    except Exception as error:
        raise InvalidModel(shorten(f"{path.name} is no ONNX model: {error}")) from error
    for tensor in named:
        _check_external(onnx, tensor, source)


def external(model: Any) -> Iterator[Any]:
    """The tensors of *model* whose numbers are in other files."""
    return (tensor for tensor in tensors(model) if tensor.data_location == _EXTERNAL)


def tensors(model: Any) -> Iterator[Any]:
    """All tensors of *model*: of its graphs, however deep, of attributes and of functions."""
    graphs = [
        model.graph,
        *(one for info in model.training_info for one in (info.initialization, info.algorithm)),
    ]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            yield from (part for one in graph.sparse_initializer for part in (one.values, one.indices))
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            # Not the empty ones: to be asked would make them be there.
            yield from (*_one(attribute, "t"), *attribute.tensors)
            for sparse in (*_one(attribute, "sparse_tensor"), *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs.extend((*_one(attribute, "g"), *attribute.graphs))


def _one(attribute: Any, name: str) -> tuple[Any, ...]:
    return (getattr(attribute, name),) if attribute.HasField(name) else ()


def _check_external(onnx: Any, tensor: Any, source: ModelDirectory) -> None:
    keys = [one.key for one in tensor.external_data]
    if unknown := set(keys) - _KEYS:
        raise InvalidModel(f"external data of an ONNX model with the entry {shorten(repr(min(unknown)), 60)}")
    if len(keys) != len(set(keys)):
        raise InvalidModel("external data of an ONNX model with an entry twice")
    entries = {one.key: one.value for one in tensor.external_data}
    path = source.file(entries.get("location", ""))
    status = path.stat()
    if status.st_nlink != 1:
        raise InvalidModel(
            f"{shorten(path.name, 80)} has another name elsewhere; a model's files are its own"
        )
    offset, length = (_number(entries.get(key, "0")) for key in ("offset", "length"))
    size = prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    if min(tensor.dims, default=0) < 0 or offset + max(length, size) > status.st_size:
        raise InvalidModel(f"a tensor of the ONNX model lies beyond the end of {shorten(path.name, 80)}")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InvalidModel(f"external data of an ONNX model at {shorten(repr(text), 40)}, which is no place")
    return int(text)


def survive(path: Path, *, seconds: float = 120.0) -> None:
    """Raise InvalidModel unless a child opens *path* in *seconds*: what crashes it crashes nobody else."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "modelpack.flavors.audit.onnxfile"],
            input=os.fsencode(path),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidModel(f"the ONNX model was not open after {seconds:g} seconds") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"a child process ended with {done.returncode}"
        raise InvalidModel(shorten(f"the ONNX model does not open: {why}"))


def main() -> None:
    """Check and open the file that standard input names."""
    import onnx
    import onnxruntime

    path = os.fsdecode(sys.stdin.buffer.read())
    onnx.checker.check_model(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
