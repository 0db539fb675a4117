"""What is measured, decided before anything starts."""

import shlex
from dataclasses import dataclass

from modelpack.addresses import without_password
from serving.settings import EngineName

WARM = 0.5
"""Seconds of load before what counts."""

CURVE = (1, 2, 4, 8, 16, 32, 64)
"""Requests at a time, for a curve."""


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

    @property
    def command(self) -> str:
        """The line that measures by this plan, with all that was left to it spelled out."""
        words = ["modelpack", "bench", "-m", without_password(self.reference)]
        words += [word for engine in self.engines for word in ("--engine", engine)]
        words += ["-w", str(self.workers), "-r", ",".join(map(str, self.rows))]
        words += ["-c", ",".join(map(str, self.concurrency)), "-s", f"{self.seconds:g}"]
        words += ["--method", self.method] if self.method else []
        words += [word for name in self.trust for word in ("--trust", name)]
        return shlex.join(words)
