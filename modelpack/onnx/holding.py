"""A form held against what the native model answers to the same rows."""

from dataclasses import replace
from typing import Any

import numpy as np

from modelpack.errors import shorten
from modelpack.onnx.comparing import Answers, Comparison
from modelpack.onnx.convert import candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.layout import Output
from modelpack.onnx.probes import Probe
from modelpack.onnx.rows import part
from modelpack.onnx.session import OnnxSession
from modelpack.schema import Schema, Signature, Table, TensorSpec


def hold(comparison: Comparison, session: OnnxSession, method: str, probe: Probe, native: Answers) -> None:
    """Hold the form's answers to *probe* against the native ones; what these refuse, it must refuse too."""
    if native.values is not None:
        data = part(probe.data, native.answered)
        try:
            whole = session.run(data, method, cut=False)
            other = _in_pieces(session, method, data)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the native model answered
            comparison.fail(
                f"the form refuses what the model answers: {shorten(str(error), 200)}", kind=probe.kind
            )
            return
        comparison.compare(native.values, whole, data, probe.kind)
        if not np.array_equal(whole, other, equal_nan=whole.dtype.kind == "f"):
            comparison.compare(native.values, other, data, probe.kind)
    for row in native.refused[:64]:
        one = part(probe.data, np.array([row]))
        try:
            session.run(one, method)
        except Exception:  # noqa: BLE001, S112 - a refusal, as it should be
            continue
        comparison.fail("the form answers what the model refuses", kind=probe.kind)
        return


def _in_pieces(session: OnnxSession, method: str, data: Table | np.ndarray) -> np.ndarray:
    """Answers to *data*, asked one by one at first, then in larger lots: the runtime has a way for each."""
    count = len(data)
    edges = [*range(min(count, 32)), *range(32, min(count, 532), 100)]
    edges += [count] if count <= 532 else [532, count]
    lots = [
        np.arange(start, stop) for start, stop in zip(edges, [*edges[1:], count], strict=True) if stop > start
    ]
    return np.concatenate([session.run(part(data, lot), method) for lot in lots])


def hold_alone(comparison: Comparison, estimator: Any, name: str, method: str, data: np.ndarray) -> None:
    """Hold what the form *name* of *estimator* answers to *data*, its own features, against the native."""
    signature = Signature(inputs=Schema((TensorSpec(np.dtype(np.float64), (-1, data.shape[1])),)))
    for candidate in candidates(estimator, signature=signature, methods=(method,)):
        if candidate.name != name or candidate.model is None or candidate.layout is None:
            continue
        native = np.asarray(getattr(estimator, method)(data))
        output = candidate.layout.outputs[method]
        layout = replace(
            candidate.layout, outputs={method: Output(output.name, str(native.dtype), native.ndim == 1)}
        )
        session = OnnxSession(candidate.model.SerializeToString(), layout, Domain())
        comparison.compare(native, session.run(data, method), data, "features")
        return


def known(native: Answers, probe: Probe, domain: Domain) -> Answers:
    """*native* without the rows of *probe* that have missing text in a column that was set aside."""
    if not domain.unknown_missing or not isinstance(probe.data, Table):
        return native
    unknown = np.zeros(probe.rows, dtype=bool)
    for name in domain.unknown_missing:
        unknown |= probe.data.columns[name] == np.array(None)
    left = ~unknown[native.answered]
    values = native.values[left] if native.values is not None and left.any() else None
    return Answers(native.answered[left], native.refused[~unknown[native.refused]], values)
