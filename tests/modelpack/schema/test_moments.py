"""Points in time: ISO 8601 text and Python's moments as nanoseconds."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from modelpack.schema import _moments


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-02-29", "2024-02-29"),
        ("2024-02-29T12", None),
        ("2024-02-29T12:30", "2024-02-29T12:30"),
        ("2024-02-29T12:30:15.5", "2024-02-29T12:30:15.5"),
        ("2024-02-29T12:30:15,123456789", "2024-02-29T12:30:15.123456789"),
        ("2024-02-29T12:30:15.1234567890", None),
        ("2024-02-29 12:30:15 +05:30", "2024-02-29T07:00:15"),
        ("2024-02-29T12:30:15-08", "2024-02-29T20:30:15"),
        ("2024-02-29T23:59:60", None),
        ("2024-02-29T24:00:00", None),
        ("2023-02-29", None),
        ("2024-00-01", None),
        ("2024-02-29T12:30:15+24:00", None),
        ("2024-02-29T12:30:15+00:60", None),
        ("1677-09-21T00:12:43.145224193", "1677-09-21T00:12:43.145224193"),
        ("1677-09-21T00:12:43.145224192", None),
        ("2262-04-11T23:47:16.854775807", "2262-04-11T23:47:16.854775807"),
        ("2262-04-11T23:47:16.854775808", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("2024-02-29T12:30:15Z ", None),
        ("٢٠٢٤-02-29", None),
        ("", None),
    ],
)
def test_only_iso_8601_within_range_is_a_moment(text: str, utc: str | None) -> None:
    expected = None if utc is None else int(np.datetime64(utc, "ns").astype(np.int64))
    assert _moments.from_text(text) == expected


NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (date(2024, 1, 2), "2024-01-02"),
        (NOON, "2024-01-02T12"),
        (NOON.replace(tzinfo=None), "2024-01-02T12"),
        (NOON.astimezone(timezone(timedelta(hours=-3, minutes=-30))), "2024-01-02T12"),
        (NOON.replace(microsecond=1), "2024-01-02T12:00:00.000001"),
        (pd.Timestamp("2024-01-02T12:00:00.000000001"), "2024-01-02T12:00:00.000000001"),
        (pd.Timestamp("2024-01-02T14:00:00.000000001+02:00"), "2024-01-02T12:00:00.000000001"),
        (datetime.max.replace(tzinfo=UTC), None),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), None),
        (date.max, None),
    ],
)
def test_pythons_moments_are_moved_to_utc(value: date, utc: str | None) -> None:
    expected = None if utc is None else int(np.datetime64(utc, "ns").astype(np.int64))
    assert _moments.from_date(value) == expected


def test_nat_stays_nat_in_every_unit() -> None:
    for unit in ("Y", "D", "s", "ns", "as"):
        read = _moments.from_numpy(np.array(["NaT"], dtype=f"datetime64[{unit}]"))
        assert read is not None
        assert np.isnat(read).all()
    assert _moments.from_numpy(np.array(["NaT"], dtype="datetime64")) is not None
