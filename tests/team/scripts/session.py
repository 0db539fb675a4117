"""Run by real MLflow's Python: what a team does in a session, and all that its client saw of the server.

It takes a folder to work in, and a name that nobody else bears on the server. What it prints holds nothing
that differs from one server, or one time, to the next.
"""

import json

import mlflow
from logging_models import logged_models
from prompting import prompts
from registering import log_model, registry
from searching import batches
from seeing import MAJOR, seen
from tracking import experiments, runs

experiment = experiments()
runs()
batches(experiment)
run_id, info = log_model()
registry(run_id, info)
before = dict(seen)
if MAJOR >= 3:
    logged_models(experiment, run_id, info)
if hasattr(getattr(mlflow, "genai", None), "register_prompt"):
    prompts()
itself = {name: seen[name] for name in seen if name not in before}
print(json.dumps({**before, "models by themselves": itself}))
