"""What a C program has to know of the graph, as a header: names, shapes, types, digest."""

from collections.abc import Iterator, Sequence
from typing import Any

import onnx

from modelpack.errors import InvalidModel
from modelpack.onnx.layout import Layout
from modelpack.onnx.report import Report

_GUARD = "MODELPACK_MODEL_H"


def header(model: bytes, report: Report, classes: Sequence[Any]) -> str:
    """C99 that describes the graph *model*, which *report* is about. Raises InvalidModel without a layout."""
    if report.layout is None:
        raise InvalidModel("the report does not say how the graph is fed; export the model again")
    graph = onnx.load_from_string(model).graph
    return "\n".join(_lines(graph, report, report.layout, classes)) + "\n"


def _lines(graph: onnx.GraphProto, report: Report, layout: Layout, classes: Sequence[Any]) -> Iterator[str]:
    yield "/* The graph in model.onnx: what to feed, and what comes back. Written by modelpack. */"
    yield f"#ifndef {_GUARD}"
    yield f"#define {_GUARD}"
    yield ""
    yield "#include <stddef.h>"
    yield "#include <stdint.h>"
    yield ""
    yield f"#define MODEL_SHA256 {_literal(report.onnx_digest.removeprefix('sha256:'))}"
    yield f"#define MODEL_INPUT_COUNT {len(layout.blocks)}"
    yield f"#define MODEL_OUTPUT_COUNT {len(layout.outputs)}"
    yield ""
    yield "/* type is an ONNXTensorElementDataType: 1 float, 6 int32, 7 int64, 8 string, 9 bool, 11 double."
    yield "   shape[0] is -1: the number of rows; rank 1 has no shape[1], and -1 there is not known. */"
    yield "typedef struct model_tensor {"
    yield "  const char *name;"
    yield "  int type;"
    yield "  size_t rank;"
    yield "  int64_t shape[2];"
    yield "} model_tensor;"
    yield ""
    yield from _inputs(graph, layout)
    yield from _outputs(graph, report, layout, classes)
    yield f"#endif /* {_GUARD} */"


def _inputs(graph: onnx.GraphProto, layout: Layout) -> Iterator[str]:
    values = {value.name: value for value in graph.input}
    yield "static const model_tensor MODEL_INPUTS[MODEL_INPUT_COUNT] = {"
    for block in layout.blocks:
        yield _tensor(values[block.name], len(block.columns))
    yield "};"
    yield ""
    for place, block in enumerate(layout.blocks):
        yield f"/* The columns of input {place}, in order. */"
        yield from _names(f"MODEL_INPUT_{place}_COLUMNS", [str(one) for one in block.columns])


def _outputs(graph: onnx.GraphProto, report: Report, layout: Layout, classes: Sequence[Any]) -> Iterator[str]:
    values = {value.name: value for value in graph.output}
    yield "static const model_tensor MODEL_OUTPUTS[MODEL_OUTPUT_COUNT] = {"
    for method, output in layout.outputs.items():
        known = len(classes) if method == "predict_proba" and classes else -1
        yield _tensor(values[output.name], known)
    yield "};"
    yield ""
    yield "/* Whether the output is certified to be what the model answers. */"
    flags = ", ".join("1" if method in report.certified else "0" for method in layout.outputs)
    yield f"static const int MODEL_OUTPUT_CERTIFIED[MODEL_OUTPUT_COUNT] = {{{flags}}};"
    yield ""
    if classes:
        yield "/* What the columns of probabilities stand for. */"
        yield from _names("MODEL_CLASSES", [str(one) for one in classes])


def _tensor(value: onnx.ValueInfoProto, width: int) -> str:
    """One line of the table; *width* where the graph itself does not say how wide a row is."""
    if not value.type.HasField("tensor_type"):
        raise InvalidModel("the graph gives maps; a header tells of tensors only")
    sizes = value.type.tensor_type.shape.dim
    if len(sizes) > 1 and sizes[1].dim_value:
        width = sizes[1].dim_value
    shape = f"{{-1, {width if len(sizes) > 1 else 0}}}"
    return f"  {{{_literal(value.name)}, {value.type.tensor_type.elem_type}, {len(sizes)}, {shape}}},"


def _names(name: str, values: Sequence[str]) -> Iterator[str]:
    yield f"#define {name}_COUNT {len(values)}"
    yield f"static const char *const {name}[{name}_COUNT] = {{"
    for value in values:
        yield f"  {_literal(value)},"
    yield "};"
    yield ""


def _literal(text: str) -> str:
    """*text* as a C string of UTF-8, all but plain characters as three octal digits."""
    return '"' + "".join(_character(byte) for byte in text.encode("utf-8", "surrogatepass")) + '"'


def _character(byte: int) -> str:
    # A question mark could begin a trigraph.
    return chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
