"""What a team has made in some weeks: experiments, runs, files and models, as they look in life."""

import json
import math
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack.registry.sql_store import now
from modelpack.tracking.records import Dataset, DatasetInput, Status
from tests.modelpack.proved import proved
from tests.pages.house import House

SEED: Final = 7
_HOUR: Final = 3_600_000
_NOTE: Final = "Trees against linear models on the March extract.\nThe best goes to **churn**."
_DESCRIPTION: Final = "Who will leave within a month. Scores above 0.5 get a call."
FILES: Final = {
    "notes.md": b"# Notes\n\nDepth 6 is enough; more *overfits*.\n",
    "report/table.csv": b"city,left,share\nParis,31,0.12\nOslo,12,0.08\nQuito,77,0.31\n",
    "report/folds.tsv": b"fold\tf1\n1\t0.91\n2\t0.89\n",
    "report/config.json": b'{"depth": 6, "rate": 0.1}\n',
    "model/MLmodel": b"flavors:\n  sklearn:\n    sklearn_version: 1.9.1\nutc_time_created: '2026-03-01'\n",
    "page.html": b"<h1>Not a page here</h1><script>alert(1)</script>",
    "weights.bin": bytes(range(256)) * 8,
    "empty.txt": b"",
    "long.log": b"".join(b"epoch %d: loss %.4f\n" % (one, 1 / (one + 1)) for one in range(9000)),
}


@dataclass(frozen=True, slots=True)
class World:
    """Ids of what was made."""

    experiment: str
    empty: str
    runs: tuple[str, ...]
    bare: str
    deleted: str

    def places(self) -> dict[str, str]:
        """Where every kind of page is, by a name for its picture."""
        first, runs = self.runs[0], "&".join(f"runs={one}" for one in self.runs[:5])
        base = f"/runs/{first}"
        return {
            "experiments": "/",
            "experiments-none": "/?q=nothing+like+it",
            "experiments-deleted": "/?view=deleted",
            "experiment": f"/experiments/{self.experiment}",
            "experiment-wrong": f"/experiments/{self.experiment}?where=metrics.f1+%3E",
            "experiment-none": f"/experiments/{self.experiment}?where=metrics.f1+%3E+2",
            "experiment-empty": f"/experiments/{self.empty}",
            "experiment-rename": f"/experiments/{self.experiment}/rename",
            "experiment-delete": f"/experiments/{self.experiment}/delete",
            "run": base,
            "run-bare": f"/runs/{self.bare}",
            "run-deleted": f"/runs/{self.deleted}",
            "run-delete": f"{base}/delete",
            "metric": f"{base}/metric?key=loss",
            "compare": f"/compare?{runs}",
            "compare-all": f"/compare?{runs}&show=all",
            "compare-none": "/compare",
            "files": f"{base}/files/",
            "files-folder": f"{base}/files/report",
            **{f"file-{name.rpartition('/')[2]}": f"{base}/files/{name}" for name in (*FILES, "curve.png")},
            "models": "/models",
            "models-none": "/models?q=nothing+like+it",
            "model": "/models/churn",
            "model-empty": "/models/nothing%20yet",
            "version": "/models/churn/2",
            "version-bare": "/models/odds/1",
            "stage-asked": "/models/churn/3/stage?stage=Production",
            "stage-asked-archive": "/models/churn/2/stage?stage=Archived",
            "alias-asked": "/models/churn/3/alias?alias=champion",
            "alias-drop": "/models/churn/2/alias?alias=champion&drop=1",
            "error-404": "/runs/nothing",
            "error-path": "/models/churn/2/nowhere",
            "error-400": "/compare?" + "&".join(f"runs={number}" for number in range(40)),
        }


