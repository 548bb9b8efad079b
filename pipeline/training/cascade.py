"""The cascade: the student answers what it is sure of, the full model the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.score import prepare
from pipeline.taxonomy import OUT_OF_SCOPE
from pipeline.training.assemble import MAX_ERROR, labelled, with_thresholds
from pipeline.training.examples import Example
from pipeline.training.provenance import provenance

ACCEPTS = (0.0, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 1.01)
RECORDED = ("per_group", "seed", "own_weight", "balance", "max_error", "rows_sha256", "licence", "sources", "rows")
LOSS = 0.01  # macro-F1 that the cascade may lose to the full model on dev


def build_cascade(fast: Bundle, full: Bundle, dev: Sequence[Example], folder: Path) -> tuple[str, list[str]]:
    """Writes the cascade with the lowest `accept` that loses at most `LOSS` on dev; returns its hash and the curve."""
    curve = cascade_curve(fast, full, dev)
    goal = curve[-1].macro_f1 - LOSS
    chosen = next(point for point in curve if point.macro_f1 >= goal)
    training = {key: full.training[key] for key in RECORDED}
    training |= {"recipe": "cascade", "fast": fast.version, "full": full.sha256, "loss": LOSS, "dev": asdict(chosen)}
    cascade = replace(full, name=folder.name, training=training, fast=fast, accept=chosen.accept)
    digest = bundles.save(with_thresholds(cascade, labelled(dev), max_error=MAX_ERROR), folder, built=provenance())
    lines = [
        f"accept {p.accept:.2f}: {p.share:.0%} by the student, category macro-F1 {p.macro_f1:.3f} on dev" for p in curve
    ]
    return digest, lines


@dataclass(frozen=True, slots=True)
class Point:
    """What a cascade that accepts the student at `accept` reaches, and the `share` of rows that the student answers."""

    accept: float
    share: float
    macro_f1: float
    accuracy: float


def cascade_curve(fast: Bundle, full: Bundle, rows: Sequence[Example]) -> list[Point]:
    """One point a level of `ACCEPTS`, from the student alone to the full model alone; macro-F1 of rows in scope."""
    prepared = [prepare(row.text) for row in rows]
    texts, languages = [each.text for each in prepared], [each.language for each in prepared]
    quick, slow = (bundle.judge(texts, languages) for bundle in (fast, full))
    names = np.array(full.taxonomy.category_ids)
    sums = [full.taxonomy.category_probabilities(judged.probabilities["topic"]) for judged in (quick, slow)]
    said = [names[values.argmax(axis=1)] for values in sums]
    truth = np.array([full.taxonomy.category_of[str(row.topic)] for row in rows])
    points = []
    for accept in ACCEPTS:
        taken = (sums[0].max(axis=1) >= accept) & ~quick.strange
        both = np.where(taken, said[0], said[1])
        inside = truth != OUT_OF_SCOPE
        labels = [name for name in full.taxonomy.category_ids if name != OUT_OF_SCOPE]
        reached = f1_score(truth[inside], both[inside], labels=labels, average="macro", zero_division=0)
        points.append(Point(accept, float(taken.mean()), float(reached), float((truth == both).mean())))
    return points
