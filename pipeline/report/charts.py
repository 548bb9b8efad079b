"""Charts as SVG by matplotlib. Text stays text, so that the browser shapes Arabic and Persian and a reader reads it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pipeline.report.locale import Locale

WIDTH, HEIGHT = 4.6, 2.9  # inches; narrow, so that letters keep their size on a phone
# Colours that people with colour blindness tell apart (Tol 2021, "Bright" and "Light").
PALETTE = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866")
GREY = "#808080"
MOST_TICKS = 5


def stacked_bars(title: str, ticks: Sequence[str], series: Mapping[str, Sequence[float]], locale: Locale) -> str:
    """One bar a period, one colour a series."""
    with _figure(title, locale) as (axes, svg):
        base = np.zeros(len(ticks))
        for (name, values), colour in zip(series.items(), _colours(), strict=False):
            axes.bar(range(len(ticks)), values, bottom=base, color=colour, width=0.86, label=name)
            base += np.asarray(values, float)
        _over_time(axes, ticks)
        _numbers(axes, locale, digits=0)
        _legend(axes, len(series))
    return svg[0]


def stacked_shares(title: str, ticks: Sequence[str], series: Mapping[str, Sequence[float]], locale: Locale) -> str:
    """The share of each series in each period."""
    total = np.maximum(np.sum([np.asarray(values, float) for values in series.values()], axis=0), 1e-9)
    with _figure(title, locale) as (axes, svg):
        shares = [np.asarray(values, float) / total for values in series.values()]
        if len(ticks) > 1:
            axes.stackplot(range(len(ticks)), shares, labels=list(series), colors=list(_colours())[: len(series)])
        else:
            for row, (name, colour) in enumerate(zip(series, _colours(), strict=False)):
                axes.bar([0], shares[row], bottom=np.sum(shares[:row], axis=0), color=colour, label=name)
        axes.set_ylim(0, 1)
        _over_time(axes, ticks)
        axes.yaxis.set_major_formatter(lambda value, _: locale.percent(value))
        _legend(axes, len(series))
    return svg[0]


def line_with_band(
    title: str, ticks: Sequence[str], points: Sequence[tuple[float, float, float] | None], locale: Locale
) -> str:
    """A line of values in [-1, 1] with their intervals; a period without one leaves a gap."""
    rows = np.array([point or (np.nan,) * 3 for point in points], float)
    with _figure(title, locale) as (axes, svg):
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.fill_between(range(len(rows)), rows[:, 1], rows[:, 2], color=PALETTE[0], alpha=0.25, linewidth=0)
        axes.plot(range(len(rows)), rows[:, 0], color=PALETTE[0], marker="o", markersize=3)
        _over_time(axes, ticks)
        _numbers(axes, locale, digits=1)
        axes.set_ylim(-1, 1)
        axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    return svg[0]


def heatmap(
    title: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[tuple[float, str] | None]],
    locale: Locale, *, scale: tuple[float, float], colours: str,
) -> str:  # fmt: skip
    """A value and its words a cell; None is left blank. The first column is where reading begins."""
    values = np.array([[np.nan if cell is None else cell[0] for cell in row] for row in cells], float)
    with _figure(title, locale, height=max(1.6, 0.34 * len(rows) + 0.7)) as (axes, svg):
        mesh = axes.pcolormesh(values, cmap=colours, vmin=scale[0], vmax=scale[1], edgecolors="w", linewidth=1)
        axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
        axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
        axes.invert_yaxis()
        if locale.direction == "rtl":
            axes.invert_xaxis()
            axes.yaxis.tick_right()
        for row, line in enumerate(cells):
            for column, cell in enumerate(line):
                if cell is not None and cell[1]:
                    dark = sum(mesh.cmap(mesh.norm(cell[0]))[:3]) < 1.5
                    axes.text(
                        column + 0.5,
                        row + 0.5,
                        cell[1],
                        ha="center",
                        va="center",
                        color="#fff" if dark else "#000",
                        fontsize=9,
                    )
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    return svg[0]


@contextmanager
def _figure(title: str, locale: Locale, *, height: float = HEIGHT) -> Iterator[tuple[Any, list[str]]]:
    """Axes to draw on, and a list that holds the SVG when they are done."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": title, "font.size": 10, "axes.spines.top": False}
    with rc_context(settings | {"axes.spines.right": False}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        svg: list[str] = []
        axes = figure.add_subplot()
        yield axes, svg
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg.append(_inline(stream.getvalue(), title))


def _inline(svg: str, title: str) -> str:
    """The `svg` element alone, with a name for screen readers and ids of its own."""
    import hashlib
    from html import escape

    own = "c" + hashlib.sha256(title.encode()).hexdigest()[:8]
    body = svg[svg.index("<svg") :]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{own}-\1"', body)
    body = re.sub(r'(url\(#|href="#)', rf"\1{own}-", body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r' width="[^"]+pt" height="[^"]+pt"', "", body, count=1)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)


def _over_time(axes: Any, ticks: Sequence[str]) -> None:
    step = -(-len(ticks) // MOST_TICKS) or 1
    axes.set_xticks(range(0, len(ticks), step), list(ticks)[::step])
    axes.set_xlim(-0.6, len(ticks) - 0.4)
    axes.tick_params(axis="x", pad=15)  # to the baseline, so that names with and without long letters stand in line
    for label in axes.get_xticklabels():
        label.set_verticalalignment("baseline")


def _numbers(axes: Any, locale: Locale, *, digits: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=digits == 0))
    axes.yaxis.set_major_formatter(lambda value, _: locale.number(value, digits))
    axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(axes: Any, count: int) -> None:
    axes.figure.legend(
        loc="outside lower center", ncols=min(3, count), frameon=False, fontsize=9, handlelength=1, columnspacing=1.2
    )


def _colours() -> tuple[str, ...]:
    return PALETTE * 3
