"""Would it have found them? The learnt model and the prior, beside a plain count of tickets, on cut-offs of the past.

Split by time: the last third of the cut-offs tests; to train, a cut-off's horizon must end before the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats, calibration_error
from pipeline.errors import UsageError
from pipeline.records import Contact
from pipeline.risk.learn import FEWEST, Learnt, fit, learn
from pipeline.risk.measures import BINS, draws, gain, lead_times, precision_at_top, reliability, roc_auc
from pipeline.risk.panel import EVERY, HORIZON, Panel, panel
from pipeline.risk.weights import Weights
from pipeline.training.metrics import Estimate, average_precision

TEST_SHARE = 1 / 3
FEWEST_TESTED = 10  # customers who leave
SHARES = tuple(step / 50 for step in range(51))  # of the customers, for the gain curve
COUNT = "tickets"  # the system that the others must beat


@dataclass(frozen=True, slots=True)
class Judged:
    """One system on the test cut-offs. `precision` is by how many are called; `lead_days` and `found` see `lead_times`.

    `brier` and `ece` are of its score brought to a probability by a logistic regression on the train cut-offs.
    """

    auc: Estimate
    average_precision: Estimate
    precision: Mapping[str, float]
    lead_days: float
    found: float
    brier: float
    ece: float
    reliability: Sequence[Mapping[str, float]]
    gain: Sequence[float]


@dataclass(frozen=True, slots=True)
class Backtest:
    """`systems` are learnt, prior and tickets; `differences` are of AUC to tickets, on the same draws of customers."""

    systems: Mapping[str, Judged]
    differences: Mapping[str, Estimate]
    learnt: Learnt
    train: Panel
    test: Panel
    horizon: int

    def verdict(self, system: str) -> str:
        """In words: better than counting tickets, and than chance, only where the whole interval says so.

        Where nothing foretells who leaves, a count that happens to do worse than chance is no one to beat.
        """
        wins = self.differences[system].low > 0 and self.systems[system].auc.low > 0.5
        return "beats ticket counts" if wins else "does not beat ticket counts"


def backtest(
    contacts: Sequence[Contact], *, end: datetime, weights: Weights, horizon: int = HORIZON, seed: int = 0
) -> Backtest:
    """Nothing after `end` is looked at.

    Raises UsageError, with the counts, when too few customers leave to learn from or to test on.
    """
    train, test = split(panel(contacts, end=end, weights=weights, horizon=horizon), horizon=horizon)
    _check(train, test, horizon)
    learnt = learn(train, horizon=horizon)
    scores = {"learnt": learnt.probability(test.values), "prior": test.prior, COUNT: test.tickets}
    said = {"learnt": scores["learnt"], "prior": _calibrated(train.prior, train, test.prior),
            COUNT: _calibrated(train.tickets, train, test.tickets)}  # fmt: skip
    auc = {name: draws(roc_auc(test, score), test, seed=seed) for name, score in scores.items()}
    return Backtest(
        systems={name: _judge(test, score, said[name], auc[name], seed=seed) for name, score in scores.items()},
        differences={name: Estimate.of(auc[name] - auc[COUNT]) for name in scores if name != COUNT},
        learnt=learnt,
        train=train,
        test=test,
        horizon=horizon,
    )


def split(rows: Panel, *, horizon: int = HORIZON) -> tuple[Panel, Panel]:
    """Train and test rows, apart in time: no outcome that is trained on lies at or after the first test cut-off."""
    tested = max(1, round(TEST_SHARE * len(rows.cuts)))
    first = len(rows.cuts) - tested
    early = [place for place, cut in enumerate(rows.cuts) if cut + timedelta(days=horizon) < rows.cuts[first]]
    return rows.take(np.isin(rows.cut, early)), rows.take(rows.cut >= first)


def _check(train: Panel, test: Panel, horizon: int) -> None:
    if train.leavers < FEWEST or test.leavers < FEWEST_TESTED:
        days = 2 * horizon + 3 * EVERY
        raise UsageError(
            f"too few customers leave for a backtest: {train.leavers} to learn from, expected {FEWEST} or more, and "
            f"{test.leavers} to test on, expected {FEWEST_TESTED} or more; score a longer history (at least {days} "
            "days) and name the column of the day that a customer left by --churned COLUMN"
        )


def _calibrated(given: Floats, train: Panel, wanted: Floats) -> Floats:
    model = fit(given[:, None], train)
    return np.asarray(model.predict_proba(wanted[:, None])[:, 1])


def _judge(test: Panel, score: Floats, said: Floats, auc: Floats, *, seed: int) -> Judged:
    leaves: NDArray[np.bool_] = test.leaves
    lead_days, found = lead_times(test, score)
    precision = draws(lambda counts: average_precision(leaves, score, counts), test, seed=seed)
    return Judged(
        auc=Estimate.of(auc),
        average_precision=Estimate.of(precision),
        precision=precision_at_top(test, score),
        lead_days=lead_days,
        found=found,
        brier=float(np.mean((said - leaves) ** 2)),
        ece=calibration_error(said, leaves, bins=BINS),
        reliability=reliability(test, said),
        gain=gain(test, score, SHARES),
    )
