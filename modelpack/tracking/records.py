"""What tracking tells: experiments, runs, models and what was logged, under MLflow's names for the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Lifecycle = Literal["active", "deleted"]
Status = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
ModelStatus = Literal["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"]

STATUSES: Final[tuple[Status, ...]] = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
MODEL_STATUSES: Final[tuple[ModelStatus, ...]] = (
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
)


class ViewType:
    """Which of the living and the deleted are looked at."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A group of runs. Times are milliseconds since 1970, UTC."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: Lifecycle = "active"
    creation_time: int = 0
    last_update_time: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """One point: *value* at *step*, seen at *timestamp* (milliseconds since 1970, UTC).

    It may tell of a logged model, *model_id*, measured on a dataset in the run *run_id*.
    """

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Param:
    """One input of a run; it never changes."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag:
    """One note on a run."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a run is. *start_time* and *end_time* are milliseconds since 1970, UTC."""

    run_id: str
    run_name: str
    experiment_id: str
    user_id: str
    status: Status
    start_time: int
    end_time: int | None
    artifact_uri: str
    lifecycle_stage: Lifecycle

    @property
    def run_uuid(self) -> str:
        """The older name of *run_id*."""
        return self.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """What was logged in a run. *points* are the newest of each metric, *metrics* their values."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: Sequence[Metric] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data that a run has used: a name, what is in it (*digest*), and where it came from."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInput:
    """A dataset as a run has used it, such as ``{"mlflow.data.context": "training"}``."""

    dataset: Dataset
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A logged model that a run has used."""

    model_id: str


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """A logged model that a run has made, at *step*."""

    model_id: str
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """What a run has used."""

    dataset_inputs: Sequence[DatasetInput] = ()
    model_inputs: Sequence[ModelInput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutputs:
    """What a run has made."""

    model_outputs: Sequence[ModelOutput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, whole; only its history of metrics and its files are asked for apart."""

    info: RunInfo
    data: RunData
    inputs: RunInputs = RunInputs()
    outputs: RunOutputs = RunOutputs()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """A model as MLflow 3 logs it: beside the runs of its experiment, not in one. Times as everywhere.

    *metrics* are the newest of each key in each run, on each dataset.
    """

    model_id: str
    experiment_id: str
    name: str
    artifact_uri: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    status: ModelStatus
    status_message: str = ""
    model_type: str = ""
    source_run_id: str = ""
    creator_id: str = ""
    lifecycle_stage: Lifecycle = "active"
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Metric] = ()


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a run, or a folder: *path* from the run's root, *file_size* in bytes, None for a folder."""

    path: str
    is_dir: bool
    file_size: int | None
