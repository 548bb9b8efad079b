"""What is measured of one model on the same messages: offline, an empty endpoint, and 64 clients with one each."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from pipeline import bundle as bundles
from pipeline.batch import WINDOW, message
from pipeline.bundle import Bundle
from pipeline.columns import find_roles
from pipeline.readers import open_source
from pipeline.records import Message, Row
from pipeline.score import score
from pipeline.service.load.process import Memory, busy_cores, served, watched
from pipeline.service.load.served import EMPTY
from pipeline.service.load.wrk import Load, load
from pipeline.settings import Settings, home, load_settings, model_folder

COMPARED = 30.0  # seconds of each comparison, before the load and after it


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one model: messages a second offline and requests a second of an empty endpoint, before and after the load."""

    name: str
    version: str
    offline: tuple[float, float]
    empty: tuple[Load, Load]
    load: Load
    memory: Memory
    others: float  # cores that were busy before it began


def measure(model: str, *, seconds: float, requests: int = 0, part: float = COMPARED) -> Measured:
    """Puts the service of `model` under load for so long, or longer where so many requests take longer.

    Each comparison takes `part` seconds.

    Raises UsageError where wrk is missing, NabdError for a model that cannot be loaded.
    """
    texts, others = demo_texts(), busy_cores()
    settings = load_settings(environment={}, model=model)
    bundle = bundles.load(model_folder(model, settings.tracking), threads=settings.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bodies = write_bodies(folder / "bodies.jsonl", texts)
        with served(model, folder) as (address, process):
            warm = load(f"{address}/v1/score", bodies, part)
            seconds = max(seconds, requests / warm.rate)
            before = offline(bundle, settings, texts, part), load(address + EMPTY, bodies, part)
            loads: list[Load] = []
            memory = watched(process, seconds, lambda: loads.append(load(f"{address}/v1/score", bodies, seconds)))
            after = offline(bundle, settings, texts, part), load(address + EMPTY, bodies, part)
    return Measured(model, bundle.version, (before[0], after[0]), (before[1], after[1]), loads[0], memory, others)


def offline(bundle: Bundle, settings: Settings, texts: Sequence[str], seconds: float) -> float:
    """Messages a second of `score()` on as many at once as `nabd score` takes, every core its own, nothing written."""
    window = [Message(text) for text in islice(cycle(texts), WINDOW)]
    score(window[: len(texts)], bundle, settings.routes)
    done, begun = 0, time.perf_counter()
    while (took := time.perf_counter() - begun) < seconds:
        score(window, bundle, settings.routes)
        done += len(window)
    return done / took if done else 0.0


def demo_texts() -> list[str]:
    """The messages of the demo export: synthetic, in three languages."""
    with open_source(home() / "data" / "demo.csv") as source:
        rows = [item for item in source if isinstance(item, Row)]
        roles = find_roles(source.columns, rows)
    return [message(row, roles).text for row in rows]


def write_bodies(path: Path, texts: Sequence[str]) -> Path:
    """A request a line, each with one message."""
    lines = (json.dumps({"messages": [{"text": text}]}, ensure_ascii=False) for text in texts)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
