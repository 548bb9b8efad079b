"""The fast student, taught by the full model (Hinton et al. 2015, arXiv:1503.02531), and the cascade of the two.

The student sees what the teacher makes of every text of the sources, and the true labels of the rows labelled by our
own guide. Its table is hashed (`pipeline.static`), so there is no vocabulary to keep.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.numpy import save
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import ANY
from pipeline.encoder import Vectors, manifest_id
from pipeline.heads import Heads
from pipeline.manifest import file_hash
from pipeline.score import prepare
from pipeline.static import Ids, StaticEncoder, features
from pipeline.training.assemble import assemble, joined_labels, topic_centres
from pipeline.training.augment import respell
from pipeline.training.cascade import build_cascade
from pipeline.training.drift.reference import write_references
from pipeline.training.embed import embed
from pipeline.training.examples import Example, draw_groups, load_examples, own_dev
from pipeline.training.provenance import provenance
from pipeline.training.train import record, vectors_of

BUCKETS, WIDTH = 1 << 17, 64
PER_GROUP = 2_000  # texts of each source, language and label that the teacher reads
EPOCHS, BATCH, RATE = 14, 512, 0.004
DROPPED = 0.15  # of the features of a text, in each pass
COPIES = 2  # of each own row, respelled
HARD = 0.5  # weight of a true label beside the teacher's answer


@dataclass(frozen=True, slots=True)
class Lessons:
    """Of n texts: features end to end, where each starts, the teacher's calibrated logits, labels (-100: none)."""

    ids: Ids
    starts: NDArray[np.int64]
    soft: Mapping[str, Vectors]
    hard: Mapping[str, NDArray[np.int64]]

    def batch(
        self, rows: NDArray[np.int64], keep: float, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of `rows` end to end, each kept with chance `keep`, and where each row starts; no row is empty."""
        ends = np.append(self.starts[1:], len(self.ids))
        parts = []
        for row in rows:
            part = self.ids[self.starts[row] : ends[row]]
            kept = part[rng.random(len(part)) < keep]
            parts.append(kept if len(kept) else part)
        starts = np.cumsum([0, *map(len, parts)])[:-1]
        return torch.from_numpy(np.concatenate(parts).astype(np.int64)), torch.from_numpy(starts)


class Student(torch.nn.Module):
    """Sums of table rows over the root of their number, then linear heads."""

    def __init__(self, width: int, columns: int) -> None:
        super().__init__()
        self.table = torch.nn.EmbeddingBag(BUCKETS, width, mode="sum", sparse=True)
        torch.nn.init.normal_(self.table.weight, std=0.05)
        self.heads = torch.nn.Linear(width, columns)

    def forward(self, ids: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        counts = torch.diff(starts, append=torch.tensor([len(ids)]))
        found: torch.Tensor = self.heads(self.table(ids, starts) / counts.sqrt()[:, None])
        return found


def run(data: Path, teacher: Path, folder: Path, vectors: Path, *, seed: int = 0) -> str:
    """Teaches a student what the bundle `teacher` says; writes its encoder, the bundle `folder` and the cascade."""
    examples = load_examples(data)
    full = bundles.load(teacher)
    taught = [*draw_groups(examples, per_group=PER_GROUP, seed=seed)]
    dev = own_dev(examples)
    student = learn(lessons(taught, full, vectors, seed=seed), seed=seed)
    models = teacher.parent
    encoder = write_encoder(student, models / f"encoder-{folder.name.removeprefix('nabd-')}", source=full.version)
    own = [row for row in taught if row.own]
    vector_of = vectors_of([*dev, *own], encoder, vectors)
    weight, bias = (tensor.detach().numpy() for tensor in (student.heads.weight.T, student.heads.bias))
    heads = Heads(weight.copy(), bias.copy(), joined_labels(), topic_centres(own, vector_of))
    training = {"recipe": "distil", "teacher": full.sha256, "rows": {"topic": len(taught)}} | record(data, taught, seed)
    fast = replace(assemble(folder.name, encoder, heads, dev, vector_of), training=training)
    digest = bundles.save(fast, folder, built=provenance())
    cascade, curve = build_cascade(bundles.load(folder), full, dev, models / "nabd-cascade")
    write_references(dev, [folder, models / "nabd-cascade"])
    return "\n".join([f"{folder} {digest[:8]}", *curve, f"{models / 'nabd-cascade'} {cascade[:8]}"])


def lessons(rows: Sequence[Example], teacher: Bundle, cache: Path, *, seed: int) -> Lessons:
    """What the teacher makes of `rows`; own rows come `COPIES` times more, respelled as people do, answered alike."""
    texts = [prepare(row.text).text for row in rows]
    logits = teacher.heads.logits(embed(texts, teacher.encoder, cache))
    soft = {task: np.asarray(values / teacher.temperatures[task][ANY], np.float32) for task, values in logits.items()}
    hard = {
        task: np.array([labels.index(str(row.label(task))) if row.own and row.label(task) else -100 for row in rows])
        for task, labels in teacher.heads.labels.items()
    }
    own, rng = [place for place, row in enumerate(rows) if row.own] * COPIES, random.Random(seed)
    places = np.array([*range(len(rows)), *own])
    texts += [respell(texts[place], rows[place].lang, rng) for place in own]
    parts = [features(texts[start : start + 4096], buckets=BUCKETS) for start in range(0, len(texts), 4096)]
    shifts = np.cumsum([0, *(len(ids) for ids, _ in parts)])[:-1]
    starts = np.concatenate([starts + shift for (_, starts), shift in zip(parts, shifts, strict=True)])
    return Lessons(
        np.concatenate([ids for ids, _ in parts]), starts, {task: values[places] for task, values in soft.items()},
        {task: values[places] for task, values in hard.items()},
    )  # fmt: skip


def learn(taught: Lessons, *, seed: int, width: int = WIDTH, epochs: int = EPOCHS) -> Student:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    student = Student(width, sum(values.shape[1] for values in taught.soft.values()))
    optimizers = (
        torch.optim.SparseAdam(list(student.table.parameters()), lr=RATE),
        torch.optim.Adam(student.heads.parameters(), lr=RATE),
    )
    steps = epochs * -(-len(taught.starts) // BATCH)
    step = 0
    for _ in track(range(epochs), description="Teaching"):
        order = rng.permutation(len(taught.starts))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            loss = _loss(student(*taught.batch(rows, 1 - DROPPED, rng)), taught, rows)
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
                optimizer.step()  # type: ignore[no-untyped-call]
                optimizer.zero_grad()
            step += 1
    return student


def _loss(logits: torch.Tensor, taught: Lessons, rows: NDArray[np.int64]) -> torch.Tensor:
    total, at = torch.zeros(()), 0
    for task, soft in taught.soft.items():
        part = logits[:, at : at + soft.shape[1]]
        at += soft.shape[1]
        target = log_softmax(torch.from_numpy(soft[rows]), dim=1)
        total = total + kl_div(log_softmax(part, dim=1), target, log_target=True, reduction="batchmean")
        hard = torch.from_numpy(taught.hard[task][rows])
        if (hard >= 0).any():
            total = total + HARD * cross_entropy(part, hard, reduction="sum") / len(rows)
    return total


def write_encoder(student: Student, out: Path, *, source: str) -> StaticEncoder:
    """The table in int8, a scale a row, and the manifest."""
    table = student.table.weight.detach().numpy()
    scale = (np.maximum(np.abs(table).max(axis=1), 1e-4) / 127).astype(np.float16)
    out.mkdir(parents=True, exist_ok=True)
    stored = np.clip(np.rint(table / scale.astype(np.float32)[:, None]), -127, 127).astype(np.int8)
    (out / "table.safetensors").write_bytes(save({"table": stored, "scale": scale}))
    manifest: dict[str, Any] = {
        "kind": StaticEncoder.KIND, "source": source, "licence": "Apache-2.0", "width": table.shape[1],
        "buckets": len(table), "files": {"table.safetensors": file_hash(out / "table.safetensors")},
    }  # fmt: skip
    manifest["id"] = manifest_id(manifest)
    (out / "encoder.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return StaticEncoder(out)
