"""Documents of old versions of MLflow, and odd ones, as data: each loads ``2 a - b + 0.5``."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

FRAME = pd.DataFrame({"a": [1.0, 2.5], "b": [0.5, -1.0]})
ANSWER = [2.0, 6.5]

_SKLEARN = """\
flavors:
  python_function:
    env: conda.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.8.13
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.0.2
"""
_COLUMNS = '[{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]'


@dataclass(frozen=True)
class Odd:
    """*text* of ``MLmodel``, and *more* files beside it and the model's own.

    Not all is read by MLflow 3.17 itself, or served.
    """

    text: str
    more: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] | None = None
    is_read_by_mlflow: bool = True

    def write(self, folder: Path) -> Path:
        """The model directory *folder*."""
        folder.mkdir()
        (folder / "MLmodel").write_bytes(self.text.encode())
        (folder / "model.pkl").write_bytes(pickle.dumps(model()))
        for name, content in self.more.items():
            (folder / name).write_text(content)
        return folder


def model() -> Any:
    """``2 a - b + 0.5``, which knows its columns by name."""
    fitted = LinearRegression().fit(FRAME, ANSWER)
    fitted.coef_, fitted.intercept_ = np.array([2.0, -1.0]), 0.5
    return fitted


DOCUMENTS: Mapping[str, Odd] = {
    "MLflow 1.0": Odd("""\
artifact_path: model
flavors:
  python_function:
    data: model.pkl
    env: conda.yaml
    loader_module: mlflow.sklearn
    python_version: 3.6.8
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 0.20.3
run_id: 4a1bd0f4a3a34bc3b4a1e4a0bc6b7b2a
utc_time_created: '2019-06-03 17:26:55.193102'
"""),
    "MLflow 1.30": Odd(f"""\
artifact_path: model
{_SKLEARN}mlflow_version: 1.30.0
model_uuid: 7d1bd0f4a3a34bc3b4a1e4a0bc6b7b2a
run_id: 4a1bd0f4a3a34bc3b4a1e4a0bc6b7b2a
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '{_COLUMNS}'
  outputs: '[{{"type": "tensor", "tensor-spec": {{"dtype": "float64", "shape": [-1]}}}}]'
utc_time_created: '2022-11-01 10:00:00.000000'
""", {"input_example.json": '{"columns": ["a", "b"], "data": [[1.0, 0.5]]}'}),
    "nothing but a loader and its file": Odd(
        "flavors: {python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}}\n"
    ),
    "a loader whose file is called data": Odd(
        "flavors: {python_function: {loader_module: mlflow.sklearn, data: model.pkl}}\n"
    ),
    "no python_function": Odd("flavors: {sklearn: {pickled_model: model.pkl, sklearn_version: 1.0.2}}\n",
                              is_read_by_mlflow=False),
    "no format, which is pickle": Odd(_SKLEARN.replace("    serialization_format: cloudpickle\n", "")),
    "no Python version, no environment": Odd(
        _SKLEARN.replace("    env: conda.yaml\n", "").replace("    python_version: 3.8.13\n", "")
    ),
    "an environment for each manager": Odd(
        _SKLEARN.replace("env: conda.yaml", "env: {conda: conda.yaml, virtualenv: python_env.yaml}")
    ),
    "a signature of lists": Odd(
        f"{_SKLEARN}signature:\n  inputs: {_COLUMNS}\n  outputs:\n  - type: double\n",
        is_read_by_mlflow=False,
    ),
    "a signature as one text": Odd(
        _SKLEARN + "signature: '" + '{"inputs": ' + _COLUMNS + ', "outputs": null, "params": null}' + "'\n",
        is_read_by_mlflow=False,
    ),
    "a signature without inputs": Odd(
        _SKLEARN + "signature:\n  inputs: null\n  outputs: '[{\"type\": \"double\"}]'\n"
    ),
    "a signature that is null": Odd(f"{_SKLEARN}signature: null\n"),
    "an optional column of MLflow 2.8": Odd(
        _SKLEARN
        + "signature:\n  inputs: '"
        + _COLUMNS.replace("]", ', {"name": "c", "type": "string", "optional": true}]')
        + "'\n  outputs: null\n",
        is_read_by_mlflow=False,
    ),
    "params of MLflow 2.6": Odd(
        _SKLEARN
        + f"signature:\n  inputs: '{_COLUMNS}'\n  outputs: null\n  params: '"
        + '[{"name": "k", "dtype": "long", "default": 3, "shape": null}]'
        + "'\n",
        params={"k": 5},
    ),
    "a tensor": Odd(
        _SKLEARN
        + "signature:\n  inputs: '"
        + '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
        + "'\n  outputs: null\n"
    ),
    "a logged model of MLflow 3": Odd(f"""\
artifact_path: mlflow-artifacts:/0/models/m-5d3bd0f4a3a34bc3b4a1e4a0bc6b7b2a/artifacts
{_SKLEARN}is_signature_from_type_hint: false
mlflow_version: 3.0.0
model_id: m-5d3bd0f4a3a34bc3b4a1e4a0bc6b7b2a
model_size_bytes: 1234
model_uuid: m-5d3bd0f4a3a34bc3b4a1e4a0bc6b7b2a
prompts: null
run_id: 4a1bd0f4a3a34bc3b4a1e4a0bc6b7b2a
signature:
  inputs: '{_COLUMNS}'
  outputs: null
  params: null
type_hint_from_example: false
utc_time_created: '2025-06-11 09:00:00.000000'
"""),
    "fetched by the name of a logged model": Odd(
        "artifact_path: models:/m-5d3bd0f4a3a34bc3b4a1e4a0bc6b7b2a\n" + _SKLEARN
    ),
    "fetched from a registry": Odd(
        _SKLEARN, {"registered_model_meta": "model_name: old\nmodel_version: '3'\n"}
    ),
    "keys that nobody knows": Odd(f"""\
auth_policy: null
databricks_runtime: 13.3.x-cpu-ml-scala2.12
env_vars: [OPENAI_API_KEY]
{_SKLEARN}metadata: {{owner: us, numbers: [1, 2.5, null], when: 2024-01-01}}
resources: {{api_version: '1', databricks: {{uc_connection: [{{name: x}}]}}}}
somebody: {{knows: [what, 1]}}
"""),
    "a value that stands twice": Odd(f"{_SKLEARN}metadata:\n  a: &id001\n    k:\n    - 1\n  b: *id001\n"),
    "values without quotes": Odd(f"""\
{_SKLEARN}mlflow_version: 1.2
model_uuid: 12345678901234567890123456789012
utc_time_created: 2019-06-03 17:26:55.193102
"""),
    "nulls everywhere": Odd(
        _SKLEARN
        + "".join(
            f"{key}: null\n"
            for key in ("artifact_path", "run_id", "metadata", "model_id", "saved_input_example_info")
        )
    ),
    "line ends of Windows": Odd(_SKLEARN.replace("\n", "\r\n")),
    "JSON, which is YAML": Odd(
        '{"flavors": {"python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"}}}'
    ),
}  # fmt: skip
