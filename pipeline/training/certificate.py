"""The reliability certificate: do the probabilities mean what they say, by task, language and source?

Expected calibration error over bins of equal mass beside what chance alone would give a perfectly calibrated model on
as many rows, the Brier score (Brier 1950), the points of a reliability diagram, and the risk-coverage curve (El-Yaniv
and Wiener 2010): the share of wrong answers among the surest ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats, calibration_error
from pipeline.records import Prediction
from pipeline.training.metrics import rounded
from pipeline.training.scorecard import MEASURED, Case, grouped

SIMULATED = 500  # perfectly calibrated models of the same confidences
BINS, COVERAGES = 10, tuple(step / 20 for step in range(1, 21))
FEWEST = 50  # rows of a group that are certified


def certificate(cases: Sequence[Case], *, seed: int) -> dict[str, Any]:
    """Gold by task and language, and each source and origin by task, with all their points for gold alone."""
    gold = [case for case in cases if case.example.source == "gold"]
    others = [case for case in cases if case.example.source != "gold"]
    languages = {"all": gold, **grouped(gold, lambda case: case.example.lang)}
    origins = grouped(gold, lambda case: case.example.origin)
    sources = {f"gold: {name}": some for name, some in origins.items()}
    sources |= grouped(others, lambda case: f"{case.example.source} ({case.example.lang})")
    return {
        "languages": {name: _tasks(some, seed=seed, points=True) for name, some in languages.items()},
        "sources": {name: found for name, some in sources.items() if (found := _tasks(some, seed=seed))},
    }


def _tasks(cases: Sequence[Case], *, seed: int, points: bool = False) -> dict[str, Any]:
    found = {}
    for task in MEASURED:
        answered = [
            (said, truth)
            for case in cases
            if (said := case.answer[task]) is not None and (truth := case.truth(task)) is not None
        ]
        if len(answered) >= (1 if points else FEWEST):
            found[task] = _certify(answered, seed=seed, points=points)
    return found


def _certify(answered: Sequence[tuple[Prediction, str]], *, seed: int, points: bool) -> dict[str, Any]:
    sure = np.array([said.confidence for said, _ in answered])
    right = np.array([said.label == truth for said, truth in answered])
    error, ceiling = calibration_error(sure, right, bins=BINS), chance_ceiling(sure, seed=seed)
    found: dict[str, Any] = {
        "n": len(answered), "ece": rounded(error), "ceiling": rounded(ceiling), "within": bool(error <= ceiling),
        "brier": rounded(float(np.mean([_brier(said, truth) for said, truth in answered]))),
    }  # fmt: skip
    if points:
        found |= {"reliability": _reliability(sure, right), "risk_coverage": _risk_coverage(sure, right)}
    return found


def chance_ceiling(sure: Floats, *, seed: int) -> float:
    """The 95th percentile of the calibration error of models that are right exactly as often as they say (n,)."""
    rng = np.random.default_rng(seed)
    errors = [calibration_error(sure, rng.random(len(sure)) < sure, bins=BINS) for _ in range(SIMULATED)]
    return float(np.quantile(errors, 0.95))


def _brier(said: Prediction, truth: str) -> float:
    """Of one answer, in [0, 2]: the squared distance of its probabilities to the truth."""
    return sum((probability - (label == truth)) ** 2 for label, probability in said.probabilities.items())


def _reliability(sure: Floats, right: NDArray[np.bool_]) -> list[Mapping[str, float | int]]:
    """Bins of equal mass, from the least sure on."""
    parts = np.array_split(np.argsort(sure, kind="stable"), min(BINS, len(sure)))
    return [
        {"n": len(part), "sure": round(float(sure[part].mean()), 4), "right": round(float(right[part].mean()), 4)}
        for part in parts
    ]


def _risk_coverage(sure: Floats, right: NDArray[np.bool_]) -> list[Mapping[str, float]]:
    """The share of wrong answers among the surest `coverage` of them."""
    wrong = ~right[np.argsort(-sure, kind="stable")]
    counts = [max(round(coverage * len(wrong)), 1) for coverage in COVERAGES]
    return [
        {"coverage": coverage, "risk": round(float(wrong[:count].mean()), 4)}
        for coverage, count in zip(COVERAGES, counts, strict=True)
    ]
