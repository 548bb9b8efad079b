"""Learns, from customers who left, how probable it is that one leaves within the horizon: logistic regression.

Features go through arcsinh, which is a logarithm for large counts and nothing for small ones, and are then brought to
mean 0 and deviation 1, so that a coefficient says what one deviation more does to the log-odds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from pipeline.calibrate import Floats
from pipeline.errors import UsageError
from pipeline.records import Contact
from pipeline.risk.features import FEATURES, features
from pipeline.risk.fold import by_customer, left_at
from pipeline.risk.known import datable
from pipeline.risk.panel import HORIZON, Panel, panel
from pipeline.risk.weights import Weights

FEWEST = 20  # customers who left, to learn from
LOOSENESS = 0.1  # of the ridge penalty (scikit-learn's C): the features overlap, so their coefficients are held close


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model of leaving; `coefficients` are by feature, the strongest first, only of those that varied.

    `rows`, `leavers` and `cuts` say what it was learnt from.
    """

    model: Any
    coefficients: Mapping[str, float]
    rows: int
    leavers: int
    cuts: int

    def probability(self, values: Floats) -> Floats:
        """(n, features) -> (n,) of leaving within the horizon."""
        return np.asarray(self.model.predict_proba(values)[:, 1])


def learn(rows: Panel, *, horizon: int = HORIZON) -> Learnt:
    """Raises UsageError, with the counts, when fewer than `FEWEST` customers leave, or all do."""
    if rows.leavers < FEWEST:
        raise UsageError(
            f"{rows.leavers} customers leave within {horizon} days of a cut-off that can be learnt from, expected "
            f"{FEWEST} or more; score a longer history, or leave --churned out and use the risk score"
        )
    model = fit(rows.values, rows, looseness=LOOSENESS)
    found = model[-1].coef_[0]
    varied = np.ptp(rows.values, axis=0) > 0
    by_size = sorted(np.flatnonzero(varied), key=lambda place: -abs(found[place]))
    return Learnt(
        model=model,
        coefficients={FEATURES[place]: float(found[place]) for place in by_size},
        rows=len(rows.leaves),
        leavers=rows.leavers,
        cuts=len(np.unique(rows.cut)),
    )


def fit(values: Floats, rows: Panel, *, looseness: float = 1.0) -> Any:
    """A fitted model of leaving from `values` (n, any), one row a row of the panel; all rows must not be alike."""
    if rows.leaves.all() or not rows.leaves.any():
        raise UsageError(
            f"of {len(rows.leaves)} rows {int(rows.leaves.sum())} leave: nothing to tell apart; "
            "give a history that also holds customers who stayed, or who left"
        )
    last = LogisticRegression(C=looseness, max_iter=2_000)
    return make_pipeline(FunctionTransformer(np.arcsinh), StandardScaler(), last).fit(values, rows.leaves)


def learn_from(
    contacts: Sequence[Contact], *, now: datetime, weights: Weights, horizon: int = HORIZON
) -> tuple[Learnt, dict[str, float]]:
    """What a history up to `now` teaches, and for each customer who has not left the probability that it soon does."""
    learnt = learn(panel(contacts, end=now, weights=weights, horizon=horizon), horizon=horizon)
    staying = {
        customer: own for customer, own in by_customer(datable(contacts), now=now).items() if left_at(own, now) is None
    }
    values = [_vector(own, now, weights) for own in staying.values()]
    found = learnt.probability(np.array(values)).tolist() if values else []
    return learnt, dict(zip(staying, found, strict=True))


def _vector(own: Iterable[Contact], now: datetime, weights: Weights) -> list[float]:
    found = features(own, now=now, weights=weights)
    return [found[name] for name in FEATURES]
