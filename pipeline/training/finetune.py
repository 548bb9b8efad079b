"""Recipe `finetune`: the encoder itself learns all tasks at once, and the intents of banking sets beside them.

Two phases: `broad` reads every source, `own` mostly the rows labelled by our own guide. A row says nothing of the
tasks that its source does not label. The result is a transformers folder; `export` makes the int8 encoder of it.
"""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from tokenizers import Tokenizer

from pipeline.encoder import read_manifest
from pipeline.errors import InputError
from pipeline.heads import Heads
from pipeline.score import prepare
from pipeline.taxonomy import DEFAULT, Taxonomy
from pipeline.training.augment import respell
from pipeline.training.draw import CHUNK_ROWS, Draw, Phase, label_spaces
from pipeline.training.examples import Example, load_examples
from pipeline.training.export import PREFIX, load_torch
from pipeline.training.multitask import Tuned, multitask_loss, pad
from pipeline.training.probe import dev_scores
from pipeline.training.restore import restore

CHECKPOINT, RECORD, HEADS = "checkpoint.pt", "finetune.json", "heads.safetensors"
BATCH_ROWS, BATCH_TOKENS, MOST_TOKENS = 48, 1280, 160
RATE, HEAD_RATE, LAYER_DECAY, WARM_UP = 1e-4, 2e-3, 0.9, 0.04
KEEP_CHUNKS = 10  # between checkpoints
BF16 = ("amx_bf16", "avx512_bf16", "bf16")  # a processor with one of these multiplies bfloat16 twice as fast


PHASES = (
    Phase("broad", 120_000, {"own": 0.16, "intents": 0.48, "mapped": 0.36}),
    Phase("own", 62_000, {"own": 0.60, "intents": 0.25, "mapped": 0.15}),
)
FURTHER = (  # from an encoder that was fine-tuned before
    Phase("broad", 46_000, {"own": 0.24, "intents": 0.40, "mapped": 0.36}),
    Phase("own", 30_720, {"own": 0.50, "intents": 0.28, "mapped": 0.22}),
)


def run(
    source: Path, data: Path, out: Path,
    *, seed: int = 0, start: Path | None = None, phases: Sequence[Phase] | None = None, table: Taxonomy = DEFAULT,
) -> str:  # fmt: skip
    """Fine-tunes the encoder folder `source` on prepared `data` into `out`; goes on from a checkpoint found there.

    `start` is an int8 encoder made of `source`: its layers are where the tuning starts. `phases` are `PHASES` unless
    others are given, and `FURTHER` from a `start`. `table` has the topics of `data`.
    """
    out.mkdir(parents=True, exist_ok=True)
    phases = phases or (FURTHER if start else PHASES)
    examples = load_examples(data)
    labels = label_spaces(examples, table)
    torch.manual_seed(seed)
    model = Tuned(load_torch(source, attention="eager"), labels)  # whose backward pass is the quickest in bfloat16
    optimizer, schedule = optimizer_for(model, sum(math.ceil(phase.passes / CHUNK_ROWS) for phase in phases))
    record: dict[str, Any] = {"source": source.name, "seed": seed, "bf16": has_bf16(), "data": {}, "curve": []}
    if start:
        restore(model.pooled.encoder, start)
        record["start"] = read_manifest(start)["id"]
    done = _resume(out, model, optimizer, record)
    record["phases"] = [{"name": phase.name, "passes": phase.passes, "shares": dict(phase.shares)} for phase in phases]
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    digest = json.loads((data / "report.json").read_text(encoding="utf-8"))["sha256"]
    step = 0
    with Progress() as progress:
        for phase in phases:
            chunks = math.ceil(phase.passes / CHUNK_ROWS)
            draw = Draw(examples, phase, labels) if step + chunks > done else None
            weights = draw.label_weights() if draw else {}
            task = progress.add_task(phase.name, total=chunks)
            for chunk in range(chunks):
                step += 1
                progress.advance(task)
                if step <= done or draw is None:
                    continue
                record["data"][phase.name] = digest
                rows = draw.chunk(random.Random(f"{seed}-{phase.name}-{chunk}"))
                loss = _learn(model, optimizer, tokenizer, rows, weights, schedule(step), table)
                if step % KEEP_CHUNKS == 0 or chunk + 1 == chunks:
                    scores = dev_scores(model, tokenizer, examples, table)
                    record["curve"].append({"phase": phase.name, "chunk": step, "loss": round(loss, 4), **scores})
                    progress.console.print(record["curve"][-1])
                    _checkpoint(out, model, optimizer, record, step)
    _finish(source, out, model, record)
    return f"{out}: {record['curve'][-1]}"


