"""One inference request of the Open Inference Protocol, however it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelpack.errors import shorten
from modelpack.schema import ParamSpec
from serving.codecs._v2_datatypes import CONTENT_TYPES
from serving.codecs._v2_tensors import Tensor, quote
from serving.errors import InvalidRequest

# Said to the protocol or its extensions, not to the model.
_RESERVED = {"content_type", "binary_data_output", "headers", "priority", "timeout"}
_RESERVED |= {"sequence_id", "sequence_start", "sequence_end"}
_RESERVED_PREFIX = "triton_"

_SHARED_MEMORY = "shared_memory_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that was asked for, raw when *binary*."""

    name: str
    binary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InferRequest:
    """What is asked. *outputs* empty means all of them, raw when *binary*."""

    inputs: tuple[Tensor, ...]
    id: str = ""
    content_type: str = ""
    outputs: tuple[Wanted, ...] = ()
    binary: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.inputs:
            raise InvalidRequest("the request must have inputs")
        _once([tensor.name for tensor in self.inputs], "inputs")
        _once([wanted.name for wanted in self.outputs], "outputs")

    def params(self, specs: Sequence[ParamSpec]) -> dict[str, Any]:
        """The parameters that are meant for the model: those it knows, and those nobody else knows."""
        known = {spec.name for spec in specs}
        return {name: value for name, value in self.parameters.items() if name in known or _is_free(name)}


def _is_free(name: str) -> bool:
    return name not in _RESERVED and not name.startswith(_RESERVED_PREFIX)


def _once(names: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidRequest(f"two {what} are called {quote(name)}")
        seen.add(name)


def content_type_of(parameters: Mapping[str, Any], where: str) -> str:
    """MLServer's ``content_type``, empty where there is none; raises InvalidRequest."""
    given = parameters.get("content_type", "")
    if given == "" or (isinstance(given, str) and given in CONTENT_TYPES):
        return str(given)
    known = ", ".join(CONTENT_TYPES)
    met = shorten(repr(given), 40)
    raise InvalidRequest(f"the content_type of {where} must be one of {known}, not {met}")


def refuse_shared_memory(parameters: Mapping[str, Any]) -> None:
    """Raise InvalidRequest when the data should come from, or go to, memory of this machine."""
    if any(name.startswith(_SHARED_MEMORY) for name in parameters):
        raise InvalidRequest("shared memory is not supported; send the data in the request")


def refuse_classification(parameters: Mapping[str, Any]) -> None:
    """Raise InvalidRequest when an output should come as Triton's classes."""
    if "classification" in parameters:
        raise InvalidRequest("the classification extension is not supported; ask for the output as it is")
