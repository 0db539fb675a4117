"""Tensors: their JSON, their dtypes and shapes."""

from typing import Any

import numpy as np
import pytest

from modelpack.errors import InvalidSchema
from modelpack.schema import TensorSpec


@pytest.mark.parametrize(
    ("tensor", "document"),
    [
        (
            TensorSpec(np.dtype("float64"), (-1, 4)),
            {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}},
        ),
        (
            TensorSpec(np.dtype("<U5"), (-1,), "words"),
            {"name": "words", "type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}},
        ),
        (
            TensorSpec(np.dtype("S3"), (2, 0)),
            {"type": "tensor", "tensor-spec": {"dtype": "bytes", "shape": [2, 0]}},
        ),
        (
            TensorSpec(np.dtype("datetime64[ns]"), (-1,)),
            {"type": "tensor", "tensor-spec": {"dtype": "datetime64[ns]", "shape": [-1]}},
        ),
    ],
    ids=str,
)
def test_tensors_are_written_in_mlflows_order_and_read_back(
    tensor: TensorSpec, document: dict[str, Any]
) -> None:
    assert list(tensor.to_json().items()) == list(document.items())
    assert TensorSpec.from_json(document) == tensor


def test_the_byte_order_of_the_writer_does_not_matter() -> None:
    assert TensorSpec(np.dtype(">f8"), (-1,)) == TensorSpec(np.dtype("<f8"), (-1,))


@pytest.mark.parametrize("dtype", ["f4,f4", "(2,)f4", "V8", "nonsense", "", "x" * 100, 5, None, ["f4"]])
def test_a_dtype_is_one_plain_name(dtype: object) -> None:
    with pytest.raises(InvalidSchema):
        TensorSpec.from_json({"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1]}})


@pytest.mark.parametrize("shape", [None, 3, "3", [-2], [1.5], [True], [None], [[1]], [1] * 65])
def test_a_shape_is_a_list_of_lengths(shape: object) -> None:
    with pytest.raises(InvalidSchema):
        TensorSpec.from_json({"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": shape}})


@pytest.mark.parametrize("document", [{}, {"tensor-spec": None}, {"tensor-spec": {"dtype": "float64"}}])
def test_a_tensor_says_its_dtype_and_shape(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema):
        TensorSpec.from_json(document)
