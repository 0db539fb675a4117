"""How many processors there are for this process."""

from pathlib import Path

import pytest

from modelpack.processors import processors


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"cpu.max": "50000 100000"}, 0.5),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "25000", "cpu/cpu.cfs_period_us": "100000"}, 0.25),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_share_of_a_control_group_counts(
    tmp_path: Path, files: dict[str, str], wanted: float | None
) -> None:
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    everything = processors(Path("/nowhere"))
    assert processors(tmp_path) == (everything if wanted is None else min(wanted, everything))
    assert everything >= 1
