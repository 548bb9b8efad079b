"""What the report says: its figures, their intervals, its words, what it leaves out. Every message is synthetic."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_view import START, a_view, contacts, lost
from test_history import scored_file
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import UsageError
from pipeline.report import estimates
from pipeline.report.locale import LANGUAGES, Locale
from pipeline.report.page import render
from pipeline.report.periods import Periods
from pipeline.report.sections import SECTIONS
from pipeline.report.sections.service import service
from pipeline.report.view import View
from pipeline.report.words import Words

ENGLISH = Locale.of("en")


def test_wilson_and_its_edges() -> None:
    found = estimates.share(3, 10)
    assert found is not None
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.3, 0.1078, 0.6032)  # R: prop.test(correct=F)
    assert estimates.share(0, 0) is None
    assert estimates.share(0, 5).low == pytest.approx(0)  # type: ignore[union-attr]


def test_a_small_group_shows_its_interval_and_a_large_one_need_not() -> None:
    assert estimates.shown_share(estimates.share(3, 10), ENGLISH) == "30% (11 – 60)"
    assert estimates.shown_share(estimates.share(30_000, 100_000), ENGLISH) == "30%"
    assert estimates.shown_share(None, ENGLISH) == "–"


def test_mean_median_and_promoters_have_known_answers() -> None:
    mean = estimates.mean([1, 2, 3, 4])
    assert mean is not None
    assert (mean.value, round(mean.low, 3), round(mean.high, 3)) == (2.5, 0.446, 4.554)  # t, 3 degrees of freedom
    assert estimates.mean([2.0]) == estimates.Estimate(2, 2, 2, 1)
    middle = estimates.median([5, 1, 9, 3, 7])
    assert middle is not None
    assert (middle.value, middle.low, middle.high) == (5, 1, 9)
    promoters = estimates.promoters([10, 9, 8, 7, 0])
    assert promoters is not None
    assert promoters.value == pytest.approx(20)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_a_median_lies_in_its_interval(values: list[float]) -> None:
    found = estimates.median(values)
    assert found is not None
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("language", "number", "percent", "day"),
    [
        ("en", "12,345.7", "34%", "31 Oct 2026"),
        ("ar", "١٢٬٣٤٥٫٧", "٣٤٪", "٣١ أكتوبر ٢٠٢٦"),
        ("fa", "۱۲٬۳۴۵٫۷", "۳۴٪", "۹ آبان ۱۴۰۵"),
    ],
)
def test_digits_and_dates(language: str, number: str, percent: str, day: str) -> None:
    locale = Locale.of(language)
    assert locale.number(12345.678, 1) == number
    assert locale.percent(0.34) == percent
    assert locale.date(datetime(2026, 10, 31, tzinfo=UTC)) == day


@pytest.mark.parametrize(
    ("language", "days", "durations"),
    [
        ("en", ["1 day", "7 days", "28 days"], ["5 min", "4.0 hours", "3.5 days"]),
        ("ar", ["١ يوم", "٧ أيام", "٢٨ يومًا"], ["٥ دقائق", "٤٫٠ ساعات", "٣٫٥ يوم"]),
        ("fa", ["۱ روز", "۷ روز", "۲۸ روز"], ["۵ دقیقه", "۴٫۰ ساعت", "۳٫۵ روز"]),
    ],
)
def test_what_is_counted_has_the_plural_of_its_language(language: str, days: list[str], durations: list[str]) -> None:
    locale = Locale.of(language)
    assert [locale.days(count) for count in (1, 7, 28)] == days
    assert [locale.minutes(value) for value in (5, 240, 5040)] == durations


def test_calendars_by_choice() -> None:
    day = datetime(2026, 3, 21, tzinfo=UTC)
    assert Locale.of("en", "jalali").date(day) == "1 Farvardin 1405"
    assert Locale.of("fa", "gregorian").date(day) == "۲۱ مارس ۲۰۲۶"
    for language, calendar in (("de", None), ("en", "mayan")):
        with pytest.raises(UsageError, match="expected one of"):
            Locale.of(language, calendar)


def test_every_word_is_there_in_every_language() -> None:
    table = tomllib.loads(files("pipeline.report").joinpath("words.toml").read_text(encoding="utf-8"))
    for key, row in table.items():
        assert list(row) == list(LANGUAGES), key
        fields = {language: set(re.findall(r"{(\w+)}", text)) for language, text in row.items()}
        assert fields["en"] == fields["ar"] == fields["fa"], key
        assert not re.search("[كي]", row["fa"]), f"{key}: Arabic kaf or yeh in Persian"
        assert not re.search("[کیپچژگ]", row["ar"]), f"{key}: Persian letters in Arabic"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_another_language(language: str) -> None:
    """Every label, band, driver and reason has a name; none shows as its id."""
    page = render(a_view(Locale.of(language)))
    words = " ".join(re.findall(r"<(?:th|td|dt|h2|li)[^>]*>(.*?)</", re.sub(r"<svg.*?</svg>", "", page, flags=re.S)))
    for id in ("announced_leaving", "repeated_contact", "technical_fix", "out_of_scope"):
        assert id not in words


def test_examples_are_masked() -> None:
    view = a_view(ENGLISH)
    said = "رقمي 0501234567 وبطاقتي 4539 1488 0343 6467 وايميلي sara@example.com"
    page = render(replace(view, contacts=[replace(each, text=said) for each in view.contacts]))
    for secret in ("0501234567", "4539 1488", "sara@"):
        assert secret not in page
    assert all(mark in page for mark in ("[phone]", "[card]", "[email]"))


def test_markup_in_a_message_or_a_name_is_only_text() -> None:
    view = a_view(ENGLISH)
    mean = "<script>alert(1)</script> they charged me & lied"
    evil = [replace(each, text=mean, evidence=mean, queue="<b>q</b>", channel="<i>c</i>") for each in view.contacts]
    page = render(replace(view, contacts=evil))
    assert "<script" not in page
    assert "<b>q" not in page
    assert "<i>c" not in page
    assert "&lt;b&gt;q" in page


def test_synthetic_is_said_and_only_where_it_is() -> None:
    view = a_view(ENGLISH)
    assert Words(ENGLISH)("synthetic") in render(view)
    assert Words(ENGLISH)("synthetic") not in render(replace(view, synthetic=False))


def test_who_has_left_is_counted_not_listed() -> None:
    view = a_view(ENGLISH)
    page = render(replace(view, risks=[*(view.risks or ()), lost("C-GONE")]))
    assert "Customers who have left: 1" in page
    assert "C-GONE" not in page


def test_what_was_not_worked_out_is_said() -> None:
    page = render(replace(a_view(ENGLISH), risks=None, certificate=None))
    for key in ("no_risk", "no_embeddings"):
        assert Words(ENGLISH)(key) in page
    assert "No certificate of nabd-base@0" in page


def test_service_measures_only_where_the_columns_are() -> None:
    from pipeline.records import Outcome

    bare = [replace(each, outcome=Outcome()) for each in contacts(30)]
    (note,) = service(View(bare, Words(ENGLISH))).blocks
    assert getattr(note, "text", "") == Words(ENGLISH)("no_service")
    (table,) = service(View(contacts(30), Words(ENGLISH))).blocks
    assert [row[0].text for row in getattr(table, "rows", ())] == [
        "First response", "Resolution", "Reopen rate", "CSAT", "NPS",
    ]  # fmt: skip


def test_a_ticket_counts_once() -> None:
    """Exports repeat the figures of a ticket on each of its messages."""
    one, two = contacts(2)
    ticket = [replace(one, ticket="T", customer="C"), replace(two, ticket="T", customer="C")]
    (table,) = service(View(ticket, Words(ENGLISH))).blocks
    assert {row[3].text for row in getattr(table, "rows", ())} == {"1"}


@pytest.mark.parametrize(
    ("days", "unit", "count"), [(1, "day", 1), (35, "day", 35), (36, "week", 6), (401, "month", 14)]
)
def test_periods(days: int, unit: str, count: int) -> None:
    periods = Periods(date(2026, 1, 1), date.fromordinal(date(2026, 1, 1).toordinal() + days - 1))
    assert (periods.unit, len(periods.starts)) == (unit, count)


def test_every_message_falls_in_a_period() -> None:
    found = contacts(60)
    for span in (found[:1], found[:40], [*found, replace(found[0], time=START.replace(year=2028))]):
        assert sum(map(len, Periods.of(span).split(span))) == len(span)


def test_one_message_is_enough() -> None:
    for language in LANGUAGES:
        page = render(View(contacts(1), Words(Locale.of(language))))
        assert page.count("<section") == len(SECTIONS)


def test_the_same_view_gives_the_same_page() -> None:
    assert render(a_view(ENGLISH)) == render(a_view(ENGLISH))


def test_the_command(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "customer": "C", "date": "2026-10-01", "message": "الخدمة سيئة جدا ولا احد يرد علينا"},
        {"id": "2", "customer": "C", "date": "2026-10-09", "message": "باز هم همان مشکل و هیچ پاسخی نیست"},
        {"id": "3", "customer": "D", "date": "who knows", "message": "thanks, all is well now"},
    ]
    out, scored = tmp_path / "r.html", scored_file(tmp_path, rows)
    result = CliRunner().invoke(app, ["report", scored, "-o", str(out), "--lang", "fa"])
    assert result.exit_code == 3, result.output
    assert '<html lang="fa" dir="rtl">' in out.read_text(encoding="utf-8")
    nowhere = CliRunner().invoke(app, ["report", scored, "-o", str(tmp_path / "no" / "r.html")])
    assert nowhere.exit_code != 0
    assert list(tmp_path.glob("*.part")) == []
