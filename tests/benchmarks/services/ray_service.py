"""Ray Serve: a deployment as its scikit-learn tutorial writes one; a ``dataframe_split`` body at ``/``."""

# Run by another environment's Python, whose libraries are not here.
# mypy: ignore-errors

import os
import signal
import sys
from typing import Any

import joblib
import pandas as pd
import ray
from ray import serve
from ray.serve._private import replica
from ray.serve.config import HTTPOptions
from starlette.requests import Request

WORKERS = int(os.environ["BENCHMARK_WORKERS"])


@serve.deployment(num_replicas=WORKERS)
class Scorer:
    def __init__(self, path: str) -> None:
        # A replica's port for other deployments is opened on every address, and no setting says otherwise.
        anywhere = replica.add_port_to_grpc_server
        replica.add_port_to_grpc_server = lambda server, address: anywhere(server, "127.0.0.1:0")
        self.model = joblib.load(path)

    async def __call__(self, request: Request) -> dict[str, Any]:
        split = (await request.json())["dataframe_split"]
        frame = pd.DataFrame(split["data"], columns=split["columns"])
        return {"predictions": self.model.predict(frame).tolist()}


if __name__ == "__main__":
    ray.init(
        # A replica asks for one processor; on a smaller machine two would wait for each other for ever.
        num_cpus=max(WORKERS, os.cpu_count() or 1),
        include_dashboard=False,
        object_store_memory=200 << 20,
        _node_ip_address="127.0.0.1",
        _temp_dir=os.environ["BENCHMARK_FOLDER"],
    )
    try:
        serve.start(http_options=HTTPOptions(host="127.0.0.1", port=int(os.environ["BENCHMARK_PORT"])))
        serve.run(Scorer.bind(os.environ["BENCHMARK_MODEL"]))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pause()
    finally:
        serve.shutdown()
        ray.shutdown()
