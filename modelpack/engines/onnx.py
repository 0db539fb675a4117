"""The ONNX form of a model, held to the report that certifies it. Loads onnxruntime, and no framework."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel, Uncertified, shorten
from modelpack.onnx.layout import Layout
from modelpack.onnx.report import Report
from modelpack.onnx.session import OnnxSession
from modelpack.onnx.wire import LARGEST
from modelpack.schema import Table


class OnnxEngine:
    """Answers the methods that *report* certifies, and refuses what the native model refuses.

    *model* is an ONNX file, or its bytes, that the caller has held to the report's digest. *threads* is for
    one call; no more are taken than the report certifies. Raises InvalidModel for a file that no runtime
    should be handed, and for a report without a layout. Make it after a fork, never before: onnxruntime's
    threads do not survive one.
    """

    name = "onnx"

    def __init__(self, model: Path | bytes, report: Report, *, threads: int = 1) -> None:
        if report.layout is None:
            raise InvalidModel("the parity report certifies no ONNX form; certify the model again")
        self._layout = report.layout
        self._certified = frozenset(report.certified)
        self._session = OnnxSession(
            _bytes(model), report.layout, report.domain, threads=max(1, min(threads, report.threads))
        )

    @property
    def methods(self) -> frozenset[str]:
        """What it answers."""
        return self._certified

    def open(self, method: str) -> None:
        """Get ready to answer *method* now, not at the first call. Raises Uncertified and InvalidModel."""
        self._check(method)
        self._session.open(method)

    def run(self, data: Table | np.ndarray, method: str) -> Any:
        """What the model's *method* answers for *data*, in the native model's shape and dtype.

        Raises ValueError where the native model refuses, Uncertified for a method or for values that were not
        compared with it.
        """
        self._check(method)
        return self._session.run(data, method)

    @property
    def layout(self) -> Layout:
        """How the graph is fed, for callers that lay out their rows themselves."""
        return self._layout

    def run_feeds(self, feeds: Mapping[str, np.ndarray], method: str) -> Any:
        """As ``run``, for rows that are laid out already (``layout``)."""
        self._check(method)
        return self._session.run_feeds(feeds, method)

    def _check(self, method: str) -> None:
        if method not in self._certified:
            raise Uncertified(
                f"the ONNX form is not certified for {shorten(method, 60)}; use the native engine"
            )


def _bytes(model: Path | bytes) -> bytes:
    if isinstance(model, bytes):
        return model
    size = model.stat().st_size
    if size > LARGEST:
        raise InvalidModel(f"an ONNX file of {size} bytes; no more than {LARGEST} can be read")
    return model.read_bytes()
