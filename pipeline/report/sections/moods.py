"""How customers feel, over time."""

from __future__ import annotations

from pipeline.report.blocks import Cell, Chart, Section, Table, num
from pipeline.report.charts import line_with_band, stacked_shares
from pipeline.report.estimates import Estimate, mean, shown_number
from pipeline.report.view import View


def moods(view: View) -> Section:
    return Section("moods", view.words("moods"), (_sentiment(view), _emotions(view)))


def _sentiment(view: View) -> Chart:
    words, locale = view.words, view.locale
    found = [mean([c.polarity for c in part if c.sentiment]) for part in view.by_period]
    title = f"{words('sentiment_trend')}, {words(f'by_{view.periods.unit}')}"
    svg = line_with_band(title, view.ticks, [_point(each) for each in found], locale)
    rows = [
        [Cell(tick), num(shown_number(each, locale, 2)), num(locale.number(each.n if each else 0))]
        for tick, each in zip(view.ticks, found, strict=True)
    ]
    return Chart(title, svg, Table(title, [words("when"), words("sentiment"), words("n")], rows))


def _emotions(view: View) -> Chart:
    words = view.words
    series = view.series(lambda contact: contact.emotion, lambda label: words.label("emotion", label))
    title = f"{words('emotion_trend')}, {words(f'by_{view.periods.unit}')}"
    svg = stacked_shares(title, view.ticks, series, view.locale)
    return Chart(title, svg, view.series_table(title, series))


def _point(estimate: Estimate | None) -> tuple[float, float, float] | None:
    return None if estimate is None else (estimate.value, max(estimate.low, -1.0), min(estimate.high, 1.0))
