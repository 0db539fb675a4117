"""The native model joins when it is wanted, not before, and what was measured is remembered."""

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from modelpack.engines.auto import MANY, AutoEngine, Learns
from modelpack.engines.choose import Measured
from modelpack.engines.memory import Measurements, has_opened, note_opened
from modelpack.errors import MissingDependency, ModelpackError, Uncertified


class Named:
    """Answers its name for each row; *refuses* numbers greater than that."""

    def __init__(self, name: str, *, refuses: float = np.inf) -> None:
        self.name, self._refuses = name, refuses
        self.calls: list[int] = []

    def run(self, data: np.ndarray, method: str) -> Any:
        self.calls.append(len(data))
        if (data > self._refuses).any():
            raise Uncertified("too large")
        return np.full(len(data), self.name)


class Joining:
    """Gives *native* when it is called, and counts."""

    def __init__(self, native: Named | None) -> None:
        self._native = native
        self.times = 0

    def __call__(self) -> Named:
        self.times += 1
        if self._native is None:
            raise MissingDependency("this model", package="scikit-learn")
        return self._native


def auto(
    join: Joining,
    *,
    onnx: Named | None = None,
    measurements: Measurements | None = None,
    learns: Learns = "first",
) -> AutoEngine:
    engine: Any = onnx or Named("onnx", refuses=100)
    return AutoEngine(engine, join, "predict", measurements=measurements, learns=learns)


def rows(count: int, value: float = 0.0) -> np.ndarray:
    return np.full((count, 2), value)


def test_few_rows_are_answered_without_the_native_model() -> None:
    join = Joining(Named("native"))
    engine = auto(join)
    for count in (1, 16, MANY - 1):
        assert set(engine.run(rows(count), "predict")) == {"onnx"}
    assert join.times == 0
    assert engine.name == "onnx"


def test_what_was_not_compared_is_answered_by_the_native_model_which_loads_once() -> None:
    join = Joining(Named("native"))
    engine = auto(join)
    for _ in range(3):
        assert engine.run(rows(1, 1e3), "predict").tolist() == ["native"]
    assert join.times == 1
    assert engine.run(rows(1), "predict").tolist() == ["onnx"]


def test_many_rows_bring_the_native_model_which_answers_them_and_is_measured(tmp_path: Path) -> None:
    join = Joining(Named("native"))
    kept = Measurements(tmp_path, "sha256:ab", "predict/1")
    engine = auto(join, measurements=kept)
    assert set(engine.run(rows(MANY), "predict")) == {"native"}
    found = kept.read()
    assert found is not None
    assert set(found.onnx) == set(found.native) == {1, 16, 256, 4096}
    assert join.times == 1
    # Measured once is enough.
    before = list(engine.onnx.calls)  # type: ignore[attr-defined]  # a Named
    engine.run(rows(MANY), "predict")
    assert len(engine.onnx.calls) <= len(before) + 1  # type: ignore[attr-defined]  # a Named


class Held(Joining):
    """Does not give it before it may."""

    def __init__(self, native: Named | None) -> None:
        super().__init__(native)
        self.may = Event()

    def __call__(self) -> Named:
        assert self.may.wait(30)
        return super().__call__()


def learned(engine: AutoEngine) -> None:
    assert engine._learning is not None
    engine._learning.join(30)
    assert not engine._learning.is_alive()


def test_nobody_waits_where_a_thread_finds_out_which_engine_is_faster(tmp_path: Path) -> None:
    join = Held(Named("native"))
    kept = Measurements(tmp_path, "sha256:ab", "predict/1")
    engine = auto(join, measurements=kept, learns="aside")
    assert set(engine.run(rows(MANY - 1), "predict")) == {"onnx"}
    assert engine._learning is None
    for _ in range(3):
        assert set(engine.run(rows(MANY), "predict")) == {"onnx"}
    assert kept.read() is None
    join.may.set()
    learned(engine)
    assert join.times == 1
    found = kept.read()
    assert found is not None
    assert engine.run(rows(MANY), "predict")[0] == found.faster(MANY)


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_a_native_model_that_a_thread_cannot_load_is_asked_for_once(error: type[Exception] | None) -> None:
    class Broken(Joining):
        def __call__(self) -> Named:
            native = super().__call__
            if error is None:
                return native()
            self.times += 1
            raise error

    join = Broken(None)
    engine = auto(join, learns="aside")
    for _ in range(2):
        assert set(engine.run(rows(MANY), "predict")) == {"onnx"}
        learned(engine)
    assert join.times == 1
    assert set(engine.run(rows(MANY), "predict")) == {"onnx"}


