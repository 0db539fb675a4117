"""What a tracking store can do: experiments, their runs, and what is logged in them. It knows no files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from modelpack.registry.records import Page
from modelpack.tracking.records import DatasetInput, Experiment, Metric, Run, RunInfo, Status, ViewType


class TrackingStore(Protocol):
    """Every method is one transaction: done and durable when it returns, or not done at all.

    What does not exist raises NotFound; names, keys and values outside their rules raise InvalidName, search
    texts InvalidFilter, and a write to what is deleted Conflict. A store that cannot be reached, or stays
    busy, raises StoreUnavailable. Logging the same again is no error: a client that did not hear the answer
    asks twice.
    """

    def create_experiment(self, name: str, *, artifact_location: str = "", tags: Mapping[str, str]) -> str:
        """Enter *name*, and tell its id; AlreadyExists when it is taken, also by a deleted one."""

    def get_experiment(self, experiment_id: str) -> Experiment:
        """What is known of one experiment, deleted or not."""

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment called *name*, deleted or not; None when there is none."""

    def search_experiments(
        self,
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        """Experiments *where* a filter over ``name``, ``creation_time``, ``tags.KEY`` and others holds."""

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Call it *name*; AlreadyExists when that is taken."""

    def delete_experiment(self, experiment_id: str) -> None:
        """Hide it and its runs; NotFound when it is hidden already."""

    def restore_experiment(self, experiment_id: str) -> None:
        """Show it and its runs again; NotFound when it is not hidden."""

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Note something about it."""

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Take a note away; NotFound when there is none."""

    def create_run(
        self,
        experiment_id: str,
        *,
        run_name: str = "",
        user_id: str = "",
        start_time: int,
        tags: Mapping[str, str],
    ) -> Run:
        """Begin a run; without a name it is given one."""

    def get_run(self, run_id: str) -> Run:
        """One run, deleted or not."""

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
    ) -> RunInfo:
        """Change what is given."""

    def delete_run(self, run_id: str) -> None:
        """Hide a run; NotFound when it is hidden already."""

    def restore_run(self, run_id: str) -> None:
        """Show a run again; NotFound when it is not hidden."""

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Log all of it or nothing. A param that has another value already is Conflict."""

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag off a run; NotFound when it has none."""

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        """Note which *datasets* a run has used."""

    def metric_history(
        self, run_id: str, key: str, *, max_results: int = 25_000, page_token: str | None = None
    ) -> Page[Metric]:
        """Every point of a metric, by step, then time; none for a key that was never logged."""

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Run]:
        """Runs of the experiments *where* a filter holds: ``metrics.f1 > 0.9 AND params.depth = '4'``.

        Newest first unless *order_by* says otherwise (``metrics.f1 DESC``). Runs of a deleted experiment are
        not found.
        """

    def close(self) -> None:
        """Let go of connections."""
