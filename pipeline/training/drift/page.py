"""docs/drift.md: how often `nabd drift` alarms, by how much of the stream is of another domain."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.training.drift.measured import Measured
from pipeline.training.tables import table

STATED, LEAST_POWER = 0.5, 0.8  # the shift to notice, and how often
MOST_FALSE = 16  # of 200 draws: more are unlikely (p < 0.04) at a true rate of 5%
INTRODUCTION = """\
# Drift: false alarms and power

Written by `python -m pipeline.training.drift.power build/data`. The desk's own messages are the gold train rows, real
customer messages in Arabic, Persian and English, scored by {model}. A comparison draws {reference:,} of them as the
reference and others as the stream, no row in both, at an alarm rate of {rate:.0%}. Into some streams a share of another
domain's messages is mixed, as many of each language:
{away}.
The model learnt from train rows of all of them, so its confidence says less here than on messages it never saw. The
rows have no customers, so each stands for itself.
"""


def render(found: Sequence[Measured], *, model: str, reference: int, rate: float, away: str) -> str:
    """The whole page, Markdown."""
    parts = [
        INTRODUCTION.format(model=model, reference=reference, rate=rate, away=away),
        _alarms(found),
        _signals(found),
        _detectable(found),
    ]
    return "\n".join(parts)


def _alarms(found: Sequence[Measured]) -> str:
    """A row a share, a column a size."""
    sizes = list(dict.fromkeys(each.size for each in found))
    shares = list(dict.fromkeys(each.mixed for each in found))
    cells = {(each.mixed, each.size): f"{each.alarms} of {len(each.raised)}" for each in found}
    rows = [[_share(mixed), *(cells[mixed, size] for size in sizes)] for mixed in shares]
    worst = max(each.alarms for each in found if each.mixed == 0)
    least = min(each.share_of_alarms for each in found if each.mixed == STATED)
    met, noticed = ("met" if good else "missed" for good in (worst <= MOST_FALSE, least >= LEAST_POWER))
    return f"""## Alarms

{table(["of another domain", *(f"{size:,} messages" for size in sizes)], rows)}

Asked for: at most {MOST_FALSE} false alarms in 200 ({met}: {worst} at most), and an alarm
in {LEAST_POWER:.0%} or more of streams of which {STATED:.0%} is of another domain ({noticed}: {least:.0%} at least).
"""


def _signals(found: Sequence[Measured]) -> str:
    """Of the middle size: how often each signal was raised."""
    sizes = sorted({each.size for each in found})
    size = sizes[len(sizes) // 2]
    chosen = [each for each in found if each.size == size]
    rows = [[name, *(f"{each.share(name):.2f}" for each in chosen)] for name in chosen[0].compared]
    heads = ["signal", *(_share(each.mixed) for each in chosen)]
    return f"""## Which signals, at {size:,} messages

Share of the comparisons in which a signal was raised, by how much of the stream is of another domain.

{table(heads, rows)}
"""


def _detectable(found: Sequence[Measured]) -> str:
    rows = [[f"{each.size:,}", f"{each.noticed:.3f}"] for each in found if each.mixed == 0]
    return f"""## What would be noticed

The AUC that a classifier of the vectors must reach to be noticed 8 times in 10, as the report of a comparison states.

{table(["messages of the stream", "AUC"], rows)}
"""


def _share(mixed: float) -> str:
    return "none" if mixed == 0 else f"{mixed:.0%}"
