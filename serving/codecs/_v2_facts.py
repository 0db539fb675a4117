"""What a model's signature says in the words of the Open Inference Protocol."""

from dataclasses import dataclass

from modelpack.schema import Array, ColumnSpec, ColumnType, DataType, Schema, TensorSpec
from serving.codecs._named import Naming, names_of
from serving.codecs._v2_datatypes import (
    ARRAY,
    BASE64,
    BYTES,
    CELLS,
    FRAME,
    MOMENTS,
    TENSORS,
    TEXT,
    datatype_of,
)
from serving.codecs._v2_inputs import unnamed_input
from serving.codecs._v2_outputs import unnamed_output
from serving.codecs._v2_tensors import quote
from serving.errors import UnknownModel
from serving.models import Served

EXTENSIONS = ("binary_tensor_data", "parameters")


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One tensor that a model takes or gives; -1 in *shape* is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    content_type: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model's metadata. *content_type* is what a request is for it when it does not say."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    content_type: str


def facts_of(served: Served) -> ModelFacts:
    """The metadata of *served*; without a signature it names no tensors."""
    source, signature = served.source, served.signature
    return ModelFacts(
        name=source.name,
        versions=(source.version,) if source.version else (),
        platform=f"mlflow_{served.flavor}",
        inputs=_tensors(signature.inputs, lambda place, count: unnamed_input(place)),
        outputs=_tensors(signature.outputs, unnamed_output),
        content_type=_content_type(signature.inputs),
    )


def find(served: Served, name: str, version: str = "") -> Served:
    """*served* if it is the model *name*, in the *version* if one is asked for; raises UnknownModel."""
    source = served.source
    if name != source.name:
        raise UnknownModel(f"no model {quote(name)}; there is {quote(source.name)}")
    if version and version != source.version:
        known = f"version {quote(source.version)}" if source.version else "one without a number"
        raise UnknownModel(f"no version {quote(version)} of {quote(source.name)}; there is {known}")
    return served


def _content_type(schema: Schema | None) -> str:
    if schema is None:
        return ""
    if not schema.is_tensor:
        return FRAME
    return TENSORS if schema.is_named else ARRAY


def _tensors(schema: Schema | None, naming: Naming) -> tuple[TensorFacts, ...]:
    if schema is None:
        return ()
    names = names_of(schema, naming)
    return tuple(_facts(name, spec) for name, spec in zip(names, schema.specs, strict=True))


def _facts(name: str, spec: ColumnSpec | TensorSpec) -> TensorFacts:
    if isinstance(spec, TensorSpec):
        content_type = {"M": MOMENTS, "U": TEXT}.get(spec.dtype.kind, ARRAY)
        return TensorFacts(name, datatype_of(spec.dtype), spec.shape, content_type)
    type_ = spec.type
    shape: tuple[int, ...] = (-1,)
    while isinstance(type_, Array):
        type_, shape = type_.items, (*shape, -1)
    if isinstance(type_, DataType):
        return TensorFacts(name, datatype_of(type_.numpy), shape, _CONTENT_TYPES.get(type_, ARRAY))
    return TensorFacts(name, BYTES, (-1,), CELLS)


_CONTENT_TYPES: dict[ColumnType, str] = {
    DataType.string: TEXT,
    DataType.binary: BASE64,
    DataType.datetime: MOMENTS,
}
