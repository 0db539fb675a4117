"""The ONNX form alone, until the native model is wanted; from then on whichever is faster for the rows."""

import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Literal, TypeAlias

from modelpack.engines import Engine
from modelpack.engines.choose import Measured, measure
from modelpack.engines.memory import Measurements
from modelpack.engines.onnx import OnnxEngine
from modelpack.errors import ModelpackError, Uncertified

MANY = 512
"""Rows from which the native model may be the faster; fewer are not worth loading it."""

Learns: TypeAlias = Literal["first", "aside", "never"]
"""Who waits until the engines are measured: whoever first asks for many rows, or nobody, for a thread does it
(which the end of the process waits for); or they are not measured."""

logger = logging.getLogger(__name__)


class AutoEngine:
    """Answers *method* by *onnx*; *join* loads the native engine when it is first wanted.

    It is wanted for what the certificate does not cover, and, unless it *learns* never, for many rows: then
    the two are measured on those rows, for at most about *seconds*, which *measurements* keeps. Where it
    cannot be loaded, the ONNX form goes on alone.
    """

    def __init__(
        self,
        onnx: OnnxEngine,
        join: Callable[[], Engine],
        method: str,
        *,
        measurements: Measurements | None = None,
        seconds: float = 0.5,
        learns: Learns = "first",
    ) -> None:
        self.onnx = onnx
        self._join = join
        self._method = method
        self._measurements = measurements
        self._seconds = seconds
        self._learns = learns
        self._learning: Thread | None = None
        self._native: Engine | None = None
        self._is_alone = False
        self._measured = measurements.read() if measurements else None
        self._lock = Lock()
        self._starting = Lock()

    @property
    def name(self) -> str:
        """The engine that answers single rows."""
        return self._measured.faster(1) if self._measured and not self._is_alone else self.onnx.name

    def choose(self, rows: int) -> Engine:
        """The engine for so many rows; loads the native model where that is the one."""
        if self._measured is None or self._is_alone or self._measured.faster(rows) == "onnx":
            return self.onnx
        return self._joined() or self.onnx

    def run(self, data: Any, method: str) -> Any:
        """What the model's *method* answers for *data*. Raises Uncertified where nobody may answer."""
        rows = len(data)
        if rows >= MANY and self._measured is None and not self._is_alone:
            if self._learns == "aside":
                self._learn_aside(data)
            elif self._learns == "first" and (native := self._joined()):
                answer = native.run(data, method)
                self._compare(data)
                return answer
        engine = self.choose(rows)
        if engine is not self.onnx:
            return engine.run(data, method)
        try:
            return self.onnx.run(data, method)
        except Uncertified:
            if native := self._joined():
                return native.run(data, method)
            raise

    def _learn_aside(self, rows: Any) -> None:
        with self._starting:
            if self._learning is None:
                self._learning = Thread(target=self._learn, args=(rows,), name="measure engines")
                self._learning.start()

    def _learn(self, rows: Any) -> None:
        try:
            if self._joined():
                self._compare(rows)
        except Exception as error:  # noqa: BLE001 - nobody waits for it who could be told
            self._is_alone = True
            logger.warning("the native model does not load", extra={"reason": repr(error)})

    def _joined(self) -> Engine | None:
        with self._lock:
            if self._native is None and not self._is_alone:
                try:
                    self._native = self._join()
                except ModelpackError as error:
                    self._is_alone = True
                    logger.warning("the native model does not load", extra={"reason": str(error)})
            return self._native

    def _compare(self, rows: Any) -> None:
        """Measure both on *rows*, which the native engine has just answered; one caller does."""
        with self._lock:
            if self._measured is not None or self._native is None:
                return
            try:
                self._measured = measure(self.onnx, self._native, self._method, rows, seconds=self._seconds)
            except Exception as error:  # noqa: BLE001 - rows that one of them refuses say nothing of speed
                logger.info("the engines were not measured", extra={"reason": str(error)})
                self._measured = Measured()
                return
        if self._measurements:
            self._measurements.write(self._measured)
        logger.info("engines measured", extra={"onnx": self._measured.onnx, "native": self._measured.native})
