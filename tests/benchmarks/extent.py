"""How much is measured when nothing else is said."""

from dataclasses import dataclass

from tests.benchmarks.servers import SERVERS


@dataclass(frozen=True, slots=True)
class Extent:
    """*rounds* of *seconds* of load for each of *servers*, and no more than *minutes* in all."""

    servers: tuple[str, ...]
    rounds: int
    seconds: float
    minutes: float


FULL = Extent(tuple(one.name for one in SERVERS.values() if one.usual), rounds=3, seconds=3.0, minutes=25.0)

QUICK = Extent(
    ("ours", "ours-onnx", "ours-native", "ours-single", "ours-arrow", "mlflow", "bare", "empty"),
    rounds=1,
    seconds=2.0,
    minutes=6.0,
)
"""Without most peers, and one short round."""
