"""How many processors this process may use."""

import os
from pathlib import Path


def processors(root: Path = Path("/")) -> float:
    """How many processors this process may use: its affinity, or the share of its control group."""
    allowed = float(len(os.sched_getaffinity(0)))
    quota = _quota(root)
    return min(allowed, quota) if quota else allowed


def _quota(root: Path) -> float | None:
    """The control group's share, as version 2 or version 1 has it; None without a limit."""
    group = root / "sys/fs/cgroup"
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((group / name).read_text() for name in names).split()
            return int(words[0]) / int(words[1]) if int(words[0]) > 0 else None
        except (OSError, ValueError, IndexError, ZeroDivisionError):
            continue
    return None
