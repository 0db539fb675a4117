"""The graph that the bare prototype runs: the best that is known by hand, and proved by nothing."""

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.pipeline import Pipeline

from tests.benchmarks.subjects import Subject


def onnx_form(subject: Subject) -> bytes:
    """The model of *subject* as ONNX: one tensor of doubles in, or one input a column; ``label`` out.

    In double up to the trees, and in float there, because that is where scikit-learn casts. The trees' votes
    are then summed in float: where scikit-learn has a tie, the label may be the other one.
    """
    # Here: every process of a test run reads this module, and few of them convert.
    from skl2onnx import to_onnx
    from skl2onnx.sklapi import CastTransformer

    *before, last = subject.model.steps
    model = Pipeline([*before, ("cast", CastTransformer(dtype=np.float32)), last])
    graph = to_onnx(model, initial_types=_inputs(subject.seen), options={id(last[1]): {"zipmap": False}})
    return bytes(graph.SerializeToString())


def _inputs(rows: pd.DataFrame) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    if all(_is_number(rows[name]) for name in rows):
        return [("rows", DoubleTensorType([None, rows.shape[1]]))]
    return [
        (str(name), DoubleTensorType([None, 1]) if _is_number(rows[name]) else StringTensorType([None, 1]))
        for name in rows
    ]


def _is_number(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column)


def labels_of(graph: bytes, rows: pd.DataFrame) -> list[Any]:
    """What *graph* says of *rows* as one request, on one thread as in the prototype.

    Both matter: the order in which votes are summed, and with it the label of a tie, follows from them.
    """
    alone = onnxruntime.SessionOptions()
    alone.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, alone)
    inputs = session.get_inputs()
    if len(inputs) == 1:
        feed = {inputs[0].name: rows.to_numpy(np.float64)}
    else:
        feed = {
            one.name: rows[[one.name]].to_numpy(np.float64 if "double" in one.type else np.object_)
            for one in inputs
        }
    labels: list[Any] = session.run(["label"], feed)[0].tolist()
    return labels
