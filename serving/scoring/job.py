"""One run of a model over a file."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from modelpack.errors import ModelpackError, shorten
from modelpack.schema import enforce_params
from serving.codecs import Payload
from serving.errors import PartFailed
from serving.models import Served, find, load
from serving.scoring.kinds import Kind
from serving.scoring.reading import payloads
from serving.scoring.writing import answers_to
from serving.settings import Settings

CHUNK = 1 << 16
"""Rows of a file of columns that are in memory at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Ask the model *reference* the rows in *source*, a file of *kind*, and write what it says to *target*.

    ``-`` stands for the standard streams. *params* go before those in the file. At most *rows* rows of a
    file of columns are asked in one call; 0 means all of them.
    """

    reference: str
    source: str
    kind: Kind
    target: str
    into: Kind
    params: Mapping[str, Any] = field(default_factory=dict)
    rows: int = CHUNK


def score(job: Job, settings: Settings) -> None:
    """Do *job*; engine, method, coerce and trust are those of *settings*.

    The file is written whole or not at all, and one that is there is replaced. Raises what finding, loading
    and predicting do, and StoreUnavailable where nothing can be written.
    """
    source = find(job.reference)
    # First of all: who waits for a model should not hear at the end that there is no such folder.
    with answers_to(job.target, job.into) as answers:
        served = load(source, settings, os.environ, learns="never")
        parts = payloads(job.source, job.kind, served.signature, rows=_rows(job, served), settings=settings)
        first, second = next(parts), next(parts, None)
        answers.begin(served.signature.outputs, parts=1 if second is None else 2)
        start = 0
        for payload in chain([first], [] if second is None else [second], parts):
            params = _params(job, payload, served, settings)
            with _placed(start, payload.rows, is_only=second is None):
                answers.add(served.predictor.run(payload.data, params), payload.rows)
            start += payload.rows


def _rows(job: Job, served: Served) -> int:
    """As many rows in a call as the job says, where the model's rows may be asked apart."""
    return job.rows if job.rows and served.lane.batches else sys.maxsize


@contextmanager
def _placed(start: int, rows: int, *, is_only: bool) -> Iterator[None]:
    """Say of an error which part of the file it is about: the model counts its rows from 0."""
    try:
        yield
    except ModelpackError as error:
        if is_only:
            raise
        where = f"in rows {start} to {start + rows - 1}, counted from {start} as 0: "
        raise PartFailed(shorten(f"{where}{error}")) from error


def _params(job: Job, payload: Payload, served: Served, settings: Settings) -> dict[str, Any]:
    given = enforce_params(job.params, served.signature.params, coerce=settings.coerce)
    return {**payload.params, **{name: given[name] for name in job.params if name in given}}
