"""The measurements, one after the other; each says on stderr what it is about to do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from tokenizers import Tokenizer

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder
from pipeline.errors import UsageError
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import Settings, home, load_settings, model_folder
from pipeline.training.bench.child import FIRST_ROW, WHOLE, Usage, run_fresh
from pipeline.training.bench.contenders import (
    NABD,
    SBERT,
    TFIDF,
    TORCH,
    Slice,
    all_threads,
    best_batch,
    interleave,
    nabd,
    sbert,
    tfidf,
    torch_heads,
)
from pipeline.training.bench.machine import describe_machine
from pipeline.training.bench.messages import Lengths, Pool, load_pool, token_lengths, write_messages
from pipeline.training.export import load_torch

NABD_COMMAND = (sys.executable, "-c", "from pipeline.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `long_rows` 0 leaves the long file out."""

    rows: int = 20_000
    long_rows: int = 200_000
    sample: int = 1_500  # messages of the comparison, a slice a round
    rounds: int = 5
    starts: int = 5
    single: int = 300  # messages scored one by one
    taught: int = 2_000  # messages that TF-IDF learns from
    batches: tuple[int, ...] = (8, 16, 32, 64)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What every measurement shares; `folder` is for files of its own."""

    plan: Plan
    folder: Path
    pool: Pool
    bundle: Bundle
    encoder: OnnxEncoder
    settings: Settings
    threads: int


@dataclass(frozen=True, slots=True)
class Processes:
    """Fresh processes: `whole` by rows of the file; seconds for a file of one message, and until a first row."""

    whole: Mapping[int, Usage]
    one_row: Sequence[float]
    first_row: Sequence[float]


@dataclass(frozen=True, slots=True)
class Measured:
    """`rates` are messages a second, a number a round; `single` seconds a message; `batch` is torch's best."""

    plan: Plan
    machine: Mapping[str, str]
    origin: str
    distinct: int
    lengths: Lengths
    processes: Processes
    rates: Mapping[str, Sequence[float]]
    batch: int
    single: Sequence[float]
    model: str

    @property
    def steady(self) -> float:
        """Messages a second of the shorter file, less the time that a file of one message takes."""
        seconds = self.processes.whole[self.plan.rows].seconds - median(self.processes.one_row)
        return (self.plan.rows - 1) / seconds


def measure(source: Path, data: Path, folder: Path, plan: Plan) -> Measured:
    """Times Nabd's base model beside the torch encoder in `source`. Raises UsageError when that is none."""
    if not (source / "config.json").exists():
        raise UsageError(f"{source} is no transformers folder (no config.json); name one: make bench ENCODER=folder")
    setting = _setting(data, folder, plan)
    processes = time_processes(setting)
    single = time_single(setting)
    rates, batch = compare(source, setting)
    return Measured(
        plan, describe_machine(setting.threads), setting.pool.origin, len(setting.pool.texts),
        token_lengths(setting.pool.texts, setting.encoder), processes, rates, batch, single, setting.bundle.version,
    )  # fmt: skip


def _setting(data: Path, folder: Path, plan: Plan) -> Setting:
    _say("Reading the messages")
    demo = home() / "data" / "demo.csv"
    pool = load_pool(data, demo, count=plan.rows, taught=plan.taught, seed=plan.seed)
    settings, threads = load_settings(home() / "nabd.toml", environment={}), all_threads()
    models = model_folder(settings.model)
    bundle = bundles.load(models, threads=threads)
    encoder = bundles.find_encoder(models.parent, bundle.encoder.id, threads=threads)
    return Setting(plan, folder, pool, bundle, encoder, settings, threads)


def time_processes(setting: Setting) -> Processes:
    """`nabd score` as users run it, each time in a fresh process."""
    plan, folder, texts = setting.plan, setting.folder, setting.pool.texts
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NABD_")}
    fresh = partial(run_fresh, folder=folder, environment=environment)
    files = {
        rows: write_messages(folder / f"{rows}.csv", texts, rows) for rows in (1, plan.rows, plan.long_rows) if rows
    }
    _say(f"Starting `nabd score` {2 * plan.starts} times")
    one_row, first_row = [], []
    for _ in range(plan.starts):
        one_row.append(fresh(_score(files[1], "1.scored.csv", setting)).seconds)
        first_row.append(fresh(_score(files[plan.rows], "-", setting), until=FIRST_ROW).seconds)
    whole: dict[int, Usage] = {}
    for rows, path in list(files.items())[1:]:
        pace = rows / plan.rows * whole[plan.rows].seconds if whole else None
        _say(f"Scoring a file of {rows:,} messages" + (f", about {pace / 60:.0f} minutes" if pace else ""))
        whole[rows] = fresh(_score(path, f"{rows}.scored.csv", setting), until=WHOLE)
    return Processes(whole, one_row, first_row)


def time_single(setting: Setting) -> list[float]:
    """Seconds of `score()` on one message, in a process that is warm."""
    messages = [Message(text) for text in setting.pool.texts[: setting.plan.single]]
    _say(f"Scoring {len(messages)} messages one by one")
    taken = []
    for one in messages[:10] + messages:
        start = time.perf_counter()
        score([one], setting.bundle, setting.settings.routes)
        taken.append(time.perf_counter() - start)
    return taken[-len(messages) :]


def compare(source: Path, setting: Setting) -> tuple[dict[str, list[float]], int]:
    """Messages a second of every contender, slice by slice in turns, and the batch size that suited torch best."""
    plan, bundle = setting.plan, setting.bundle
    torch.set_num_threads(setting.threads)
    _say("Teaching TF-IDF")
    lanes = {NABD: nabd(bundle, setting.settings), TFIDF: tfidf(setting.pool.taught, bundle)}
    encoder, tokenizer = load_torch(source), Tokenizer.from_file(str(source / "tokenizer.json"))
    maker = partial(torch_heads, bundle, encoder, tokenizer, pad=int(setting.encoder.manifest["pad_id"]))
    warm_up, *slices = _slices(setting)
    _say("Looking for torch's best batch size")
    batch = best_batch({size: maker(batch=size) for size in plan.batches}, warm_up)
    lanes |= {TORCH: maker(batch=batch), SBERT: sbert(encoder, source)}
    interleave(lanes, [warm_up])
    _say(f"Comparing in {plan.rounds} rounds of {len(warm_up.texts)} messages")
    return interleave(lanes, slices), batch


def _slices(setting: Setting) -> list[Slice]:
    """One to warm up and one a round, no message in two of them while there are enough."""
    plan, texts = setting.plan, setting.pool.texts
    size = max(plan.sample // plan.rounds, 1)
    slices = []
    for turn in range(plan.rounds + 1):
        part = [texts[(turn * size + place) % len(texts)] for place in range(size)]
        slices.append(Slice(part, write_messages(setting.folder / f"round-{turn}.csv", part, size)))
    return slices


def _score(path: Path, out: str, setting: Setting) -> list[str]:
    return [*NABD_COMMAND, "score", str(path), "-o", out, "--quiet", "--threads", str(setting.threads)]


def _say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line)
