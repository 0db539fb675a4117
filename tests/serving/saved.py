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


def cols(frame: Any) -> Any:
    """One number for each row, made of every cell in it: mixing up rows, columns or types shows."""
    answers = []
    for row in frame.to_dict("records"):
        a = 0.0 if math.isnan(row["a"]) else row["a"]
        day = row["t"].toordinal() + row["t"].hour / 24
        cells = len(row["c"]) + row["d"] * 7 + len(row["x"])
        answers.append(a + row["b"] % 1000 * 10 + row["i"] * 0.5 + day + cells)
    return answers
