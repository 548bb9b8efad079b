"""How common each category really is in the stream, without a label of it: black-box shift estimation.

What is predicted mixes the columns of the confusion matrix by the true shares, so the shares follow from what is
predicted (Lipton et al. 2018, arXiv:1802.03916), held towards those of the reference as far as sampling errors reach
(as Azizzadenesheli et al. 2019, arXiv:1903.09734, hold the weights). It takes for granted that messages of a category
look as they did; shares that it moves were moved among the predictions, which are tested, so it is no test of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.calibrate import Floats
from pipeline.drift.chance import Ints
from pipeline.drift.sample import Sample

FEWEST, FEWEST_EACH = 100, 5  # labelled rows, and of one category
RESAMPLES, STEPS = 500, 300
MOVES = 0.2  # how far a share may well have moved


@dataclass(frozen=True, slots=True)
class Moved:
    """The true share of a category in the reference and, estimated, in the stream, with its 95% interval."""

    label: str
    reference: float
    stream: float
    low: float
    high: float


def label_shift(reference: Sample, stream: Sample, *, seed: int) -> tuple[Moved, ...]:
    """A row a category, the most common first; none where fewer than 100 rows of the reference are labelled.

    The interval is of bootstrap percentiles over the rows of both sides. A category of fewer than 5 labelled rows is
    left out.
    """
    if reference.truth is None or "category" not in reference.labels or "category" not in stream.labels:
        return ()
    truth, said = reference.truth, reference.labels["category"]
    names, sizes = np.unique(truth[truth != ""], return_counts=True)
    labels = names[sizes >= FEWEST_EACH][np.argsort(-sizes[sizes >= FEWEST_EACH], kind="stable")]
    kept = np.isin(truth, labels)
    if kept.sum() < FEWEST or len(labels) < 2:
        return ()
    answers = np.unique(np.concatenate([said[kept], stream.labels["category"]]))
    joint = np.array([[np.sum(kept & (truth == t) & (said == s)) for t in labels] for s in answers], np.int64)
    heard = np.array([np.sum(stream.labels["category"] == s) for s in answers], np.int64)
    found, drawn = _estimates(joint, heard, seed)
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    shares = joint.sum(axis=0) / joint.sum()
    return tuple(
        Moved(str(label), *map(float, values)) for label, *values in zip(labels, shares, found, low, high, strict=True)
    )


def confusion(reference: Sample) -> dict[str, dict[str, int]]:
    """True category -> predicted category -> labelled rows of the reference."""
    if reference.truth is None or "category" not in reference.labels:
        return {}
    pairs = zip(reference.truth.tolist(), reference.labels["category"].tolist(), strict=True)
    table: dict[str, dict[str, int]] = {}
    for true, said in sorted(pair for pair in pairs if pair[0]):
        row = table.setdefault(true, {})
        row[said] = row.get(said, 0) + 1
    return table


def _estimates(joint: Ints, heard: Ints, seed: int) -> tuple[Floats, Floats]:
    """Of the rows as they are (k,), and of `RESAMPLES` draws of them (times, k)."""
    random, rows, size = np.random.default_rng(seed), int(joint.sum()), int(heard.sum())
    joints = random.multinomial(rows, joint.ravel() / rows, size=RESAMPLES).reshape(RESAMPLES, *joint.shape)
    heard_share = heard / size
    heards = random.multinomial(size, heard_share, size=RESAMPLES)
    ridge = float((heard_share * (1 - heard_share)).mean() * (1 / rows + 1 / size)) / MOVES**2
    return _solve(joint[None], heard[None], ridge)[0], _solve(joints, heards, ridge)


def _solve(joint: Ints, heard: Ints, ridge: float) -> Floats:
    """(times, answers, k) and (times, answers) -> shares (times, k) by projected gradient descent.

    They minimise the squared distance to what was heard, plus `ridge` times that to the reference's own shares: the
    variance of what was heard over that of shares that move by about `MOVES` (Tikhonov).
    """
    totals = joint.sum(axis=1)
    given, before = joint / np.maximum(totals, 1)[:, None], totals / totals.sum(axis=1, keepdims=True)
    target = heard / heard.sum(axis=1, keepdims=True)
    gram = np.einsum("bak,baj->bkj", given, given) + ridge * np.eye(joint.shape[2])
    wanted = np.einsum("bak,ba->bk", given, target) + ridge * before
    step = 1 / np.linalg.norm(gram, 2, axis=(1, 2))[:, None]
    shares: Floats = before
    for _ in range(STEPS):
        shares = _onto_simplex(shares - step * (np.einsum("bkj,bj->bk", gram, shares) - wanted))
    return shares


def _onto_simplex(points: Floats) -> Floats:
    """(times, k) -> the nearest shares: none below 0, their sum 1 (Duchi et al. 2008)."""
    falling = -np.sort(-points, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1) / np.arange(1, points.shape[1] + 1)
    last = (falling > excess).sum(axis=1) - 1
    return np.asarray(np.maximum(points - np.take_along_axis(excess, last[:, None], axis=1), 0.0))
