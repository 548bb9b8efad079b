"""What `nabd risk` says: the customers most at risk, the bands and what is at stake, what was learnt, the backtest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.records import CustomerRisk
from pipeline.risk.fold import BANDS, EVIDENCE, LEFT

if TYPE_CHECKING:  # these need scikit-learn
    from pipeline.risk.backtest import Backtest
    from pipeline.risk.learn import Learnt
    from pipeline.training.metrics import Estimate

SHOWN, REASONS = 10, 2
SYNTHETIC = "SYNTHETIC data: these customers do not exist"
ABSENT = "–"
SYSTEMS = {"learnt": "learnt", "prior": "prior (risk score)", "tickets": "tickets in 90 days"}


def most_at_risk(risks: Sequence[CustomerRisk], *, probability: Mapping[str, float] | None = None) -> RenderableType:
    """The first of those who have not left, as `risks` are sorted, with their reasons and the messages behind them."""
    with_value = any(each.value is not None for each in risks)
    more = [*(["value"] if with_value else []), *(["leaving"] if probability is not None else [])]
    table = _table(
        "customer", "risk", "band", "trend", "drivers", "evidence", *more, right=("risk", "value", "leaving")
    )
    staying = [each for each in risks if each.band != LEFT]
    for each in staying[:SHOWN]:
        cells = [each.customer, f"{each.score:.0f}", each.band, each.trend, _reasons(each), _messages(each)]
        cells += [_money(each.value)] if with_value else []
        cells += [f"{probability[each.customer]:.0%}"] if probability is not None else []
        table.add_row(*cells)
    rest = len(staying) - SHOWN
    return Group(table, Text(f"and {rest:,} more")) if rest > 0 else table


def bands(risks: Sequence[CustomerRisk]) -> RenderableType:
    """Customers by band, the worst first, with the yearly revenue at stake where it is known."""
    with_value = any(each.value is not None for each in risks)
    table = _table(
        "band", "customers", *(["value at stake"] if with_value else []), right=("customers", "value at stake")
    )
    for band in reversed(BANDS):
        own = [each for each in risks if each.band == band]
        total = math.fsum(each.value for each in own if each.value is not None)
        table.add_row(band, f"{len(own):,}", *([_money(total)] if with_value else []))
    return table


def lesson(learnt: Learnt, *, horizon: int) -> RenderableType:
    """The coefficients, the strongest first."""
    table = _table("feature", "log-odds a deviation", right=("log-odds a deviation",))
    for name, value in learnt.coefficients.items():
        table.add_row(name, f"{value:+.2f}")
    said = (
        f"Learnt to tell who leaves within {horizon} days from {learnt.leavers:,} customers who did, in "
        f"{learnt.rows:,} rows of customers at {learnt.cuts} cut-offs:"
    )
    return Group(Text(said), table)


def verdicts(found: Backtest) -> RenderableType:
    """A column a system, a row a measure, and in words whether counting tickets would have done as well."""
    names = [SYSTEMS[name] for name in found.systems]
    table = _table("", *names, right=names)
    judged = list(found.systems.values())
    table.add_row("AUC", *(_interval(each.auc, ".2f") for each in judged))
    table.add_row("average precision", *(_interval(each.average_precision, ".2f") for each in judged))
    for called in judged[0].precision:
        table.add_row(f"precision, {called}", *(f"{each.precision[called]:.3f}" for each in judged))
    table.add_row("median lead, days", *(_days(each.lead_days) for each in judged))
    table.add_row("found in time", *(f"{each.found:.0%}" for each in judged))
    table.add_row("Brier score", *(f"{each.brier:.4f}" for each in judged))
    table.add_row("calibration error", *(f"{each.ece:.4f}" for each in judged))
    lines = [
        f"{SYSTEMS[name]} {found.verdict(name)}: AUC {_interval(gap, '+.3f')}"
        for name, gap in found.differences.items()
    ]
    return Group(Text(_sizes(found)), table, *map(Text, lines))


def _sizes(found: Backtest) -> str:
    parts = [
        f"{name} {len(rows.leaves):,} rows, {rows.leavers:,} customers leave"
        for name, rows in (("train", found.train), ("test", found.test))
    ]
    how = "Intervals are 95%, over customers; precision is of those called at each cut-off."
    return f"Who leaves within {found.horizon} days: {'; '.join(parts)}. {how}"


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def _reasons(risk: CustomerRisk) -> str:
    return ", ".join(f"{driver.name} {driver.share:.0%}" for driver in risk.drivers[:REASONS]) or ABSENT


def _messages(risk: CustomerRisk) -> str:
    ids = dict.fromkeys(name for driver in risk.drivers for name in driver.evidence)
    return ", ".join(list(ids)[:EVIDENCE]) or ABSENT


def _money(value: float | None) -> str:
    return ABSENT if value is None else f"{value:,.0f}"


def _days(value: float) -> str:
    return ABSENT if math.isnan(value) else f"{value:.0f}"


def _interval(estimate: Estimate, form: str) -> str:
    value, low, high = (format(each, form) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"
