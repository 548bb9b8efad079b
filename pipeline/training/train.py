"""From prepared data to a bundle, by recipe: `heads` on the encoder as it is, or `finetune` of the encoder itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from sklearn.metrics import f1_score

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import Encoder, OnnxEncoder
from pipeline.errors import InputError
from pipeline.heads import Heads
from pipeline.score import prepare
from pipeline.taxonomy import TASKS
from pipeline.training.assemble import MAX_ERROR, VectorOf, assemble, joined_labels, matrix, topic_centres
from pipeline.training.drift.reference import write_references
from pipeline.training.embed import embed
from pipeline.training.examples import Example, load_examples, own_dev, training_draw
from pipeline.training.linear import (
    BALANCE,
    OWN_WEIGHT,
    PER_GROUP,
    TUNED_STRENGTHS,
    Head,
    fit_head,
    head_score,
)
from pipeline.training.provenance import provenance


def train_heads(data: Path, folder: Path, vectors: Path, *, encoder: str = "encoder", seed: int = 0) -> str:
    """Fits linear heads on the encoder beside the bundle `folder`; returns what to print."""
    examples = load_examples(data)
    reader = OnnxEncoder(folder.parent / encoder)
    draw = training_draw(examples, per_group=PER_GROUP, seed=seed)
    dev = own_dev(examples)
    vector_of = vectors_of([*dev, *(row for rows in draw.values() for row in rows)], reader, vectors)
    found = {task: fit_head(task, draw[task], dev, vector_of) for task in track(TASKS, description="Fitting")}
    heads = join(found, topic_centres([row for row in draw["topic"] if row.own], vector_of))
    trained = assemble(folder.name, reader, heads, dev, vector_of)
    used = [row for rows in draw.values() for row in rows]
    recipe = {"recipe": "heads", "C": {task: head.strength for task, head in found.items()}}
    rows = {task: len(chosen) for task, chosen in draw.items()}
    return _save(trained, folder, dev, vector_of, recipe | {"rows": rows, **record(data, used, seed)})


def finetune(
    source: Path, data: Path, folder: Path, vectors: Path,
    *, encoder: str = "encoder", start: Path | None = None, seed: int = 0,
) -> str:  # fmt: skip
    """Fine-tunes `source`, or further the int8 encoder `start` made of it, and exports it beside the bundle `folder`.

    Returns what to print.

    Torch is imported here and not before: fitting heads needs none.
    """
    from pipeline.training import export
    from pipeline.training import finetune as tuning

    tuned = data.parent / f"finetuned-{folder.name}"
    said = [
        tuning.run(source, data, tuned, seed=seed, start=start),
        export.run(tuned, folder.parent / encoder, data, seed=seed),
        assemble_tuned(data, tuned, folder, vectors, encoder=encoder, seed=seed),
    ]
    return "\n".join(said)


def assemble_tuned(data: Path, tuned: Path, folder: Path, vectors: Path, *, encoder: str, seed: int) -> str:
    """The bundle of the heads that were tuned with the encoder; `tuned` is the folder that fine-tuning wrote."""
    from pipeline.training.int8 import compare

    examples, finetuned = load_examples(data), _read_record(tuned)
    reader = OnnxEncoder(folder.parent / encoder)
    own = [row for row in examples if row.own and row.train_ok and row.split == "train"]
    dev = own_dev(examples)
    vector_of = vectors_of([*dev, *own], reader, vectors)
    every = Heads.load(tuned / "heads.safetensors", {k: tuple(v) for k, v in finetuned["labels"].items()})
    chosen = {task: best_head(task, own, dev, vector_of, tuned=head) for task, head in _tuned_heads(every).items()}
    heads = join(chosen, topic_centres(own, vector_of))
    trained = assemble(folder.name, reader, heads, dev, vector_of)
    used = [row for row in examples if row.train_ok and row.split == "train"]
    rows = {task: sum(row.label(task) is not None for row in used) for task in TASKS}
    kept = ("start", "phases", "data", "curve")
    recipe = {"recipe": "finetune", "rows": rows} | {key: finetuned[key] for key in kept if key in finetuned}
    recipe["C"] = {task: head.strength for task, head in chosen.items()}
    recipe["int8"] = compare(tuned, reader, heads, examples, seed=seed)
    return _save(trained, folder, dev, vector_of, recipe | record(data, used, seed))


def vectors_of(rows: Iterable[Example], encoder: Encoder, cache: Path) -> VectorOf:
    """Text -> vector, kept in `cache`."""
    texts = sorted({row.text for row in rows})
    return dict(zip(texts, embed([prepare(text).text for text in texts], encoder, cache), strict=True))


def join(heads: Mapping[str, Head], centres: Any) -> Heads:
    """The heads side by side."""
    weight = np.concatenate([heads[task].weight for task in TASKS], axis=1).astype(np.float32)
    bias = np.concatenate([heads[task].bias for task in TASKS]).astype(np.float32)
    return Heads(weight, bias, joined_labels(), centres)


def record(data: Path, used: Sequence[Example], seed: int) -> dict[str, Any]:
    """What the bundle says of its training; no text, no time of day."""
    report = json.loads((data / "report.json").read_text(encoding="utf-8"))
    rows = {(row.source, row.id): row for row in used}.values()
    counts, reviewed = Counter(row.source for row in rows), Counter(row.source for row in rows if row.own)
    kept = ("name", "licence", "train_ok", "sha256")
    return {
        "per_group": PER_GROUP,
        "seed": seed,
        "own_weight": OWN_WEIGHT,
        "balance": BALANCE,
        "max_error": MAX_ERROR,
        "rows_sha256": report["sha256"],
        "licence": report["licence"],
        "sources": [
            {key: source[key] for key in kept}
            | {"rows": counts[source["name"]], "by_our_guide": reviewed[source["name"]]}
            for source in report["sources"]
            if counts[source["name"]]
        ],
    }


def _save(trained: Bundle, folder: Path, dev: Sequence[Example], vector_of: VectorOf, training: dict[str, Any]) -> str:
    training["dev"] = {f"{task}_macro_f1": score for task, score in _dev_scores(trained.heads, dev, vector_of).items()}
    digest = bundles.save(replace(trained, training=training), folder, built=provenance())
    write_references(dev, [folder])
    lines = [f"{name} {score:.3f} on dev" for name, score in training["dev"].items()]
    return "\n".join([*lines, f"{folder} {digest[:8]}"])


def _dev_scores(heads: Heads, dev: Sequence[Example], vector_of: VectorOf) -> dict[str, float]:
    scores = {}
    for task, logits in heads.logits(matrix(dev, vector_of)).items():
        judged = [place for place, row in enumerate(dev) if row.label(task) is not None]
        said = [heads.labels[task][column] for column in logits[judged].argmax(axis=1)]
        truth = [dev[place].label(task) for place in judged]
        scores[task] = round(float(f1_score(truth, said, average="macro", zero_division=0)), 4)
    return scores


def best_head(task: str, own: Sequence[Example], dev: Sequence[Example], vector_of: VectorOf, *, tuned: Head) -> Head:
    """The head that was tuned with the encoder, or one fitted anew on our own rows: the better one on dev."""
    judged = [row for row in dev if row.label(task) is not None]
    tuned = replace(tuned, dev_f1=head_score(task, tuned, judged, vector_of))
    rows = [row for row in own if row.label(task) is not None]
    if len({row.label(task) for row in rows}) < 2:  # nothing to tell apart
        return tuned
    anew = fit_head(task, rows, dev, vector_of, strengths=TUNED_STRENGTHS)
    return max(tuned, anew, key=lambda head: head.dev_f1)


def _tuned_heads(every: Heads) -> dict[str, Head]:
    """Task by task, without the auxiliary intents; C is 0: their weights were not fitted by it."""
    labels, ends = joined_labels(), np.cumsum([len(names) for names in every.labels.values()])
    if {task: every.labels.get(task) for task in labels} != labels:
        raise InputError("the tuned heads have other labels than Nabd's; fine-tune again")
    weights, biases = np.split(every.weight, ends[:-1], axis=1), np.split(every.bias, ends[:-1])
    places = list(every.labels)
    return {task: Head(weights[places.index(task)], biases[places.index(task)], 0.0, 0.0) for task in labels}


def _read_record(tuned: Path) -> dict[str, Any]:
    path = tuned / "finetune.json"
    if not path.exists():
        raise InputError(f"{tuned} holds no finished fine-tuning (no {path.name}); run `nabd train --recipe finetune`")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
