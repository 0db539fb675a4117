"""What is measured, decided before anything starts."""

from dataclasses import dataclass

from serving.settings import EngineName

WARM = 0.5
"""Seconds of load before what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A model's *reference*, how it is served, and under which loads.

    Without *engines*: the native one, and the ONNX form where it is certified. Each pair of a number in
    *rows* and one in *concurrency* is a load of *seconds*.
    """

    reference: str
    engines: tuple[EngineName, ...] = ()
    method: str = ""
    trust: tuple[str, ...] = ()
    workers: int = 1
    rows: tuple[int, ...] = (1, 100)
    concurrency: tuple[int, ...] = (1, 16, 64)
    seconds: float = 3.0
    warm: float = WARM

    @property
    def loads(self) -> list[tuple[int, int]]:
        """Rows and concurrency of each load, from the lightest on."""
        return [(rows, concurrency) for rows in sorted(self.rows) for concurrency in sorted(self.concurrency)]
