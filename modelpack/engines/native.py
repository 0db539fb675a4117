"""The model itself, by whatever calls it."""

from collections.abc import Callable
from typing import Any


class NativeEngine:
    """Runs *call*, which takes enforced input and the name of a method, as a flavor's predictor does."""

    name = "native"

    def __init__(self, call: Callable[[Any, str], Any]) -> None:
        self._call = call

    def run(self, data: Any, method: str) -> Any:
        """What the model's *method* answers for *data*. Raises what the model raises."""
        return self._call(data, method)
