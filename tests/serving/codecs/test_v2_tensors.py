"""Tensors arrive whole, or not at all."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from serving.codecs._v2_datatypes import NUMPY
from serving.errors import InvalidRequest
from tests.serving.codecs.v2 import ANY, binary, codec, length_prefixed, read, refusal, tensor


@pytest.mark.parametrize("datatype", list(NUMPY))
def test_numbers_of_every_datatype_come_alike_in_json_and_raw(datatype: str) -> None:
    dtype = NUMPY[datatype]
    values = np.array([[True, False], [False, True]]) if datatype == "BOOL" else np.array([[1, 0], [3, 100]])
    values = values.astype(dtype)
    for data in (values.tolist(), values.ravel().tolist()):
        got = read([tensor("x", datatype, data, [2, 2])])
        np.testing.assert_array_equal(got, values, strict=True)
    body, length = binary([("x", datatype, [2, 2], values.astype(dtype.newbyteorder("<")).tobytes())])
    got = codec(length).decode(body, ANY).data
    np.testing.assert_array_equal(got, values, strict=True)
    assert got.flags.writeable
    assert got.flags.aligned


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("UINT8", 300),
        ("UINT8", -1),
        ("INT8", -129),
        ("INT16", 2**15),
        ("UINT32", 2**32),
        ("INT64", 2**63),
        ("UINT64", 2**64),
        ("UINT64", -1),
        ("INT32", 1.5),
        ("INT32", "1"),
        ("INT32", True),
        ("FP16", 70000),
        ("FP32", 1e39),
        ("FP32", 2**24 + 1),
        ("FP64", 2**53 + 1),
        ("FP64", "1.5"),
        ("FP64", True),
        ("BOOL", 1),
        ("BOOL", "true"),
        ("BYTES", 1),
        ("BYTES", ["a"]),
        ("BYTES", "\ud800"),
    ],
)
def test_a_value_outside_its_datatype_is_refused(datatype: str, value: Any) -> None:
    assert "'x'" in refusal([tensor("x", datatype, [value])]) or datatype == "BYTES"


def test_a_whole_number_is_a_number_however_it_is_written() -> None:
    assert read([tensor("x", "INT64", [1.0, 2, 3e2])]).tolist() == [1, 2, 300]
    assert read([tensor("x", "FP32", [0.1])])[0] == np.float32(0.1)
    assert read([tensor("x", "UINT64", [2**64 - 1])]).tolist() == [2**64 - 1]


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ([1, 2, 3], [2, 2]),
        ([[1, 2], [3]], [2, 2]),
        ([[1, 2], [3, 4]], [4]),
        ([[1, 2], [3, 4]], [2, 2, 1]),
        ([1, [2]], [2]),
        ([], [1]),
        ([1], [0]),
        ([1], []),
        ([[1]], [1, 2]),
    ],
)
def test_data_must_fill_its_shape(data: list[Any], shape: list[int]) -> None:
    if shape == []:
        assert read([tensor("x", "INT64", data, shape)]).shape == ()
    else:
        assert "'x'" in refusal([tensor("x", "INT64", data, shape)])


@pytest.mark.parametrize(
    "shape", ["1", {}, None, [1.0], [True], ["1"], [-1], [2**63], [1] * 33, [[1]]], ids=str
)
def test_a_shape_is_a_list_of_lengths(shape: Any) -> None:
    assert "shape" in refusal([{"name": "x", "datatype": "INT64", "shape": shape, "data": [1]}])


@pytest.mark.parametrize("shape", [[2**40, 0], [0, 2**63], [2**40, 2**40, 0], [0, *[2**40] * 5]], ids=str)
@pytest.mark.parametrize("datatype", ["FP64", "BYTES", "BOOL"])
def test_an_empty_tensor_has_not_rows_without_end(shape: list[int], datatype: str) -> None:
    assert "room" in refusal([tensor("x", datatype, [], shape)])
    body, length = binary([("x", datatype, shape, b"")])
    with pytest.raises(InvalidRequest, match="room"):
        codec(length).decode(body, ANY)


def test_an_empty_tensor_has_a_shape_too() -> None:
    assert read([tensor("x", "FP32", [], [0, 4])]).shape == (0, 4)
    body, length = binary([("x", "BYTES", [0, 4], b""), ("y", "FP32", [2, 0], b"")])
    got = codec(length).decode(body, ANY).data
    assert (got["x"].shape, got["y"].shape) == ((0, 4), (2, 0))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"inputs": []}',
        b'{"inputs": null}',
        b'{"inputs": [1]}',
        b'{"inputs": [{}], "inputs": [{}]}',
        b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [NaN]}]}',
        b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1e999]}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        codec().decode(body, ANY)


@pytest.mark.parametrize(
    "more",
    [
        {"id": 7},
        {"parameters": 5},
        {"parameters": {"content_type": "hg"}},
        {"parameters": {"content_type": ["pd"]}},
        {"parameters": {"binary_data_output": 1}},
        {"outputs": {}},
        {"outputs": [{}]},
        {"outputs": [{"name": "y"}, {"name": "y"}]},
        {"outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]},
        {"outputs": [{"name": "y", "parameters": {"classification": 3}}]},
        {"outputs": [{"name": "y", "parameters": {"shared_memory_region": "r"}}]},
    ],
    ids=str,
)
def test_the_rest_of_a_request_is_held_to_the_protocol_too(more: Any) -> None:
    refusal([tensor("x", "FP32", [1.0])], **more)


@pytest.mark.parametrize("name", [None, "", 7, ["x"]], ids=str)
def test_an_input_has_a_name(name: Any) -> None:
    assert "name" in refusal([{"name": name, "datatype": "FP32", "shape": [1], "data": [1]}])


def test_two_inputs_of_one_name_are_refused() -> None:
    assert "two inputs" in refusal([tensor("x", "FP32", [1.0]), tensor("x", "FP32", [1.0])])


@pytest.mark.parametrize(
    "parameter", ["shared_memory_region", "shared_memory_byte_size", "shared_memory_offset"]
)
def test_memory_of_this_machine_is_not_read(parameter: str) -> None:
    one = {"name": "x", "datatype": "FP32", "shape": [1], "parameters": {parameter: "../secret"}}
    message = refusal([one])
    assert "not supported" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("content", "size", "shape"),
    [
        (b"\0" * 15, 15, [4]),
        (b"\0" * 12, 16, [4]),
        (b"\0" * 20, 16, [4]),
        (b"\0" * 16, "16", [4]),
        (b"\0" * 16, -16, [4]),
        (b"\0" * 16, True, [4]),
        (b"\0" * 16, 2**70, [4]),
        (b"\0" * 16, 16, [2**40]),
    ],
)
def test_raw_tensors_have_the_bytes_that_they_say(content: bytes, size: Any, shape: list[int]) -> None:
    one = {"name": "x", "datatype": "FP32", "shape": shape, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [one]}).encode()
    with pytest.raises(InvalidRequest):
        codec(len(head)).decode(head + content, ANY)


@pytest.mark.parametrize("length", [0, 10**9])
def test_the_json_before_raw_tensors_ends_inside_the_body(length: int) -> None:
    with pytest.raises(InvalidRequest, match="Inference-Header-Content-Length"):
        codec(length).decode(b'{"inputs": []}', ANY)


def test_data_and_raw_data_at_once_are_refused() -> None:
    one = tensor("x", "FP32", [1.0], binary_data_size=4)
    head = json.dumps({"inputs": [one]}).encode()
    with pytest.raises(InvalidRequest, match="both"):
        codec(len(head)).decode(head + b"\0\0\0\0", ANY)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff",
        b"\1\0\0\0",
        b"\0\0\0",
        b"",
        length_prefixed(b"a"),
        length_prefixed(b"a", b"b", b"c"),
        length_prefixed(b"a", b"b") + b"x",
    ],
)
def test_lengths_before_raw_texts_add_up(raw: bytes) -> None:
    body, length = binary([("x", "BYTES", [2], raw)])
    with pytest.raises(InvalidRequest, match="after its length"):
        codec(length).decode(body, ANY)


def test_a_raw_boolean_is_0_or_1() -> None:
    body, length = binary([("x", "BOOL", [2], b"\1\2")])
    with pytest.raises(InvalidRequest, match="0 or 1"):
        codec(length).decode(body, ANY)


def test_json_and_raw_inputs_stand_side_by_side() -> None:
    head = {
        "inputs": [
            {"name": "a", "datatype": "INT16", "shape": [2], "parameters": {"binary_data_size": 4}},
            tensor("b", "BYTES", ["ä", ""]),
            {"name": "c", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 12}},
        ]
    }
    text = json.dumps(head).encode()
    body = text + struct.pack("<2h", -5, 6) + length_prefixed(b"\xc3\xa4", b"xy")
    got = codec(len(text)).decode(body, ANY).data
    assert {name: values.tolist() for name, values in got.items()} == {
        "a": [-5, 6],
        "b": ["ä", ""],
        "c": ["ä", "xy"],
    }
