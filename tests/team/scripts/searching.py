"""Batches, and what searches find among many runs."""

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from seeing import client, id_of, known, refused, saw

MANY = "tags.many = 'yes'"
_BEGIN = 1_700_000_000_000


def batches(experiment):
    """As much as a call may hold, and what a search finds of many runs."""
    for number in range(7):
        log_run(experiment, number)
    points = client.get_metric_history(id_of("many 0"), "loss")
    saw("history of many", [[one.value, one.timestamp, one.step] for one in points][::100])
    find(experiment)
    order(experiment)
    hide(experiment)
    for where in (
        "colour = 'red'",
        "metrics.f1 = 'x'",
        "params.a = 1",
        "metrics.f1 > 0.5 OR metrics.f1 < 0.2",
        "params.a =",
        "'",
    ):
        refused(f"search for {where}", lambda where=where: client.search_runs([experiment], where))
    refused("runs ordered by nonsense", lambda: client.search_runs([experiment], order_by=["colour DESC"]))
    refused("a page that is none", lambda: client.search_runs([experiment], page_token="no token"))


def log_run(experiment, number):
    """One of the many."""
    tags = {"many": "yes", "odd": str(number % 2)}
    run = client.create_run(experiment, start_time=_BEGIN + number, run_name=f"many {number}", tags=tags)
    run_id = known(run.info.run_id, f"many {number}")
    steps = range(1_000 if number == 0 else 3)
    points = [Metric("loss", number / (step + 1), _BEGIN + step, step) for step in steps]
    client.log_batch(run_id, metrics=points)
    params = [Param("p", "x" * number), Param("number", str(number))]
    client.log_batch(run_id, params=params, tags=[RunTag("t", "v")])
    if number != 5:
        client.log_metric(run_id, "score", float("nan") if number == 4 else number, timestamp=5)
    client.set_terminated(run_id, "FINISHED" if number % 2 else "KILLED", end_time=_BEGIN + 1_000)


def find(experiment):
    """Search by each part of the grammar."""
    for name, where in {
        "all": MANY,
        "metrics": f"{MANY} AND metrics.score > 2",
        "several metrics": f"{MANY} AND metrics.score >= 1 AND metrics.loss < 1.5",
        "params": f"{MANY} AND params.number = '3'",
        "other params": f"{MANY} AND params.number != '3'",
        "LIKE": f"{MANY} AND params.p LIKE 'xx%'",
        "ILIKE": "tags.many ILIKE 'Y_S'",
        "status": f"{MANY} AND attributes.status = 'KILLED'",
        "run name": "attributes.run_name LIKE 'many%' AND run_name != 'many 3'",
        "start time": f"{MANY} AND attributes.start_time > {_BEGIN + 3}",
        "quoted": "tags.`many` = 'yes' AND params.\"number\" = '1'",
        "metric unlike": f"{MANY} AND metrics.score != 3",
        "nothing": f"{MANY} AND metrics.absent > 1",
        "id": f"attributes.run_id IN ('{id_of('many 1')}', '{id_of('many 2')}')",
        "data": "dataset.name = 'customers'",
        "parent": f"tags.mlflow.parentRunId = '{id_of('parent')}'",
    }.items():
        saw(f"runs by {name}", found(experiment, where))


def order(experiment):
    """Order by each kind of thing, and turn pages."""
    for by in (
        ["metrics.score ASC"],
        ["metrics.score DESC"],
        ["params.number DESC"],
        ["tags.odd", "start_time ASC"],
        ["attributes.start_time DESC"],
        ["attributes.status ASC", "metrics.loss DESC"],
        ["run_name DESC"],
    ):
        saw(f"runs ordered by {by}", found(experiment, MANY, order_by=by))
    token, pages = None, []
    while token is not None or not pages:
        page = client.search_runs(
            [experiment], MANY, order_by=["params.number ASC"], max_results=3, page_token=token
        )
        pages.append([one.info.run_name for one in page])
        token = page.token or None
    saw("pages of runs", pages)
    frame = mlflow.search_runs([experiment], MANY, order_by=["params.number"])
    saw("columns of a frame", sorted(frame.columns))
    saw("column of a frame", frame["metrics.loss"].tolist())


def hide(experiment):
    """Delete a run, look, and restore it."""
    gone = id_of("many 6")
    client.delete_run(gone)
    saw("active runs", found(experiment, MANY))
    saw("deleted runs", found(experiment, MANY, run_view_type=ViewType.DELETED_ONLY))
    saw("all runs", len(found(experiment, MANY, run_view_type=ViewType.ALL)))
    refused("log in a deleted run", lambda: client.log_metric(gone, "a", 1.0))
    refused("log a batch in a deleted run", lambda: client.log_batch(gone, params=[Param("a", "b")]))
    client.restore_run(gone)
    saw("restored run", client.get_run(gone).info.lifecycle_stage)


def found(experiment, where, **asked):
    """The names of the runs that a search finds."""
    return [one.info.run_name for one in client.search_runs([experiment], where, **asked)]
