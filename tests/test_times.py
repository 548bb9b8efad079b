"""Dates in every form that exports hold, one column at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pipeline.columns.times import times


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-08-03T20:41:00Z", at(2026, 8, 3, 20, 41)),
        ("2026-08-03 20:41", at(2026, 8, 3, 20, 41)),
        ("2026/8/3", at(2026, 8, 3)),
        ("25/04/2026 14:30", at(2026, 4, 25, 14, 30)),
        ("12.11.25 08:15", at(2025, 11, 12, 8, 15)),
        ("12 Nov 2025 10:00", at(2025, 11, 12, 10)),
        ("Nov 12, 2025", at(2025, 11, 12)),
        ("١٢ نوفمبر ٢٠٢٥ 3:20 م", at(2025, 11, 12, 15, 20)),
        ("٢٠٢٥-١١-١٢ ٠٣:٢٠", at(2025, 11, 12, 3, 20)),
        ("12 جويلية 2025", at(2025, 7, 12)),
        ("۱۴۰۴/۰۸/۲۵ ۱۴:۳۰", at(2025, 11, 16, 14, 30)),
        ("\u200f۱۲ آبان ۱۴۰۴", at(2025, 11, 3)),
        ("۱۲ نوامبر ۲۰۲۵", at(2025, 11, 12)),
        ("1403-12-30", at(2025, 3, 20)),  # a leap year of the Solar calendar
        ("1762900000", at(2025, 11, 11, 22, 26, 40)),
        ("14:30 03/04/2026", at(2026, 4, 3, 14, 30)),
        ("Sun 05/04/2026", at(2026, 4, 5)),
        ("۱۴:۳۰ ۱۴۰۴/۰۸/۲۵", at(2025, 11, 16, 14, 30)),
        ("الأحد ١٦/١١/٢٠٢٥", at(2025, 11, 16)),
        ("15 اكتوبر 2025", at(2025, 10, 15)),
        ("12 ارديبهشت 1404", at(2025, 5, 2)),
        ("3 تشرين الثاني 2025 09:00", at(2025, 11, 3, 9)),
        ("٧ آذار ٢٠٢٦", at(2026, 3, 7)),
        (1762900000000, at(2025, 11, 11, 22, 26, 40)),
        (date(2026, 1, 2), at(2026, 1, 2)),
        (datetime(2026, 1, 2, 3), at(2026, 1, 2, 3)),
    ],
)
def test_a_form(written: object, meant: datetime) -> None:
    assert times([written]) == [meant]


def test_an_offset_is_kept() -> None:
    (found,) = times(["Wed, 12 Nov 2025 10:00:00 +0330"])
    assert found is not None
    assert found.utcoffset() == timedelta(hours=3, minutes=30)
    assert found == datetime(2025, 11, 12, 10, tzinfo=timezone(timedelta(hours=3.5)))


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        "5",
        "12:30",
        "31/31/2026",
        "1404-13-01",
        "1404-11-31",
        "1446/05/12",
        "0203-01-02",
        True,
        3,
        float("nan"),
    ],
)
def test_no_date(written: object) -> None:
    assert times([written]) == [None]


def test_the_column_tells_day_from_month() -> None:
    assert times(["03/04/2026", "04/25/2026"])[0] == at(2026, 3, 4)
    assert times(["03/04/2026", "25/04/2026"])[0] == at(2026, 4, 3)
    assert times(["03/04/2026"]) == [at(2026, 4, 3)], "undecided: day first"


def test_one_bad_cell_spoils_no_other() -> None:
    assert times(["2026-08-03", "gone", "2026-08-04"]) == [at(2026, 8, 3), None, at(2026, 8, 4)]
