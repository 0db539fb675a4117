"""What tracking tells: experiments, runs and what was logged in them, under MLflow's names for the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Lifecycle = Literal["active", "deleted"]
Status = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]

STATUSES: Final[tuple[Status, ...]] = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


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
    """One point: *value* at *step*, seen at *timestamp* (milliseconds since 1970, UTC)."""

    key: str
    value: float
    timestamp: int
    step: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """What a run has used."""

    dataset_inputs: Sequence[DatasetInput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, whole; only its history of metrics and its files are asked for apart."""

    info: RunInfo
    data: RunData
    inputs: RunInputs = RunInputs()


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a run, or a folder: *path* from the run's root, *file_size* in bytes, None for a folder."""

    path: str
    is_dir: bool
    file_size: int | None
