"""Measurements -> SVG figures; equal measurements give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.training.scorecard import MEASURED
from pipeline.training.tables import LANGUAGES

COLOURS = {"all": "#222222", "ar": "#1b7837", "fa": "#b2182b", "en": "#2166ac"}


def draw_certificate(certificate: Mapping[str, Any], path: Path) -> None:
    """Reliability of each task above, risk against coverage below, a line a language."""
    languages = certificate["languages"]
    tasks = [task for task in MEASURED if task in languages["all"]]
    figure, rows = _canvas(2, len(tasks))
    for column, task in enumerate(tasks):
        above, below = rows[0][column], rows[1][column]
        above.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
        for name in LANGUAGES:
            if task not in languages.get(name, {}):
                continue
            found, style = languages[name][task], {"color": COLOURS[name], "linewidth": 1.8 if name == "all" else 0.9}
            bins, risk = found["reliability"], found["risk_coverage"]
            above.plot(
                [b["sure"] for b in bins], [b["right"] for b in bins], marker=".", label=LANGUAGES[name], **style
            )
            below.plot([r["coverage"] for r in risk], [r["risk"] for r in risk], **style)
        above.set_title(task)
        above.set_xlabel("said to be right")
        below.set_xlabel("share answered")
    rows[0][0].set_ylabel("was right")
    rows[1][0].set_ylabel("wrong among the answered")
    rows[0][0].legend(frameon=False, fontsize=7)
    _save(figure, path)


def draw_cascade(points: Sequence[Mapping[str, float]], path: Path, *, chosen: float) -> None:
    """Category macro-F1 against messages a second, a point a level at which the student is believed."""
    figure, ((axes,),) = _canvas(1, 1, width=6.0)
    axes.plot([p["rate"] for p in points], [p["macro_f1"] for p in points], marker=".", color=COLOURS["en"])
    for point in points:
        weight = "bold" if point["accept"] == chosen else None
        place = {"xytext": (4, 4), "textcoords": "offset points", "fontsize": 8, "fontweight": weight}
        axes.annotate(f"{point['accept']:.2f}", (point["rate"], point["macro_f1"]), **place)
    axes.set_xscale("log")
    axes.set_xlabel("messages a second, encoder and heads")
    axes.set_ylabel("category macro-F1, gold test")
    _save(figure, path)


def _canvas(rows: int, columns: int, *, width: float = 2.6) -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, (width if columns > 1 else 4.0) * rows), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _save(figure: Any, path: Path) -> None:
    """Without a date and with fixed ids, so that nothing changes but what was measured; text stays text."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with matplotlib.rc_context({"svg.hashsalt": "nabd", "svg.fonttype": "none", "font.size": 9}):
        figure.savefig(part, format="svg", metadata={"Date": None})
    part.replace(path)
