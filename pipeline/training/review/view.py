"""A learning curve as a table and one sentence, and as a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.training.review.curve import RANDOM, REVIEW, Point
from pipeline.training.tables import figure, table

TITLES = {REVIEW: "chosen by `nabd review`", RANDOM: "at random"}


def render_curve(curve: Sequence[Point]) -> str:
    """Markdown: a row a number of labels, and what the last doubling bought."""
    before, last = (point.reached[REVIEW].value for point in curve[-2:])
    return (
        f"{curve_table(curve, TITLES)}\n\nMacro-F1 over the topics, on rows that nothing learnt from, with 95% "
        "bootstrap intervals; the difference is paired. The last doubling, from "
        f"{curve[-2].labels:,} to {curve[-1].labels:,} labels, added {last - before:+.3f}."
    )


def curve_table(curve: Sequence[Point], titles: Mapping[str, str]) -> str:
    """A column for each way of choosing in `titles`, and what each gains over chance."""
    gains = [way for way in titles if way != RANDOM]
    header = [
        "labels",
        *titles.values(),
        *("difference" if len(gains) == 1 else f"{titles[way]}, gain" for way in gains),
    ]
    rows = [
        [
            f"{point.labels:,}", *(figure(point.reached[way].to_dict()) for way in titles),
            *(figure(point.gained[way].to_dict()) for way in gains),
        ]
        for point in curve
    ]  # fmt: skip
    return table(header, rows, text_columns=0)


def verdict(curve: Sequence[Point], titles: Mapping[str, str]) -> str:
    """Where each way of choosing is better or worse than chance, by intervals that leave zero out."""
    lines = []
    for way in (way for way in titles if way != RANDOM):
        better = _listed(point.labels for point in curve if point.gained[way].low > 0)
        worse = _listed(point.labels for point in curve if point.gained[way].high < 0)
        lines.append(f"Labels at which {titles[way]} is better than chance: {better}; worse: {worse}.")
    return " ".join(lines)


def _listed(sizes: Iterable[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes) or "none"


def draw(curve: Sequence[Point], path: Path) -> None:
    """Writes an SVG or PNG, whole or not at all. Raises UsageError for another extension."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from pipeline.risk.plot import check, save

    check(path)
    found = Figure(figsize=(6.0, 4.0), layout="constrained")
    FigureCanvasAgg(found)
    axes = found.subplots()
    sizes = [point.labels for point in curve]
    for way, colour in ((REVIEW, "#1b7837"), (RANDOM, "#888888")):
        estimates = [point.reached[way] for point in curve]
        axes.plot(
            sizes, [each.value for each in estimates], marker=".", color=colour, label=TITLES[way].replace("`", "")
        )
        axes.fill_between(
            sizes, [each.low for each in estimates], [each.high for each in estimates], color=colour, alpha=0.15
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xlabel("labels")
    axes.set_ylabel("macro-F1 over topics")
    axes.legend(frameon=False)
    save(found, path)
