"""How much comes in, of what kind and by which way."""

from __future__ import annotations

from pipeline.report.blocks import Chart, Section
from pipeline.report.charts import stacked_bars
from pipeline.report.view import View


def volumes(view: View) -> Section:
    words = view.words
    kinds = {
        "by_category": view.series(lambda contact: contact.category, lambda label: words.label("category", label)),
        "by_channel": view.series(lambda contact: contact.channel, lambda name: name or words("unknown")),
    }
    blocks = []
    for key, series in kinds.items():
        title = f"{words(key)}, {words(f'by_{view.periods.unit}')}"
        svg = stacked_bars(title, view.ticks, series, view.locale)
        blocks.append(Chart(title, svg, view.series_table(title, series)))
    return Section("volumes", words("volumes"), blocks)
