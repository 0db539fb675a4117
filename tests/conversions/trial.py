"""One estimator through the whole house: saved, compared with its ONNX form, served, and asked again."""

import asyncio
import json
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

import modelpack
from modelpack.errors import ModelpackError, shorten
from modelpack.onnx.files import read_report
from modelpack.onnx.report import MethodReport, Report
from serving.codecs.json import JsonCodec
from serving.models import find, load
from serving.run.process import plane_of
from serving.settings import Settings
from serving.workers import Workers
from tests.conversions.subjects import Subject, fitted

CERTIFIED, DIFFERS, NO_FORM, NOTHING = "certified", "differs", "not converted", "nothing to ask"
WRONG = "a served answer is wrong"

ROWS = 3000
"""Rows that each is compared on."""

_TRUSTED = ("pickle", "sklearn.*", "numpy.*", "scipy.*", "builtins.*")
_ASKED = 40


@dataclass(frozen=True)
class Finding:
    """What became of one method: the *verdict*, and *why*.

    *worst* is the greatest relative difference (None: infinite, as for labels), *first* the first step that
    parts, *form* which form it is, and *limit* the magnitude up to which it answers (None: any).
    """

    verdict: str
    why: str = ""
    worst: float | None = None
    first: str = ""
    form: str = ""
    limit: float | None = None


@dataclass(frozen=True)
class Result:
    """What became of one estimator: by method, or, where nothing was asked, the *reason*."""

    name: str
    kinds: tuple[str, ...]
    methods: Mapping[str, Finding] = field(default_factory=dict)
    reason: str = ""

    @property
    def verdict(self) -> str:
        """That of its worst method."""
        found = {one.verdict for one in self.methods.values()}
        return next((one for one in (NO_FORM, DIFFERS, CERTIFIED) if one in found), NOTHING)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Result":
        """What ``to_json`` gave."""
        methods = {name: Finding(**one) for name, one in document["methods"].items()}
        return cls(document["name"], tuple(document["kinds"]), methods, document["reason"])


def attempt(subject: Subject, *, rows: int = ROWS) -> Result:
    """All that can be found out about *subject*, compared on *rows* rows.

    Raises AssertionError for a served answer that is wrong.
    """
    if subject.lacking:
        return Result(subject.name, subject.kinds, reason=subject.lacking)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, data = fitted(subject.name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs into the table
            return Result(subject.name, subject.kinds, reason=f"does not fit: {shorten(str(error), 200)}")
        methods = asked(model, subject)
        if not methods:
            return Result(subject.name, subject.kinds, reason="neither predicts nor transforms new rows")
        with tempfile.TemporaryDirectory(prefix="conversions-") as scratch:
            return _through(subject, model, data, methods, Path(scratch) / "model", rows)


def asked(model: Any, subject: Subject) -> tuple[str, ...]:
    """What people ask *model*."""
    wanted = ["predict", "predict_proba"] if hasattr(model, "predict") else []
    if not wanted or ({"transformer", "cluster"} & set(subject.kinds) and "classifier" not in subject.kinds):
        wanted.append("transform")
    if model.__sklearn_tags__().estimator_type == "outlier_detector":
        wanted.append("decision_function")
    return tuple(name for name in wanted if hasattr(model, name))


def _through(
    subject: Subject, model: Any, data: Any, methods: tuple[str, ...], path: Path, rows: int
) -> Result:
    frame = data.to_frame() if data.ndim == 1 else data
    options: dict[str, Any] = {
        "input_example": frame.head(4),
        "reference_data": frame,
        "requirements": ["scikit-learn"],
        "methods": methods,
        "certify": {"rows": rows, "seed": 0},
    }
    try:
        saved = modelpack.save(model, path, **options)
    except ModelpackError:
        # skops does not write everything.
        saved = modelpack.save(model, path, format="cloudpickle", **options)
    report = read_report(saved)
    assert report is not None
    asyncio.run(_ask(path, report, model, data, frame))
    found = {name: _finding(report, one) for name, one in report.methods.items()}
    return Result(subject.name, subject.kinds, found)


def _finding(report: Report, one: MethodReport) -> Finding:
    if one.certified:
        limit = report.domain.limit if np.isfinite(report.domain.limit) else None
        return Finding(CERTIFIED, worst=one.worst, form=report.candidate, limit=limit)
    if one.compared or one.kind:
        worst = one.worst if np.isfinite(one.worst) else None
        return Finding(DIFFERS, one.reason, worst=worst, first=report.first_difference)
    return Finding(NO_FORM, one.reason)


async def _ask(path: Path, report: Report, model: Any, rows: Any, frame: Any) -> None:
    """Serve each method, by ONNX where it is certified, and hold what comes back against the model."""
    asked = frame.head(_ASKED)
    cells = [[None if one != one else one for one in row] for row in asked.to_numpy(dtype=object).tolist()]
    body = json.dumps({"dataframe_split": {"columns": list(asked.columns), "data": cells}}).encode()
    for method in report.methods:
        engine: Literal["native", "onnx"] = "onnx" if method in report.certified else "native"
        settings = Settings(engine=engine, method=method, trust=_TRUSTED)
        try:
            served = load(find(str(path)), settings, {})
        except ModelpackError as error:
            if engine == "onnx":
                raise AssertionError(f"{method} is certified and not served: {error}") from error
            continue
        workers = Workers(1)
        try:
            codec = JsonCodec(coerce="lossless", depth_limit=64)
            answer = await plane_of(served, settings, workers).predict(body, codec)
        except ModelpackError as error:
            if engine == "onnx":
                raise AssertionError(f"{method} is certified and not answered: {error}") from error
            continue
        finally:
            workers.close()
        _hold(json.loads(answer.body)["predictions"], getattr(model, method)(rows.head(_ASKED)), method)


def _hold(got: Any, native: Any, method: str) -> None:
    wanted = np.asarray(native.toarray() if hasattr(native, "toarray") else native)
    if wanted.dtype.kind == "f":
        given = np.array(got, dtype=float)
        assert given.shape == wanted.shape, (method, given.shape, wanted.shape)
        scale = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
        assert np.allclose(given, wanted, rtol=1e-6, atol=1e-12 * scale, equal_nan=True), method
    else:
        assert np.asarray(got).tolist() == wanted.tolist(), method
