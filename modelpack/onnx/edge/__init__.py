"""A bundle for a small device: the ONNX form, all that is known of it, and one file that runs it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from modelpack.errors import InvalidModel
from modelpack.files import staged
from modelpack.onnx.files import digest_of
from modelpack.onnx.report import Report
from modelpack.schema import ColumnSpec, DataType, Schema, Signature

FORMAT = 1
"""Of ``signature.json``; ``run.py`` reads no other."""

MODEL, SIGNATURE, CERTIFICATE = "model.onnx", "signature.json", "parity.json"
RUNNER, HEADER, SUMS = "run.py", "model.h", "SHA256SUMS"


def write_bundle(
    into: Path, model: bytes, report: Report, signature: Signature, *, classes: Sequence[Any] = ()
) -> None:
    """Write the new folder *into*, whole or not at all; the same model gives the same bytes.

    *model* is the ONNX file that *report* is about; *classes* name the columns of probabilities. Raises
    AlreadyExists, and InvalidModel where the report does not say how the graph is fed.
    """
    if digest_of(model) != report.onnx_digest:
        raise InvalidModel("the report is about another ONNX file; export the model again")
    with staged(into) as folder:
        for name, content in contents(model, report, signature, classes).items():
            (folder / name).write_bytes(content)


def contents(
    model: bytes, report: Report, signature: Signature, classes: Sequence[Any]
) -> Mapping[str, bytes]:
    """The files of a bundle by name; ``SHA256SUMS``, which ``sha256sum -c`` reads, names all the others."""
    # Here and not above: ONNX takes a second to import.
    from modelpack.onnx.edge.header import header

    made = {
        MODEL: model,
        SIGNATURE: _text(json.dumps(_told(report, signature, classes), indent=1, ensure_ascii=False)),
        CERTIFICATE: report.to_json().encode(),
        RUNNER: (files(__package__) / RUNNER).read_bytes(),
        HEADER: _text(header(model, report, classes)),
    }
    lines = (f"{hashlib.sha256(made[name]).hexdigest()}  {name}" for name in sorted(made))
    return {**made, SUMS: _text("\n".join(lines))}


def _text(text: str) -> bytes:
    return f"{text.rstrip()}\n".encode()


def _told(report: Report, signature: Signature, classes: Sequence[Any]) -> dict[str, Any]:
    """What the runner goes by."""
    if report.layout is None or signature.inputs is None:
        raise InvalidModel("the report does not say how the graph is fed; export the model again")
    plain = signature.to_dict()
    return {
        "format": FORMAT,
        "certified": list(report.certified),
        "inputs": None if plain["inputs"] is None else json.loads(plain["inputs"]),
        "outputs": None if plain["outputs"] is None else json.loads(plain["outputs"]),
        "columns": [
            {"name": name, "kind": kind, "required": required}
            for name, kind, required in _columns(signature.inputs)
        ],
        "classes": list(classes),
        "graph": report.layout.to_json(),
        "domain": report.domain.to_json(),
        "threads": report.threads,
    }


def _columns(schema: Schema) -> list[tuple[str | int, str, bool]]:
    """Name, type and whether it must be there, of each column; those of a matrix are numbered."""
    if not schema.is_tensor:
        return [
            (name, _kind(spec), spec.required)
            for name, spec in zip(schema.names, schema.columns, strict=True)
        ]
    spec = schema.tensors[0]
    kinds = {"b": "boolean", "i": "long", "u": "long"}
    kind = kinds.get(spec.dtype.kind, "float" if spec.dtype.itemsize == 4 else "double")
    return [(place, kind, True) for place in range(spec.shape[1])]


def _kind(spec: ColumnSpec) -> str:
    if not isinstance(spec.type, DataType):
        raise InvalidModel("a bundle holds columns of numbers, booleans and text only")
    return spec.type.value
