"""An ONNX model made ready to answer: bytes in, numpy arrays through onnxruntime, nothing else needed."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel, MissingDependency, Uncertified, shorten
from modelpack.onnx import bulk, wire
from modelpack.onnx.domain import Domain, Gate
from modelpack.onnx.layout import Layout
from modelpack.schema import Table
from modelpack.schema.compile import Numbers


class OnnxSession:
    """Runs *model*, fed as *layout* says, for inputs in *domain*.

    Raises InvalidModel for bytes that no runtime should be handed (``modelpack.onnx.wire``), or that
    onnxruntime refuses. Safe to call from several threads; make it after a fork, never before.
    """

    def __init__(self, model: bytes, layout: Layout, domain: Domain, *, threads: int = 1) -> None:
        wire.check(model)
        self._model = model
        self._layout = layout
        self._gates = [(block.name, Gate(block, domain)) for block in layout.blocks]
        self._takes_numbers = domain.limit >= Numbers.GREATEST
        """Whether such a table needs no look at its numbers: none is missing or infinite."""
        self._threads = threads
        self._sessions: dict[str, Any] = {}
        self._cut: dict[str, _Many | None] = {}
        """Those for many rows, by method; None where the graph is the same for any number."""
        self._lock = Lock()

    def run(self, data: Table | np.ndarray, method: str, *, cut: bool | None = None) -> np.ndarray:
        """What the model's *method* answers for *data*.

        *cut* tells whether forests are cut into trees (``modelpack.onnx.bulk``); the number of rows decides
        that where it is None. Raises ValueError where the native model does, Uncertified for what was not
        compared with it, and SchemaMismatch for data that the layout cannot hold.
        """
        feeds = self._layout.feeds(data)
        if not (type(data) is Numbers and self._takes_numbers):
            self._hold(feeds)
        return self._run(feeds, method, len(data) >= bulk.MANY if cut is None else cut)

    def run_feeds(self, feeds: Mapping[str, np.ndarray], method: str) -> np.ndarray:
        """As ``run``, for *feeds* that are laid out already: by block, in its dtype, in C order."""
        self._hold(feeds)
        return self._run(feeds, method, len(next(iter(feeds.values()))) >= bulk.MANY)

    def _hold(self, feeds: Mapping[str, np.ndarray]) -> None:
        for name, gate in self._gates:
            gate.check(feeds[name])

    def _run(self, feeds: Mapping[str, np.ndarray], method: str, cut: bool) -> np.ndarray:
        session = self._sessions.get(method) or self._opened(method)
        output = self._layout.outputs[method]
        many = self._opened_cut(method) if cut else None
        if many is None:
            return output.native(_run(session, output.name, feeds))
        return output.native(many.run(output.name, feeds))

    def open(self, method: str) -> None:
        """Get ready to answer *method*, so that the first call does not pay for it."""
        self._opened(method)

    def _opened(self, method: str) -> Any:
        if method not in self._layout.outputs:
            raise Uncertified(f"the ONNX form has no {shorten(method, 60)}; use the native engine")
        with self._lock:
            if method not in self._sessions:
                # One session a method: onnxruntime computes every output that a model has, asked for or not.
                part = wire.with_outputs(self._model, {self._layout.outputs[method].name})
                self._sessions[method] = _session(part, self._threads)
            return self._sessions[method]

    def _opened_cut(self, method: str) -> "_Many | None":
        if method not in self._cut:
            with self._lock:
                if method not in self._cut:
                    part = wire.with_outputs(self._model, {self._layout.outputs[method].name})
                    cut = bulk.by_trees(part)
                    self._cut[method] = None if cut is None else _Many(cut, self._threads)
        return self._cut[method]


class _Many:
    """A session for many rows, which are asked in another order than they are answered in."""

    def __init__(self, cut: bulk.Cut, threads: int) -> None:
        self._session = _session(cut.model, threads)
        self._order = cut.order

    def run(self, output: str, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
        """What the model answers, row by row."""
        if self._order.block not in feeds:
            # The trees ask what the graph has computed.
            answer: np.ndarray = _run(self._session, output, feeds)
            return answer
        places = self._order.places(feeds)
        found = _run(self._session, output, {name: rows[places] for name, rows in feeds.items()})
        answer = np.empty_like(found)
        answer[places] = found
        return answer


def _session(model: bytes, threads: int) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingDependency("the ONNX engine", package="onnxruntime", extra="onnx") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Threads that wait by spinning take the processor from the server's other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # It would print what run() raises, and warn of constants that only another method needs.
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidModel(f"onnxruntime refuses the model: {shorten(str(error), 200)}") from error


def _run(session: Any, output: str, feeds: Mapping[str, np.ndarray]) -> Any:
    try:
        return session.run([output], feeds)[0]
    except Exception as error:
        if type(error).__name__ == "InvalidArgument":
            # A table that the graph looks into has no place for the value: the encoder refuses it.
            raise ValueError(
                "the model refuses a value; a category that it was not fitted on, most likely"
            ) from None
        raise
