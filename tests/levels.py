"""Thresholds for tiny bundles."""

from __future__ import annotations

from pipeline.calibrate import ANY
from pipeline.taxonomy import DEFAULT


def level(threshold: float) -> dict[str, dict[str, float]]:
    """One threshold for every category and language."""
    return {ANY: dict.fromkeys(DEFAULT.category_ids, threshold)}
