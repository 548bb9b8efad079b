"""Dates and times as exports write them: one column at a time, because one cell alone does not tell 3/4 from 4/3.

ISO 8601, Unix seconds and milliseconds, day or month first, month names in English, Arabic and Persian, Arabic and
Persian digits, Gregorian and Solar Hijri years. Lunar Hijri days differ by country, so that they are no date here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import cache, partial
from typing import Any

from pipeline.columns.names import fold

_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_MARKS = re.compile("[\u200c-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_NUMERIC = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T\s,]+(.*))?")
_LEADING = re.compile(r"(?:(\d{1,2}:\d{2}\S*(?:\s+\S{1,5})?)|[^\W\d_]+\.?)[\s,،]+(?=\d{1,4}[-/]\d)")  # clock or weekday
_NAMED = re.compile(r"(\d{1,2})\s+(\S+(?:\s+\S+)?)\s+(\d{4})(?:[\s,،]+(.*))?")
_HALF = {"ص": "AM", "م": "PM", "ق.ظ": "AM", "ب.ظ": "PM", "صباحا": "AM", "مساء": "PM"}
UNIX_TIME, _LATEST = 100_000_000, 100_000_000_000  # Unix seconds from 1973; beyond the latter they are milliseconds
_HIJRI = range(1300, 1431)  # Solar years, 1921 to 2052; 1431 and later are taken for lunar ones, 2009 and later
_EARLIEST = 1900


def times(values: Sequence[Any]) -> list[datetime | None]:
    """One aware datetime a value, None where there is no date in it. One without an offset is taken to be in UTC.

    Where no value tells day and month apart, the day is first.
    """
    written = {value for value in values if isinstance(value, str)}
    one = cache(partial(_of_text, month_first=_month_first(written)))
    return [_aware(one(value) if isinstance(value, str) else _of_cell(value)) for value in values]


def plain_digits(text: str) -> str:
    """With Arabic and Persian digits as ASCII ones, without marks of direction and half-spaces."""
    return _MARKS.sub("", text.translate(_DIGITS)).strip()


def _month_first(written: set[str]) -> bool:
    """Whether some second number is a day and no first one is."""
    pairs = [(int(m[1]), int(m[2])) for value in written if (m := _NUMERIC.fullmatch(_plain(value)))]
    pairs = [pair for pair in pairs if pair[0] <= 31]
    return any(second > 12 for _, second in pairs) and not any(first > 12 for first, _ in pairs)


def _plain(value: str) -> str:
    """With plain digits; a clock that stands before a date of numbers goes behind it, and a weekday goes."""
    text = plain_digits(value)
    leading = _LEADING.match(text)
    return f"{text[leading.end() :]} {leading[1] or ''}".strip() if leading else text


def _aware(found: datetime | None) -> datetime | None:
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _of_cell(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(float(value))
    return None


def _of_number(number: float) -> datetime | None:
    seconds = number / 1000 if number >= _LATEST else number
    return datetime.fromtimestamp(seconds, UTC) if UNIX_TIME <= seconds < _LATEST else None


def _of_text(value: str, *, month_first: bool) -> datetime | None:
    text = _plain(value)
    try:
        if text.replace(".", "", 1).isdigit():
            return _of_number(float(text))
        if match := _NUMERIC.fullmatch(text):
            return _of_parts(*_ordered(match, month_first=month_first), match[4])
        if (match := _NAMED.fullmatch(text)) and (month := _months().get(fold(match[2]))):
            return _of_parts(int(match[3]), month, int(match[1]), match[4])
        return _of_words(text)
    except (ValueError, OverflowError):
        return None


def _ordered(match: re.Match[str], *, month_first: bool) -> tuple[int, int, int]:
    """Year, month and day."""
    first, second, third = int(match[1]), int(match[2]), int(match[3])
    if first > 31:
        return first, second, third
    year = third + 2000 if third < 100 else third
    return (year, first, second) if month_first else (year, second, first)


def _of_parts(year: int, month: int, day: int, clock: str | None) -> datetime:
    if year in _HIJRI:
        from jdatetime import JalaliToGregorian, j_days_in_month

        if not (1 <= month <= 12 and 1 <= day <= max(30, j_days_in_month[month - 1])):
            raise ValueError
        year, month, day = JalaliToGregorian(year, month, day).getGregorianList()
    if year < _EARLIEST:
        raise ValueError
    return _of_iso(f"{year:04}-{month:02}-{day:02}", clock)


def _of_iso(day: str, clock: str | None) -> datetime:
    for word, half in _HALF.items():
        clock = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", half, clock) if clock else clock
    try:
        return datetime.fromisoformat(f"{day}T{clock}" if clock else day)
    except ValueError:
        found = _of_words(f"{day} {clock}")
    if found is None:
        raise ValueError
    return found


def _of_words(text: str) -> datetime | None:
    """What dateutil makes of it, if it names a year."""
    from dateutil import parser

    found = parser.parse(text, default=datetime(1, 1, 1))
    return found if found.year >= _EARLIEST else None


@cache
def _months() -> dict[str, int]:
    """Month names that dateutil does not know; those of the Solar year go with Solar years."""
    rows = (
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "كانون_الثاني شباط آذار نيسان أيار حزيران تموز آب أيلول تشرين_الأول تشرين_الثاني كانون_الأول",
        "جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر",
        "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر",
        "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند",
    )
    return {fold(name): number for row in rows for number, name in enumerate(row.split(), 1)}
