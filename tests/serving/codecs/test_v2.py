"""Whatever is sent comes back the same, and nothing does worse than to be refused."""

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelpack.errors import SchemaMismatch
from modelpack.schema import (
    DataType,
    ParamSpec,
    Schema,
    Signature,
    TensorSpec,
)
from serving.codecs._v2_datatypes import NUMPY
from serving.errors import InvalidRequest
from tests.serving.codecs.test_v2_inputs import FRAME
from tests.serving.codecs.v2 import ANY, binary, codec, length_prefixed, tensor

UNNAMED = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 2)),)))
PARAMS = Signature(
    inputs=UNNAMED.inputs,
    params=(ParamSpec("scale", DataType.double, 1.0), ParamSpec("priority", DataType.long, 0)),
)
NUMBERS = st.sampled_from(list(NUMPY.values()))
SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


@given(values=arrays.arrays(NUMBERS, SHAPES), raw=st.booleans())
def test_what_is_sent_comes_back_the_same(values: np.ndarray, raw: bool) -> None:
    datatype = {dtype: name for name, dtype in NUMPY.items()}[values.dtype]
    finite = values if values.dtype.kind != "f" else np.nan_to_num(values, nan=0.5, posinf=1, neginf=-1)
    sent = values if raw else finite
    if raw:
        content = sent.tobytes()
        body, length = binary(
            [("x", datatype, list(sent.shape), content)], parameters={"binary_data_output": True}
        )
    else:
        body = json.dumps({"inputs": [tensor("x", datatype, sent.tolist(), list(sent.shape))]}).encode()
        length = None
    one = codec(length)
    got = one.decode(body, ANY).data
    np.testing.assert_array_equal(got, sent, strict=True)
    answered = one.encode(got)
    if raw:
        assert answered[one.answer_header_length :] == content
    else:
        back = np.array(json.loads(answered)["outputs"][0]["data"], dtype=values.dtype)
        np.testing.assert_array_equal(back.reshape(sent.shape), sent)


@given(texts=st.lists(st.text(st.characters(codec="utf-8")), max_size=5), raw=st.booleans())
def test_texts_come_back_the_same(texts: list[str], raw: bool) -> None:
    if raw:
        content = length_prefixed(*(text.encode() for text in texts))
        body, length = binary(
            [("x", "BYTES", [len(texts)], content)], parameters={"binary_data_output": True}
        )
    else:
        body, length = json.dumps({"inputs": [tensor("x", "BYTES", texts)]}).encode(), None
    one = codec(length)
    got = one.decode(body, ANY).data
    assert got.tolist() == texts
    answered = one.encode(got)
    if raw:
        assert answered[one.answer_header_length :] == content
    else:
        assert json.loads(answered)["outputs"][0]["data"] == texts


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("x") | GARBAGE,
        "shape": st.just([1]) | GARBAGE,
        "datatype": st.sampled_from([*NUMPY, "BYTES"]) | GARBAGE,
        "data": st.just([1]) | GARBAGE,
        "parameters": st.just({"binary_data_size": 4}) | GARBAGE,
    },
)
SIGNATURES: list[Signature] = [ANY, FRAME, UNNAMED, PARAMS]


@given(
    inputs=st.lists(INPUT, max_size=3) | GARBAGE,
    more=st.dictionaries(st.sampled_from(["id", "parameters", "outputs", "x"]), GARBAGE, max_size=3),
    length=st.none() | st.integers(0, 50),
    signature=st.sampled_from(SIGNATURES),
)
def test_no_request_does_worse_than_to_be_refused(
    inputs: Any, more: dict[str, Any], length: int | None, signature: Signature
) -> None:
    body = json.dumps({"inputs": inputs, **more}).encode()
    assert len(_complaint(body, length, signature)) <= 300


def _complaint(body: bytes, length: int | None, signature: Signature) -> str:
    try:
        codec(length).decode(body, signature)
    except (InvalidRequest, SchemaMismatch) as error:
        return str(error)
    return ""