@cache
def _prepared(text: str) -> str:
    return prepare(text).text


def _learn(
    model: Tuned, optimizer: torch.optim.Optimizer, tokenizer: Tokenizer, rows: Sequence[Example],
    weights: Mapping[str, NDArray[np.float32]], rate: float, table: Taxonomy,
) -> float:  # fmt: skip
    """One pass over a chunk; returns its mean loss."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * rate
    rng = random.Random(rows[0].id + rows[-1].id)
    texts = [respell(_prepared(row.text), row.lang, rng) for row in rows]
    encodings = [encoding.ids for encoding in tokenizer.encode_batch_fast([PREFIX + text for text in texts])]
    losses = []
    for batch in batches([len(ids) for ids in encodings], rng):
        ids, mask = pad([encodings[i] for i in batch])
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
            vectors = model.pooled(ids, mask)
        logits = model.say(vectors.float())
        loss = multitask_loss(logits, [rows[i] for i in batch], model.labels, weights, table=table)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def has_bf16() -> bool:
    """Whether the encoder's layers are multiplied in bfloat16; weights, updates, heads and loss stay in fp32."""
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in BF16)


def batches(lengths: Sequence[int], rng: random.Random) -> Iterator[list[int]]:
    """Rows of like length together, the batches in random order."""
    batches: list[list[int]] = [[]]
    for row in sorted(range(len(lengths)), key=lambda i: (lengths[i], rng.random())):
        full = len(batches[-1]) == BATCH_ROWS or lengths[row] * (len(batches[-1]) + 1) > BATCH_TOKENS
        if batches[-1] and full:
            batches.append([])
        batches[-1].append(row)
    rng.shuffle(batches)
    yield from batches


def optimizer_for(model: Tuned, chunks: int) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW, lower rates nearer the input; the token embeddings stay as they are. The schedule is linear."""
    encoder: Any = model.pooled.encoder
    encoder.embeddings.requires_grad_(False)
    layers = list(encoder.encoder.layer)
    groups: list[dict[str, Any]] = [{"params": list(model.heads.parameters()), "peak": HEAD_RATE}]
    for depth, layer in enumerate(reversed(layers)):
        groups.append({"params": list(layer.parameters()), "peak": RATE * LAYER_DECAY**depth})
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01, fused=True)
    warm = WARM_UP * chunks
    return optimizer, lambda step: min(step / warm, (chunks - step + 1) / (chunks - warm))


def _checkpoint(
    out: Path, model: Tuned, optimizer: torch.optim.Optimizer, record: Mapping[str, Any], step: int
) -> None:
    part = out / f"{CHECKPOINT}.part"
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "record": dict(record), "step": step}
    torch.save(state | {"labels": model.labels}, part)
    part.replace(out / CHECKPOINT)


def _resume(out: Path, model: Tuned, optimizer: torch.optim.Optimizer, record: dict[str, Any]) -> int:
    """The number of chunks already learnt. Raises InputError when the checkpoint has other labels."""
    path = out / CHECKPOINT
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["labels"] != model.labels:
        raise InputError(f"{path} was made with other labels; remove it to begin anew")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    record.update(state["record"])
    return int(state["step"])


def _finish(source: Path, out: Path, model: Tuned, record: Mapping[str, Any]) -> None:
    """The transformers folder, the heads, and last the record."""
    encoder: Any = model.pooled.encoder
    encoder.save_pretrained(out)
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
    weight, bias = (tensor.detach().numpy() for tensor in (model.heads.weight.T, model.heads.bias))
    Heads(weight, bias, model.labels).save(out / HEADS)
    content = {**record, "labels": model.labels}
    (out / RECORD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
