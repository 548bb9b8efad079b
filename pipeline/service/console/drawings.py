"""The report's charts on a page whose policy allows no style in the markup; one drawn before is not drawn again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock

from pipeline.report.charts import stacked_bars, stacked_shares
from pipeline.report.locale import Locale

KEPT = 128
KINDS = {"bars": stacked_bars, "shares": stacked_shares}
# What matplotlib writes as style and SVG knows as attributes too.
ATTRIBUTES = frozenset((
    "fill", "fill-opacity", "font-size", "opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap",
    "stroke-linejoin", "stroke-opacity", "stroke-width", "text-anchor",
))  # fmt: skip
_LOCK = Lock()  # matplotlib's settings are those of the whole process

Series = tuple[tuple[str, tuple[float, ...]], ...]


def drawing(kind: str, title: str, ticks: Sequence[str], series: Mapping[str, Sequence[float]], locale: Locale) -> str:
    """The SVG of a chart of `KINDS`."""
    return _drawn(kind, title, tuple(ticks), tuple((name, tuple(row)) for name, row in series.items()), locale)


def unstyled(svg: str) -> str:
    """With attributes instead of styles; black lines take the colour of the text around."""
    bare = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    bare = re.sub(r' style="([^"]*)"', lambda match: _attributes(match[1]), bare)
    bare = bare.replace('stroke="#000000"', 'stroke="currentColor"')
    return bare.replace("<svg", '<svg class="chart" stroke-linejoin="round" stroke-linecap="butt"', 1)


@lru_cache(KEPT)
def _drawn(kind: str, title: str, ticks: tuple[str, ...], series: Series, locale: Locale) -> str:
    with _LOCK:
        return unstyled(KINDS[kind](title, ticks, dict(series), locale))


def _attributes(style: str) -> str:
    pairs = (part.partition(":")[::2] for part in style.split(";"))
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs if name.strip() in ATTRIBUTES)
