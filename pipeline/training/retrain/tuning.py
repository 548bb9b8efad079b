"""Recipe `finetune`: the base model's encoder learns the export's labels, from its int8 layers on.

An export seldom labels feelings and urgency. There the base model's own answers stand in, and the messages that come
with Nabd, whose labels people gave, keep them from drifting; a tenth of those messages calibrate them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder, Vectors
from pipeline.errors import UsageError
from pipeline.heads import Heads
from pipeline.taxonomy import DEFAULT, LABELS, TASKS, Taxonomy
from pipeline.training import finetune
from pipeline.training.assemble import MAX_ERROR
from pipeline.training.draw import Phase
from pipeline.training.examples import Example
from pipeline.training.export import export_encoder
from pipeline.training.retrain.assembling import Learnt
from pipeline.training.retrain.authored import authored
from pipeline.training.retrain.lessons import vectors_of
from pipeline.training.retrain.recipes import Product
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import Request, Survey
from pipeline.training.retrain.tasks import TaskHead, head_of
from pipeline.training.retrain.unseen import category_thresholds, unseen

PASSES_A_ROW, FEWEST_PASSES, MOST_PASSES = 12, 12_000, 120_000
SHARES = {"own": 0.7, "mapped": 0.3}  # of the export's rows, and of the messages that come with Nabd
HELD = 0.1  # of those messages
SCALE_TEXTS = 512  # set the int8 scales


@dataclass(frozen=True, slots=True)
class Material:
    """Rows of the export in train and dev, our own messages to learn from, and those held back."""

    train: Sequence[Labelled]
    dev: Sequence[Labelled]
    ours: Sequence[Labelled]
    held: Sequence[Labelled]


def learn_finetune(request: Request, found: Survey, base: Bundle, *, passes: int | None = None) -> Product:
    """Fine-tunes `request.source` from the base's int8 encoder and exports it beside the bundle.

    Goes on from where it was stopped. Raises UsageError for a base that is no ONNX encoder.
    """
    if not isinstance(base.encoder, OnnxEncoder) or request.source is None:
        raise UsageError(f"{base.name} has no encoder that can be fine-tuned; use --base nabd-base and give --source")
    table = found.found.labels.taxonomy
    material = gather_material(found)
    work = request.folder.parent / f".{request.folder.name}.finetune"
    data, tuned = work / "data", work / "tuned"
    write_prepared(data, material, base, sha256=found.export.sha256, taught=found.found.labels.taught)
    count = passes or int(np.clip(PASSES_A_ROW * len(material.train), FEWEST_PASSES, MOST_PASSES))
    phases = (Phase("own", count, SHARES),)
    try:
        finetune.run(
            request.source, data, tuned, seed=request.seed, start=base.encoder.folder, phases=phases, table=table
        )
    finally:
        shutil.rmtree(data)  # it holds messages; what was learnt stays, so that a stopped run goes on
    out = request.folder.parent / f"encoder-{request.folder.name}"
    texts = [row.prepared for row in (*material.train, *material.ours)][:SCALE_TEXTS]
    export_encoder(tuned, out, texts=texts, held_out=[row.prepared for row in material.dev])
    heads = Heads.load(tuned / finetune.HEADS, {task: table.labels(task) for task in TASKS})
    encoder = OnnxEncoder(out, base.encoder.threads)
    rows = (*found.lessons, *found.dev, *material.held)
    vector_of = vectors_of([row.prepared for row in rows], encoder, request.vectors, passing=found.heard)
    chosen = {"head": "tuned with the encoder", "passes": count, "start": base.encoder.id}
    return Product(encoder, _learnt(heads, material, table, vector_of), vector_of, chosen)


def gather_material(found: Survey) -> Material:
    """Our own messages are all of them, whatever their topic: a topic that is no label here is left out later."""
    every = authored(DEFAULT.topic_ids, apart_from={row.key for row in found.found.rows})
    held = [row for row in every if _draw(row.key) < HELD]
    mine = [row for row in found.lessons if row.number > 0]
    return Material(mine, found.dev, [row for row in every if _draw(row.key) >= HELD], held)


def write_prepared(data: Path, material: Material, base: Bundle, *, sha256: str, taught: Collection[str]) -> None:
    """The rows as `nabd data` writes them; no row of the gate, and none held back.

    Of our own messages only those of the topics `taught` speak of a topic.
    """
    data.mkdir(parents=True, exist_ok=True)
    examples = [
        *_examples(_answered(material.train, base), "train", own=True),
        *_examples(_answered(material.dev, base), "dev", own=True),
        *(
            replace(each, topic=each.topic if each.topic in taught else None)
            for each in _examples(material.ours, "train", own=False)
        ),
    ]
    with gzip.open(data / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in examples)
    (data / "report.json").write_text(json.dumps({"sha256": sha256}), encoding="utf-8")


def _answered(rows: Sequence[Labelled], base: Bundle) -> list[Labelled]:
    """With the base model's answers where the export does not label a task."""
    judged = base.judge([row.prepared for row in rows], [row.language for row in rows]).probabilities
    said = {task: [base.heads.labels[task][column] for column in judged[task].argmax(axis=1)] for task in LABELS}
    return [
        replace(row, tasks={task: said[task][place] for task in LABELS} | dict(row.tasks or {}))
        for place, row in enumerate(rows)
    ]


def _examples(rows: Sequence[Labelled], split: str, *, own: bool) -> list[Example]:
    source = "export" if own else "authored"
    return [
        Example(
            f"{row.number} {row.id}", source, source, row.language, None, row.text, split, True, own, None, row.label,
            *((row.tasks or {}).get(task) for task in LABELS),
        )
        for row in rows
    ]  # fmt: skip


def _learnt(heads: Heads, material: Material, table: Taxonomy, vector_of: Mapping[str, Vectors]) -> Learnt:
    """Topics are calibrated on dev, the other tasks on the messages held back and on what dev has of them."""
    topic = head_of("topic", heads)
    judged = unseen(topic, material.dev, table.topic_ids, vector_of)
    tasks = {"topic": TaskHead(topic, judged.temperatures(), len(material.train))}
    for task, labels in LABELS.items():
        known = [
            replace(row, label=label)
            for row in (*material.held, *material.dev)
            if (label := (row.tasks or {}).get(task))
        ]
        head, names = head_of(task, heads), [label.id for label in labels]
        rows = sum(task in (row.tasks or {}) for row in material.train)
        tasks[task] = TaskHead(head, unseen(head, known, names, vector_of).temperatures(), rows)
    return Learnt(tasks, category_thresholds(judged, tasks["topic"].temperatures, table, max_error=MAX_ERROR))


def _draw(key: bytes) -> float:
    """In [0, 1)."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") / 2**64
