"""One client at work; run by each side's own Python, so it imports nothing of this project's tests.

usage: client.py modelpack|mlflow FOLDER SCALE

Works in a new SQLite database in FOLDER, which it makes. SCALE 1 is the real measurement, less is less of
everything.
Prints one line of JSON: by work, how many a second (or milliseconds, for the search).
"""

import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

_BATCH = 1_000


def main(library: str, folder: str, scale: float) -> None:
    """Do each of the works once and print what was seen."""
    warnings.simplefilter("ignore")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    os.environ["MODELPACK_HOME"] = str(place / "home")
    tracking = importlib.import_module(f"{library}.tracking")
    entities = importlib.import_module("modelpack.tracking" if library == "modelpack" else "mlflow.entities")
    client = tracking.MlflowClient(f"sqlite:///{place}/of_{library}.db")
    model = place / "model"
    _save(library, model)
    found: dict[str, Any] = {}
    experiment = client.create_experiment("measured")
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "warm", 1.0)

    singles = _of(500, scale)
    begun = time.perf_counter()
    for step in range(singles):
        client.log_metric(run, "loss", 1.0 / (step + 1), step=step)
    found["metrics/s"] = singles / (time.perf_counter() - begun)

    batches = _of(20, scale)
    now = int(time.time() * 1000)
    begun = time.perf_counter()
    for batch in range(batches):
        points = [
            entities.Metric(f"m{number % 10}", float(number), now + number, batch * _BATCH + number)
            for number in range(_BATCH)
        ]
        client.log_batch(run, metrics=points)
    found["points in batches/s"] = batches * _BATCH / (time.perf_counter() - begun)

    runs = _of(1_500, scale)
    begun = time.perf_counter()
    for number in range(runs):
        one = client.create_run(experiment, run_name=f"run {number}").info.run_id
        params = [entities.Param(f"p{key}", str((number * (key + 1)) % 97)) for key in range(10)]
        points = [entities.Metric(f"v{key}", (number * (key + 3)) % 1009 / 1009, now, 0) for key in range(10)]
        client.log_batch(one, metrics=points, params=params)
        client.set_terminated(one)
    found["runs with 20 values/s"] = runs / (time.perf_counter() - begun)

    took = []
    for _ in range(5):
        begun = time.perf_counter()
        hits = client.search_runs(
            [experiment],
            "metrics.v0 > 0.5 and params.p1 = '4'",
            order_by=["metrics.v1 DESC"],
            max_results=100,
        )
        took.append(time.perf_counter() - begun)
    found["search of those, ms"] = sorted(took)[2] * 1000
    found["hits"] = len(hits)

    versions = _of(300, scale)
    client.create_registered_model("measured")
    begun = time.perf_counter()
    for _ in range(versions):
        client.create_model_version("measured", str(model))
    found["versions/s"] = versions / (time.perf_counter() - begun)

    promotions = _of(100, scale)
    begun = time.perf_counter()
    for number in range(promotions):
        client.transition_model_version_stage(
            "measured", str(number % versions + 1), "Production", archive_existing_versions=True
        )
    found["promotions/s"] = promotions / (time.perf_counter() - begun)
    holders = [
        int(one.version)
        for one in client.search_model_versions("name = 'measured'")
        if one.current_stage == "Production"
    ]
    found["in production"] = holders
    sys.stdout.write(json.dumps(found) + "\n")


def _of(count: int, scale: float) -> int:
    return max(2, int(count * scale))


def _save(library: str, model: Path) -> None:
    linear = importlib.import_module("sklearn.linear_model").LogisticRegression()
    linear.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    importlib.import_module(f"{library}.sklearn").save_model(linear, str(model))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
