"""What is decided before a server starts; every process of it gets the same."""

from dataclasses import dataclass

import msgspec

from serving.settings import Settings
from serving.standing import Standing

VARIABLE = "MODELPACK_SERVING_PLAN"
"""How a plan is handed to a process that starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One server: its settings, the one place that its reference led to, and where it listens.

    *standing* is what the registry said of the version, if one was asked. *descriptor* is the number of the
    open socket; *grpc_port* is held open, too, for whoever listens there.
    """

    settings: Settings
    place: str
    name: str
    version: str
    digest: str
    url: str
    descriptor: int
    grpc_port: int | None = None
    standing: Standing | None = None

    def to_text(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str) -> "Plan":
        """Read what ``to_text`` gave."""
        return msgspec.json.decode(text, type=cls)
