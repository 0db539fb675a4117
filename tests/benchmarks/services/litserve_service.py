"""LitServe: an API as its documentation writes one, for a ``dataframe_split`` body at ``/predict``."""

# Run by another environment's Python, whose libraries are not here.
# mypy: ignore-errors

import os
from typing import Any

import joblib
import litserve
import numpy as np
import pandas as pd

WORKERS = int(os.environ["BENCHMARK_WORKERS"])
BATCH = int(os.environ["BENCHMARK_BATCH"])


class Scorer(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(os.environ["BENCHMARK_MODEL"])

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        split = request["dataframe_split"]
        return pd.DataFrame(split["data"], columns=split["columns"])

    def predict(self, x: pd.DataFrame) -> Any:
        return self.model.predict(x)

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": output.tolist()}


class Batching(Scorer):
    """Waiting requests run as one; each gets its own rows back."""

    def batch(self, inputs: list[pd.DataFrame]) -> pd.DataFrame:
        self.ends = np.cumsum([len(frame) for frame in inputs])[:-1]
        return pd.concat(inputs, ignore_index=True)

    def unbatch(self, output: Any) -> Any:
        return np.split(output, self.ends)


if __name__ == "__main__":
    api = Scorer() if BATCH == 1 else Batching(max_batch_size=BATCH, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        num_api_servers=WORKERS,
        generate_client_file=False,
    )
