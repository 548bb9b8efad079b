"""A backtest as a figure: does a probability mean what it says, and how soon does a ranking find those who leave?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.errors import OutputError, UsageError
from pipeline.risk.view import SYNTHETIC, SYSTEMS

if TYPE_CHECKING:
    from pipeline.risk.backtest import Backtest

FORMATS = ("svg", "png")
COLOURS = {"learnt": "#1b7837", "prior": "#2166ac", "tickets": "#888888"}


def draw(found: Backtest, path: Path, *, synthetic: bool) -> None:
    """Writes an SVG or PNG, by its extension, whole or not at all; equal measurements give equal bytes.

    Raises UsageError for another extension, OutputError when it cannot be written.
    """
    check(path)
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _reliability(left, found)
    _gain(right, found)
    title = f"Who leaves within {found.horizon} days"
    figure.suptitle(f"{title} ({SYNTHETIC})" if synthetic else title)
    save(figure, path)


def check(path: Path) -> None:
    """Raises UsageError for an extension other than of `FORMATS`."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise UsageError(f"--plot {path.name}: expected a name that ends in .svg or .png")


def _reliability(axes: Any, found: Backtest) -> None:
    top = max(max(b["said"], b["left"]) for each in found.systems.values() for b in each.reliability)
    axes.plot([0, top], [0, top], color="#bbbbbb", linewidth=0.8)
    for name, each in found.systems.items():
        said, left = ([b[key] for b in each.reliability] for key in ("said", "left"))
        axes.plot(said, left, marker=".", color=COLOURS[name], label=f"{SYSTEMS[name]}, Brier {each.brier:.4f}")
    axes.set_xlabel("said to leave")
    axes.set_ylabel("left")
    axes.legend(frameon=False, fontsize=7)


def _gain(axes: Any, found: Backtest) -> None:
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
    for name, each in found.systems.items():
        shares = [place / (len(each.gain) - 1) for place in range(len(each.gain))]
        axes.plot(shares, each.gain, color=COLOURS[name], label=f"{SYSTEMS[name]}, AUC {each.auc.value:.3f}")
    axes.set_xlabel("share of customers called, the likeliest first")
    axes.set_ylabel("share of those who leave that is found")
    axes.legend(frameon=False, fontsize=7)


def save(figure: Figure, path: Path) -> None:
    """As SVG or PNG, whole or not at all. Raises OutputError when it cannot be written."""
    part = path.with_name(path.name + ".part")
    kind = path.suffix.lower().removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    try:
        with matplotlib.rc_context({"svg.hashsalt": "nabd", "svg.fonttype": "none", "font.size": 9}):
            figure.savefig(part, format=kind, metadata=metadata, dpi=150)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error.strerror}; choose another folder") from None
