"""What a server tells of a run comes back as it was told."""

import math

import pytest

from modelpack.errors import StoreUnavailable
from modelpack.tracking.records import Metric, ModelInput, ModelOutput
from modelpack.tracking.rest_rows import metric_of, run_of, told_metric

INFO = {"run_id": "r1", "experiment_id": "0"}


def test_a_run_tells_which_models_it_has_used_and_made() -> None:
    run = run_of(
        {
            "info": INFO,
            "inputs": {"model_inputs": [{"model_id": "m-1"}]},
            "outputs": {"model_outputs": [{"model_id": "m-2", "step": 3}, {"model_id": "m-3"}]},
        }
    )
    assert run.inputs.model_inputs == [ModelInput("m-1")]
    assert run.outputs.model_outputs == [ModelOutput("m-2", 3), ModelOutput("m-3", 0)]
    older = run_of({"info": INFO})
    assert (older.inputs.model_inputs, older.outputs.model_outputs) == ([], [])


@pytest.mark.parametrize("outputs", [[{}], [{"model_id": "m", "step": "x"}], ["m"], {"model_id": "m"}])
def test_models_that_are_told_in_another_way_are_refused(outputs: object) -> None:
    with pytest.raises(StoreUnavailable, match="in a way of its own"):
        run_of({"info": INFO, "outputs": {"model_outputs": outputs}})


@pytest.mark.parametrize(
    "point",
    [
        Metric("f1", 0.5, 1, 2),
        Metric("f1", math.inf, 1, 2, model_id="m-1"),
        Metric("f1", 0.5, 1, 2, "m-1", "test", "abc"),
    ],
)
def test_a_point_is_told_and_understood(point: Metric) -> None:
    assert metric_of(told_metric(point)) == point
    assert ("model_id" in told_metric(point)) == bool(point.model_id)
