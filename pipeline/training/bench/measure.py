"""The measurements, one after the other; each says on stderr what it is about to do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pipeline.bundle import Bundle
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import home
from pipeline.training.bench.compare import Compared, check_shape, compare
from pipeline.training.bench.machine import describe_machine
from pipeline.training.bench.messages import Lengths, token_lengths
from pipeline.training.bench.processes import Processes, time_processes
from pipeline.training.bench.setting import Plan, Setting, load_setting, say

WARM_UP = 10  # messages


@dataclass(frozen=True, slots=True)
class Measured:
    """`versions` of the models that there were; `singles` are seconds a message, by model."""

    plan: Plan
    machine: Mapping[str, str]
    origin: str
    distinct: int
    lengths: Lengths
    processes: Processes
    compared: Compared
    singles: Mapping[str, Sequence[float]]
    versions: Mapping[str, str]

    @property
    def steady(self) -> float:
        """Messages a second of the shorter file, less the time that a file of one message takes."""
        seconds = self.processes.whole[self.plan.rows].seconds - median(self.processes.one_row)
        return (self.plan.rows - 1) / seconds


def measure(source: Path, data: Path, folder: Path, plan: Plan, *, models: Path | None = None) -> Measured:
    """Times the models in `models` (those shipped) beside others, and the encoder beside itself in torch.

    Raises UsageError when `source` is not the transformers folder of an encoder of that shape.
    """
    setting = load_setting(models or home() / "models", data, folder, plan)
    check_shape(source, setting)
    processes = time_processes(setting)
    singles = {name: time_single(bundle, setting) for name, bundle in setting.bundles.items()}
    compared = compare(source, setting)
    versions = {name: bundle.version for name, bundle in setting.bundles.items()}
    return Measured(
        plan, describe_machine(setting.threads), setting.pool.origin, len(setting.pool.texts),
        token_lengths(setting.pool.texts, setting.encoder), processes, compared, singles, versions,
    )  # fmt: skip


def time_single(bundle: Bundle, setting: Setting) -> list[float]:
    """Seconds of `score()` on one message, in a process that is warm."""
    messages = [Message(text) for text in setting.pool.texts[: setting.plan.single]]
    say(f"Scoring {len(messages)} messages one by one with {bundle.name}")
    taken = []
    for one in messages[:WARM_UP] + messages:
        start = time.perf_counter()
        score([one], bundle, setting.settings.routes)
        taken.append(time.perf_counter() - start)
    return taken[-len(messages) :]
