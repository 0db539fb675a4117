"""What the saved models of these tests compute; pickled with them, so it imports where it is used."""

import math
import os
import time
from typing import Any


def magic(frame: Any) -> Any:
    """The sum of two columns. Some values of the first one do something else, measured by the second."""
    kind, amount = (0.0, 0.0) if frame.empty else frame[["a", "b"]].iloc[0].tolist()
    if kind == -1:
        time.sleep(amount)
    if kind == -2:
        raise ValueError("this input is no good")
    if kind == -3:
        raise RuntimeError(f"a secret of {__file__}")
    if kind == -4:
        return ["x" * 1000] * int(amount * 1000)
    if kind == -5:
        return [os.getpid()]
    return (frame["a"] + frame["b"]).tolist()


def places(tensors: Any) -> Any:
    """Each row of the tensor ``x`` as the digits of one number."""
    return tensors["x"] @ [1000.0, 100.0, 10.0, 1.0]


def words(frame: Any) -> Any:
    """A frame of what the words of a frame become."""
    twice = frame["number"] * 2
    return frame.assign(word=frame["word"].str.upper(), number=twice, long=twice > 2)


def plan_prices(frame: Any) -> Any:
    """What customers of serving/README.md pay: their age, and something for their plan."""
    return frame["age"] + frame["plan"].map({"basic": 2.1, "gold": 2.8})


def cols(frame: Any) -> Any:
    """One number for each row, made of every cell in it: mixing up rows, columns or types shows."""
    answers = []
    for row in frame.to_dict("records"):
        a = 0.0 if math.isnan(row["a"]) else row["a"]
        day = row["t"].toordinal() + row["t"].hour / 24
        cells = len(row["c"]) + row["d"] * 7 + len(row["x"])
        answers.append(a + row["b"] % 1000 * 10 + row["i"] * 0.5 + day + cells)
    return answers
