"""What a run of the bench is asked for, and what all of its measurements share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder
from pipeline.settings import Settings, home, load_settings
from pipeline.training.bench.messages import Pool, load_pool

BASE, FAST, CASCADE = "nabd-base", "nabd-fast", "nabd-cascade"


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a transformer encoder."""

    layers: int
    width: int
    heads: int
    intermediate: int


XLMR_BASE = Shape(layers=12, width=768, heads=12, intermediate=3072)  # Conneau et al. 2020, arXiv:1911.02116


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `long_rows` 0 leaves the long file out."""

    rows: int = 20_000
    long_rows: int = 200_000
    sample: int = 1_500  # messages of the comparisons with torch, a slice a round
    quick: int = 15_000  # messages of the comparison with fastText, a slice a round
    rounds: int = 5
    starts: int = 5
    single: int = 300  # messages scored one by one
    taught: int = 2_000  # messages that TF-IDF and fastText learn from
    batches: tuple[int, ...] = (8, 16, 32, 64)
    rival: Shape = XLMR_BASE
    buckets: int = 2_000_000  # of fastText's n-grams; its default
    seed: int = 0
    threads: int = 0  # of every contender that knows more than one; 0: as many as there are cores


@dataclass(frozen=True, slots=True)
class Setting:
    """`bundles` are those of the shipped models that there are, by name; `folder` is for files of our own."""

    plan: Plan
    folder: Path
    models: Path
    pool: Pool
    bundles: Mapping[str, Bundle]
    settings: Settings
    threads: int

    @property
    def base(self) -> Bundle:
        return self.bundles[BASE]

    @property
    def encoder(self) -> OnnxEncoder:
        found = self.base.encoder
        assert isinstance(found, OnnxEncoder)  # nosec B101 # for the types: the bench loads no other
        return found


def load_setting(models: Path, data: Path, folder: Path, plan: Plan) -> Setting:
    """Raises BundleError when the base model is missing, or any of the others is there and cannot be loaded."""
    say("Reading the messages")
    pool = load_pool(data, home() / "data" / "demo.csv", count=plan.rows, taught=plan.taught, seed=plan.seed)
    threads = plan.threads or all_threads()
    present = [BASE, *(name for name in (FAST, CASCADE) if (models / name / "manifest.json").exists())]
    loaded = {name: bundles.load(models / name, threads=threads) for name in present}
    return Setting(
        plan, folder, models.absolute(), pool, loaded, load_settings(home() / "nabd.toml", environment={}), threads
    )


def all_threads() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line)
