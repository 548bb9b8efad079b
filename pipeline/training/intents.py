"""How finely the encoder tells intents apart: a linear head on its vectors for the 77 of BANKING77 and ArBanking77.

Not part of any bundle: it measures the encoder on its own, on sets that others publish scores for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from pipeline.encoder import Encoder
from pipeline.training.assemble import matrix
from pipeline.training.examples import Example
from pipeline.training.metrics import Estimate, accuracy, names, resample
from pipeline.training.train import vectors_of

SET = "banking/"
STRENGTHS = (0.01, 0.1)  # C of scikit-learn, chosen on dev


def measure_intents(examples: Sequence[Example], encoder: Encoder, cache: Path, *, seed: int) -> dict[str, Any]:
    """Source (and dialect, where it has any) -> accuracy over its whole test split; empty without such sources.

    For one label a row, accuracy is the micro-F1 that ArBanking77 reports.
    """
    rows = {
        split: [row for row in examples if row.split == split and row.intent and row.intent.startswith(SET)]
        for split in ("train", "dev", "test")
    }
    if not rows["train"] or not rows["test"]:
        return {}
    vector_of = vectors_of([row for some in rows.values() for row in some], encoder, cache)
    scaler = StandardScaler().fit(matrix(rows["train"], vector_of))
    inputs = {split: scaler.transform(matrix(some, vector_of)) for split, some in rows.items() if some}
    truth = {split: np.array([row.intent for row in some]) for split, some in rows.items()}
    models = [LogisticRegression(C=strength, max_iter=200, tol=1e-3) for strength in STRENGTHS]
    for model in models:
        model.fit(inputs["train"], truth["train"])
    judged = "dev" if rows["dev"] else "train"
    best = max(models, key=lambda model: float(model.score(inputs[judged], truth[judged])))
    said = best.predict(inputs["test"])
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(rows["test"]):
        groups.setdefault(" ".join(filter(None, (row.source, row.dialect))), []).append(place)
    return {name: _accuracy(truth["test"][places], said[places], seed) for name, places in sorted(groups.items())}


def _accuracy(truth: Any, said: Any, seed: int) -> dict[str, Any]:
    counts = resample(len(truth), seed=seed)
    return {"n": len(truth), **Estimate.of(accuracy(names(truth.tolist()), names(said.tolist()), counts)).to_dict()}