def test_where_nobody_is_to_learn_the_native_model_joins_for_its_own_rows_only() -> None:
    join = Joining(Named("native"))
    engine = auto(join, learns="never")
    assert set(engine.run(rows(MANY), "predict")) == {"onnx"}
    assert join.times == 0
    assert set(engine.run(rows(MANY, 1e3), "predict")) == {"native"}


def test_what_is_remembered_decides_from_the_start(tmp_path: Path) -> None:
    kept = Measurements(tmp_path, "sha256:ab", "predict/1")
    kept.write(Measured({1: 0.1, 4096: 0.9}, {1: 0.5, 4096: 0.2}))
    join = Joining(Named("native"))
    engine = auto(join, measurements=kept)
    assert set(engine.run(rows(50), "predict")) == {"onnx"}
    assert join.times == 0
    assert set(engine.run(rows(5000), "predict")) == {"native"}
    assert join.times == 1
    kept.write(Measured({1: 0.1, 4096: 0.1}, {1: 0.5, 4096: 0.2}))
    other = auto(join, measurements=kept)
    assert set(other.run(rows(5000), "predict")) == {"onnx"}
    assert join.times == 1


def test_where_the_native_model_does_not_load_the_other_goes_on_alone() -> None:
    join = Joining(None)
    engine = auto(join)
    assert set(engine.run(rows(MANY), "predict")) == {"onnx"}
    with pytest.raises(Uncertified):
        engine.run(rows(1, 1e3), "predict")
    assert join.times == 1
    assert engine.name == "onnx"


def test_rows_that_cannot_be_measured_change_nothing() -> None:
    join = Joining(Named("native"))
    engine = auto(join)
    assert set(engine.run(rows(MANY, 1e3), "predict")) == {"native"}
    assert engine.run(rows(1), "predict").tolist() == ["onnx"]
    assert set(engine.run(rows(MANY, 1e3), "predict")) == {"native"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"predict/1": 3}', '{"predict/1": {"onnx": {"a": 1}}}'])
def test_a_memory_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "measured").mkdir()
    (tmp_path / "measured" / "ab.json").write_text(text)
    kept = Measurements(tmp_path, "sha256:ab", "predict/1")
    assert kept.read() is None
    kept.write(Measured({1: 0.1}, {1: 0.2}))
    assert kept.read() == Measured({1: 0.1}, {1: 0.2})
    assert [path.name for path in (tmp_path / "measured").iterdir()] == ["ab.json"]


def test_each_method_is_remembered_by_itself(tmp_path: Path) -> None:
    one, two = (Measurements(tmp_path, "sha256:ab", key) for key in ("predict/1", "predict_proba/1"))
    one.write(Measured({1: 0.1}, {1: 0.2}))
    two.write(Measured({1: 0.3}, {1: 0.4}))
    assert one.read() == Measured({1: 0.1}, {1: 0.2})
    assert two.read() == Measured({1: 0.3}, {1: 0.4})


def test_what_opened_is_remembered_where_that_is_possible(tmp_path: Path) -> None:
    assert not has_opened(tmp_path / "home", "sha256:ab")
    note_opened(tmp_path / "home", "sha256:ab")
    assert has_opened(tmp_path / "home", "sha256:ab")
    assert not has_opened(tmp_path / "home", "sha256:cd")
    (tmp_path / "file").write_text("")
    note_opened(tmp_path / "file", "sha256:ab")
    assert not has_opened(tmp_path / "file", "sha256:ab")


def test_only_foreseen_failures_leave_it_alone() -> None:
    class Broken(Joining):
        def __call__(self) -> Named:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        auto(Broken(None)).run(rows(MANY), "predict")
    assert not issubclass(ZeroDivisionError, ModelpackError)
