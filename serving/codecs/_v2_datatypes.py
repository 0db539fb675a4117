"""The datatypes of the Open Inference Protocol, and numpy's for them."""

from typing import Any

import numpy as np

BYTES = "BYTES"

NUMPY: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("bool"),
    "UINT8": np.dtype("uint8"),
    "UINT16": np.dtype("uint16"),
    "UINT32": np.dtype("uint32"),
    "UINT64": np.dtype("uint64"),
    "INT8": np.dtype("int8"),
    "INT16": np.dtype("int16"),
    "INT32": np.dtype("int32"),
    "INT64": np.dtype("int64"),
    "FP16": np.dtype("float16"),
    "FP32": np.dtype("float32"),
    "FP64": np.dtype("float64"),
}
"""Without ``BYTES``, whose elements have no size of their own."""

DATATYPES = {dtype: name for name, dtype in NUMPY.items()}

# MLServer's words for what an input is, beyond its datatype.
ARRAY, FRAME, TENSORS, TEXT, BASE64, MOMENTS, CELLS = (
    "np",
    "pd",
    "dict",
    "str",
    "base64",
    "datetime",
    "pd_json",
)
CONTENT_TYPES = (ARRAY, FRAME, TENSORS, TEXT, BASE64, MOMENTS, CELLS)


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The datatype for arrays of *dtype*; ``BYTES`` for all that is no number and no boolean."""
    return DATATYPES.get(dtype.newbyteorder("="), BYTES)
