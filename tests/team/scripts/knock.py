"""Run by real MLflow's Python: what a client is told that nobody knows, and how soon."""

import json
import os
import time

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

told = []
for known in ({"MLFLOW_TRACKING_TOKEN": "mp_wrong"}, {}):
    os.environ.pop("MLFLOW_TRACKING_TOKEN", None)
    os.environ.update(known)
    client = MlflowClient()
    for act in (
        client.search_experiments,
        client.search_registered_models,
        lambda client=client: client.log_metric("0" * 32, "a", 1.0),
        lambda client=client: client.create_registered_model("x"),
    ):
        began = time.monotonic()
        try:
            act()
        except MlflowException as error:
            told.append([error.error_code, error.get_http_status_code(), time.monotonic() - began])
        else:
            told.append(["let in", 200, 0.0])
print(json.dumps(told))
