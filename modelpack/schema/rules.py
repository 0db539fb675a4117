"""How far a reader goes to meet a value."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Coerce: TypeAlias = Literal["lossless", "mlflow"]
"""``lossless``: the value arrives unchanged or is refused. ``mlflow``: MLflow's lenient table as well."""

Source: TypeAlias = Literal["python", "json", "text"]
"""What the values are: Python objects, what a JSON parser gives, or the cells of a CSV file."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The *source* of the values and how they may be changed."""

    source: Source
    coerce: Coerce = "lossless"

    @property
    def lenient(self) -> bool:
        """Whether MLflow's table is open too."""
        return self.coerce == "mlflow"

    @property
    def on_the_wire(self) -> bool:
        """Whether the values were text a moment ago, so that a decimal means its nearest float."""
        return self.source != "python"
