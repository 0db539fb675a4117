"""The calls of MlflowClient for experiments and runs."""

import getpass
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, cast

import msgspec
import yaml

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.opening import Tracking
from modelpack.tracking.records import (
    DatasetInput,
    Experiment,
    FileInfo,
    Metric,
    Param,
    Run,
    RunTag,
    Status,
    ViewType,
)
from modelpack.tracking.registered import PagedList
from modelpack.tracking.rules import number

PARENT = "mlflow.parentRunId"
USER = "mlflow.user"


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class RunCalls(ABC):
    """Experiments, runs, what is logged in them, and their files."""

    @property
    @abstractmethod
    def tracking(self) -> Tracking:
        """The store of runs, and their files."""

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
    ) -> str:
        """Enter an experiment, and tell its id. Raises AlreadyExists."""
        return self.tracking.store.create_experiment(
            name, artifact_location=str(artifact_location or ""), tags=tags or {}
        )

    def get_experiment(self, experiment_id: str) -> Experiment:
        """One experiment. Raises NotFound."""
        return self.tracking.store.get_experiment(str(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of that name, deleted or not; None when there is none."""
        return self.tracking.store.get_experiment_by_name(name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1_000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList:
        """Experiments for which the filter holds, newest first."""
        page = self.tracking.store.search_experiments(
            filter_string or "",
            view=view_type,
            order_by=order_by or (),
            max_results=max_results,
            page_token=page_token,
        )
        return PagedList(page.items, page.next_token)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give it another name."""
        self.tracking.store.rename_experiment(str(experiment_id), new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Hide it and its runs."""
        self.tracking.store.delete_experiment(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Show it and its runs again."""
        self.tracking.store.restore_experiment(str(experiment_id))

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Note something about it."""
        self.tracking.store.set_experiment_tag(str(experiment_id), key, str(value))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Take a note away."""
        self.tracking.store.delete_experiment_tag(str(experiment_id), key)

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Begin a run; it stays RUNNING until set_terminated()."""
        given = {key: str(value) for key, value in (tags or {}).items()}
        return self.tracking.store.create_run(
            str(experiment_id),
            run_name=run_name or "",
            user_id=given.get(USER) or _user(),
            start_time=now() if start_time is None else start_time,
            tags=given,
        )

    def get_run(self, run_id: str) -> Run:
        """One run. Raises NotFound."""
        return self.tracking.store.get_run(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that this one is nested in, if it is."""
        parent = self.get_run(run_id).data.tags.get(PARENT)
        return None if parent is None else self.get_run(parent)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1_000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList:
        """Runs for which the filter holds, newest first unless *order_by* says otherwise."""
        page = self.tracking.store.search_runs(
            [str(one) for one in experiment_ids],
            filter_string,
            view=run_view_type,
            order_by=order_by or (),
            max_results=max_results,
            page_token=page_token,
        )
        return PagedList(page.items, page.next_token)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Give a run another status or name."""
        self.tracking.store.update_run(run_id, status=cast("Status | None", status), run_name=name)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED unless *status* says otherwise."""
        self.tracking.store.update_run(
            run_id,
            status=cast("Status", status or "FINISHED"),
            end_time=now() if end_time is None else end_time,
        )

    def delete_run(self, run_id: str) -> None:
        """Hide a run."""
        self.tracking.store.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Show a run again."""
        self.tracking.store.restore_run(run_id)

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
    ) -> None:
        """Log one point."""
        at = now() if timestamp is None else timestamp
        self.tracking.store.log_batch(run_id, metrics=[Metric(key, number(key, value), at, step or 0)])

    def log_param(self, run_id: str, key: str, value: Any) -> Any:
        """Log one input. Raises Conflict where it has another value already."""
        self.tracking.store.log_batch(run_id, params={key: value})
        return value

    def set_tag(self, run_id: str, key: str, value: Any) -> None:
        """Note something about a run."""
        self.tracking.store.log_batch(run_id, tags={key: value})

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag off a run."""
        self.tracking.store.delete_tag(run_id, key)

    def log_batch(
        self,
        run_id: str,
        metrics: Iterable[Metric] = (),
        params: Iterable[Param] = (),
        tags: Iterable[RunTag] = (),
    ) -> None:
        """Log all of it or nothing."""
        inputs, notes = list(params), list(tags)
        self.tracking.store.log_batch(
            run_id,
            metrics=metrics,
            params=_by_key("param", inputs),
            tags={one.key: one.value for one in notes},
        )

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput] | None = None) -> None:
        """Note which datasets a run has used."""
        self.tracking.store.log_inputs(run_id, datasets or ())

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of a metric, by step."""
        points: list[Metric] = []
        token: str | None = None
        while True:
            page = self.tracking.store.metric_history(run_id, key, page_token=token)
            points += page.items
            token = page.next_token
            if token is None:
                return points

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Keep a copy of a file, or of a folder under its name, with the run."""
        source = Path(local_path)
        folder = artifact_path or ""
        if source.is_dir():
            folder = f"{folder}/{source.name}" if folder else source.name
        self._log(run_id, source, folder)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Keep copies of all files of a folder with the run."""
        self._log(run_id, Path(local_dir), artifact_path or "")

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Keep *text* as the file *artifact_file*."""
        self._log_bytes(run_id, text.encode(), artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Keep a value as JSON, or as YAML where the name ends in ``.yml`` or ``.yaml``."""
        if artifact_file.lower().endswith((".yml", ".yaml")):
            content = yaml.safe_dump(dictionary, sort_keys=False, allow_unicode=True).encode()
        else:
            content = msgspec.json.format(msgspec.json.encode(dictionary), indent=2)
        self._log_bytes(run_id, content, artifact_file)

    def log_figure(self, run_id: str, figure: Any, artifact_file: str) -> None:
        """Keep a figure of Matplotlib (``savefig``) or Plotly (``write_html``, ``write_image``)."""
        with tempfile.TemporaryDirectory(prefix="modelpack-figure-") as folder:
            file = Path(folder) / PurePosixPath(artifact_file).name
            if callable(getattr(figure, "savefig", None)):
                figure.savefig(file)
            elif callable(getattr(figure, "write_html", None)):
                (figure.write_html if file.suffix == ".html" else figure.write_image)(file)
            else:
                raise InvalidName(
                    f"a figure of Matplotlib or Plotly can be logged, not {type(figure).__qualname__}"
                )
            self._log(run_id, file, _folder(artifact_file))

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in the folder *path* of a run."""
        return self.tracking.files.list(self._root(run_id), path or "")

    def download_artifacts(self, run_id: str, path: str, dst_path: str | Path | None = None) -> str:
        """Copy a file or folder of a run into *dst_path*, or a new folder; where it is then."""
        into = Path(dst_path) if dst_path is not None else Path(tempfile.mkdtemp(prefix="modelpack-run-"))
        return str(self.tracking.files.fetch(self._root(run_id), path, into).absolute())

    def _log_bytes(self, run_id: str, content: bytes, artifact_file: str) -> None:
        with tempfile.TemporaryDirectory(prefix="modelpack-log-") as folder:
            name = PurePosixPath(artifact_file).name
            if not name:
                raise InvalidName(f"{shorten(repr(artifact_file), 120)} names no file")
            file = Path(folder) / name
            file.write_bytes(content)
            self._log(run_id, file, _folder(artifact_file))

    def _log(self, run_id: str, source: Path, folder: str) -> None:
        self.tracking.files.log(self._root(run_id), source, folder)

    def _root(self, run_id: str) -> str:
        return self.get_run(run_id).info.artifact_uri


def _folder(artifact_file: str) -> str:
    parent = PurePosixPath(artifact_file).parent.as_posix()
    return "" if parent == "." else parent


def _by_key(kind: str, given: Sequence[Param]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        if found.setdefault(one.key, one.value) != one.value:
            raise InvalidName(f"the {kind} {shorten(repr(one.key), 60)} is in the batch twice, and differs")
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number and no name.
        return ""
