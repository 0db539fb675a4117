"""How a framework's own model is asked, here and where MLflow loads it.

Runs in the environments of all MLflow versions too.
"""

from typing import Any

import numpy as np
import pandas as pd

_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def ask(flavor: str, model: Any, data: Any) -> Any:
    """What *model*, as a loader of *flavor* gave it, answers for *data*, without params."""
    if flavor == "xgboost" and not hasattr(model, "get_booster"):
        import xgboost

        return model.predict(xgboost.DMatrix(data))
    if flavor == "onnx":
        return _ask_onnx(model, data)
    if flavor == "statsmodels" and isinstance(data, pd.DataFrame) and "start" in data:
        return model.predict(start=data["start"][0], end=data["end"][0])
    return model.predict(data)


def _ask_onnx(model: Any, data: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Several would add up what trees answer in another order; the certificate is for one.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    inputs = {one.name: _DTYPES[one.type] for one in session.get_inputs()}
    if len(inputs) == 1:
        data = dict.fromkeys(inputs, data)
    feeds = {name: np.asarray(data[name]).astype(dtype) for name, dtype in inputs.items()}
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, feeds), strict=True))
