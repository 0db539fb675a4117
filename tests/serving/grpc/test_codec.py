"""Messages of gRPC arrive as what the model takes, or are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import SchemaMismatch
from modelpack.schema import Schema, Signature, TensorSpec
from serving.codecs._v2_datatypes import NUMPY
from serving.errors import InvalidRequest, UnknownModel
from serving.grpc import service_pb2 as messages
from serving.grpc.codec import _LISTS, GrpcCodec
from tests.serving.kit import served

ANY = Signature()


def codec() -> GrpcCodec:
    return GrpcCodec(coerce="lossless", depth_limit=64, served=served())


def ask(*inputs: dict[str, Any], raw: tuple[bytes, ...] = (), **more: Any) -> Any:
    message = messages.ModelInferRequest(model_name="sum", raw_input_contents=raw, **more)
    for one in inputs:
        message.inputs.add(**one)
    return message


def tensor(datatype: str, values: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    contents = messages.InferTensorContents(**{_LISTS[datatype]: values})
    return {"name": "x", "datatype": datatype, "shape": shape or [len(values)], "contents": contents}


@pytest.mark.parametrize("datatype", [name for name in _LISTS if name != "BYTES"])
def test_numbers_of_every_datatype_come_and_go_in_lists(datatype: str) -> None:
    values = [True, False] if datatype == "BOOL" else [1, 100]
    one = codec()
    data = one.decode(ask(tensor(datatype, values)).SerializeToString(), ANY).data
    assert data.dtype == NUMPY[datatype]
    assert data.tolist() == values
    (output,) = messages.ModelInferResponse.FromString(one.encode(data)).outputs
    assert (output.datatype, list(getattr(output.contents, _LISTS[datatype]))) == (datatype, values)


@pytest.mark.parametrize("datatype", NUMPY)
def test_numbers_of_every_datatype_come_and_go_raw(datatype: str) -> None:
    values = np.array([[1, 0], [1, 1]]).astype(NUMPY[datatype])
    one = codec()
    described = {"name": "x", "datatype": datatype, "shape": values.shape}
    data = one.decode(ask(described, raw=(values.tobytes(),)).SerializeToString(), ANY).data
    np.testing.assert_array_equal(data, values, strict=True)
    answer = messages.ModelInferResponse.FromString(one.encode(data))
    assert (answer.outputs[0].datatype, list(answer.outputs[0].shape)) == (datatype, [2, 2])
    assert list(answer.raw_output_contents) == [values.tobytes()]


def test_texts_and_bytes_come_and_go_in_lists() -> None:
    one = codec()
    data = one.decode(ask(tensor("BYTES", ["é".encode(), b""])).SerializeToString(), ANY).data
    assert data.tolist() == ["é", ""]
    (output,) = messages.ModelInferResponse.FromString(one.encode(data)).outputs
    assert list(output.contents.bytes_contents) == ["é".encode(), b""]
    assert output.parameters["content_type"].string_param == "str"


RAW = {"name": "x", "datatype": "FP32", "shape": [1]}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (ask(), "must have inputs"),
        (ask({**RAW, "name": ""}, raw=(bytes(4),)), "name"),
        (ask(RAW), "0 values; its shape needs 1"),
        (ask(RAW, raw=(bytes(4), bytes(4))), "2 raw_input_contents for 1 inputs"),
        (ask(RAW, raw=(bytes(5),)), "5 bytes"),
        (ask({**RAW, "shape": [-1]}, raw=(bytes(4),)), "shape"),
        (ask({**RAW, "shape": [2**40, 0]}, raw=(b"",)), "room"),
        (ask({**RAW, "shape": [2**62, 2]}, raw=(b"",)), "room"),
        (ask({**RAW, "datatype": "FP128"}, raw=(bytes(4),)), "datatype"),
        (ask(RAW, RAW, raw=(bytes(4), bytes(4))), "two inputs"),
        (ask(tensor("FP32", [1.0]), raw=(bytes(4),)), "both"),
        (ask({**tensor("FP64", [1.0]), "datatype": "FP32"}), "fp32_contents alone"),
        (ask({**tensor("INT32", [128]), "datatype": "INT8"}), "beyond INT8"),
        (ask({**tensor("UINT32", [256]), "datatype": "UINT8"}), "beyond UINT8"),
        (ask({**tensor("FP32", [1.0]), "datatype": "FP16"}), "raw_input_contents"),
        (ask(tensor("FP32", [1.0], [2])), "1 values"),
        (ask(RAW, raw=(bytes(4),), parameters={"k": messages.InferParameter()}), "no value"),
        (
            ask(RAW, raw=(bytes(4),), parameters={"content_type": messages.InferParameter(int64_param=1)}),
            "content_type",
        ),
        (
            ask({**RAW, "parameters": {"shared_memory_region": messages.InferParameter(string_param="r")}}),
            "shared memory",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(message: Any, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as raised:
        codec().decode(message.SerializeToString(), ANY)
    assert len(str(raised.value)) <= 300


def test_outputs_are_those_that_were_asked_for() -> None:
    wanted = messages.ModelInferRequest.InferRequestedOutputTensor
    one = codec()
    one.decode(ask(RAW, raw=(bytes(4),), outputs=[wanted(name="q")]).SerializeToString(), ANY)
    answer = messages.ModelInferResponse.FromString(one.encode({"p": np.ones(1), "q": np.zeros(1)}))
    assert [output.name for output in answer.outputs] == ["q"]
    one.decode(ask(RAW, raw=(bytes(4),), outputs=[wanted(name="z")]).SerializeToString(), ANY)
    with pytest.raises(InvalidRequest, match="no output 'z'"):
        one.encode({"p": np.ones(1)})


SIGNATURES = [ANY, Signature(inputs=Schema((TensorSpec(np.dtype("float32"), (-1,), "x"),)))]
SOUND = ask(RAW, raw=(bytes(4),), id="7").SerializeToString()


@given(
    body=st.binary(max_size=80) | st.binary(max_size=20).map(lambda more: SOUND + more),
    cut=st.integers(0, 80),
    signature=st.sampled_from(SIGNATURES),
)
def test_no_message_does_worse_than_to_be_refused(body: bytes, cut: int, signature: Signature) -> None:
    for one in (body, body[:cut]):
        assert len(_complaint(one, signature)) <= 300


def _complaint(body: bytes, signature: Signature) -> str:
    try:
        codec().decode(body, signature)
    except (InvalidRequest, SchemaMismatch, UnknownModel) as error:
        return str(error)
    return ""


def test_a_codec_that_has_read_nothing_answers_nothing() -> None:
    with pytest.raises(RuntimeError):
        codec().encode([1])
