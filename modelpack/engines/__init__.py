"""Engines: ways to run a saved model. The framework is one; the ONNX form, where certified, another."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Engine(Protocol):
    """Answers enforced input with what the model's methods answer."""

    @property
    def name(self) -> str:
        """``native`` or ``onnx``."""
        ...

    def run(self, data: Any, method: str) -> Any:
        """What *method* of the model answers for *data*, which ``modelpack.schema`` has enforced.

        Raises what the model raises; Uncertified where another engine has to answer.
        """
        ...