def filled(house: House, folder: Path) -> World:
    """Fill *house*; *folder* is for the model on its way there."""
    chance = random.Random(SEED)
    tracking = house.parts.tracking
    for name in ("forecast", "pricing / spring", "fraud-2026"):
        other = tracking.create_experiment(name, tags={"team": chance.choice(("growth", "risk"))})
        house.run(other, "first try", metrics={"mae": [3.0, 2.0]})
    gone = tracking.create_experiment("an old idea", tags={})
    tracking.delete_experiment(gone)
    empty = tracking.create_experiment("nothing yet", tags={})
    experiment = tracking.create_experiment("churn", tags={"team": "growth", "mlflow.note.content": _NOTE})
    runs = tuple(_run(house, experiment, number, chance) for number in range(56))
    runs = tuple(reversed(runs))
    deleted = house.run(experiment, "a mistake")
    tracking.delete_run(deleted)
    bare = house.run(experiment, "only begun", status="RUNNING")
    _files(house, runs[0])
    registry = house.parts.registry("ada")
    directory = proved(folder / "churn", metadata={"team": "growth"})
    for number in range(3):
        house.register(directory, "churn", run_id=runs[number], description=_DESCRIPTION if number else "")
    registry.update_model("churn", description=_DESCRIPTION)
    registry.set_tag("churn", "owner", "growth", version=None)
    registry.promote("churn", 1, "Production", archive_existing=False, expected=None)
    registry.promote("churn", 2, "Production", archive_existing=True, expected=1)
    registry.promote("churn", 3, "Staging", archive_existing=False, expected=None)
    registry.set_alias("churn", "champion", 2, expected=None)
    registry.set_alias("churn", "challenger", 3, expected=None)
    registry.create_model("nothing yet", description="", tags={})
    house.version("odds", description="Files that are gone.")
    return World(experiment, empty, runs, bare, deleted)


def _run(house: House, experiment: str, number: int, chance: random.Random) -> str:
    depth, rate = chance.choice((3, 4, 6, 8)), chance.choice((0.03, 0.1, 0.3))
    best = 0.94 - abs(depth - 6) * 0.02 - abs(rate - 0.1) * 0.1
    # Of the newest, which are looked at one by one, there are whole curves.
    steps = range(120) if number > 50 else range(110, 120)
    curve = [best * (1 - math.exp(-step / (2 / rate))) + chance.gauss(0, 0.006) for step in steps]
    loss = [2.5 * math.exp(-step * rate / 4) + 0.3 + chance.gauss(0, 0.02) for step in steps]
    status: Status = "FAILED" if number % 17 == 5 else "KILLED" if number % 23 == 7 else "FINISHED"
    return house.run(
        experiment,
        f"{chance.choice(('boosted', 'forest', 'linear'))}-{number:02d}",
        metrics={"f1": curve, "loss": loss, "accuracy": [best + 0.02], "auc": [best + 0.03]},
        params={"max_depth": str(depth), "learning_rate": str(rate), "model": chance.choice(("gbm", "rf"))},
        tags={"team": "growth", "mlflow.source.name": "train.py", "mlflow.note.content": "Nightly."},
        status=status,
        began=now() - (57 - number) * 5 * _HOUR,
        lasted=int(chance.uniform(5, 900) * 1000),
    )


def _files(house: House, run: str) -> None:
    for name, content in FILES.items():
        house.put(run, name, content)
    house.put(run, "curve.png", picture(320, 180))
    parent = house.parts.tracking.get_run(run).info
    for fold in (1, 2):
        house.run(parent.experiment_id, f"fold {fold}", tags={"mlflow.parentRunId": run})
    customers = Dataset(
        name="customers", digest="8f1d2c3a", source_type="http", source="https://data.example/c"
    )
    house.parts.tracking.log_inputs(
        run, [DatasetInput(dataset=customers, tags={"mlflow.data.context": "training"})]
    )
    spec = {"columns": ["city", "plan"], "rows": 600}
    house.parts.tracking.log_batch(run, params={"spec": json.dumps(spec) * 20})


def picture(width: int, height: int) -> bytes:
    """A PNG of a slope."""
    rows = b"".join(
        b"\0" + bytes(60 if x * height < (height - y) * width else 220 for x in range(width))
        for y in range(height)
    )
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
