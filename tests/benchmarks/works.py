"""What servers are asked: so many rows of a model in one request, so many requests at one time."""

from dataclasses import dataclass

ROWS_ASKED = 10_000
"""Rows that a subject has for asking; the most that one work takes, as two bodies of 5,000."""

_MOST_BODIES = 32


@dataclass(frozen=True, slots=True)
class Work:
    """Requests of *rows* rows each for *model*, *concurrency* of them under way at any time.

    One that is not *usual* is asked when it is named.
    """

    model: str
    rows: int
    concurrency: int
    usual: bool = True

    @property
    def name(self) -> str:
        """Such as ``churn-1x16``: model, rows, concurrency."""
        return f"{self.model}-{self.rows}x{self.concurrency}"

    @property
    def bodies(self) -> int:
        """How many different requests take turns, so that no server lives on what it has just seen."""
        return max(1, min(_MOST_BODIES, ROWS_ASKED // self.rows))


WORKS = {
    work.name: work
    for work in (
        Work("churn", rows=1, concurrency=1),
        Work("churn", rows=1, concurrency=16),
        Work("churn", rows=1, concurrency=64),
        Work("churn", rows=100, concurrency=16),
        Work("churn", rows=5_000, concurrency=4),
        Work("telco", rows=1, concurrency=16),
        Work("telco", rows=100, concurrency=16, usual=False),
    )
}
