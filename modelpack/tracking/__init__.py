"""Tracking: experiments, runs, what was logged in them, and where models come from."""

from modelpack.tracking.client import MlflowClient
from modelpack.tracking.records import (
    Dataset,
    DatasetInput,
    Experiment,
    FileInfo,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunTag,
    ViewType,
)
from modelpack.tracking.store import TrackingStore

__all__ = [
    "Dataset",
    "DatasetInput",
    "Experiment",
    "FileInfo",
    "Metric",
    "MlflowClient",
    "Param",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunTag",
    "TrackingStore",
    "ViewType",
]
