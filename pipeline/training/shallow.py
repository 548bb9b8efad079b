"""`python -m pipeline.training.shallow SOURCE --data DATA`: half of the layers, taught by all. Writes docs/layers.md.

Every second layer of the shipped encoder is kept (Sanh et al. 2019, arXiv:1910.01108) and learns two things at once:
the labels, and the vector that the whole encoder gives the same message (Jiao et al. 2020, arXiv:1909.10351).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from tokenizers import Tokenizer
from torch.nn.functional import cosine_similarity

from pipeline.encoder import Encoder, OnnxEncoder
from pipeline.score import prepare
from pipeline.taxonomy import TASKS
from pipeline.training.augment import respell
from pipeline.training.draw import CHUNK_ROWS, Draw, Phase, label_spaces
from pipeline.training.examples import Example, load_examples, own_dev
from pipeline.training.export import LAYERS, PREFIX, export_encoder, load_torch
from pipeline.training.finetune import MOST_TOKENS, batches, optimizer_for
from pipeline.training.linear import TUNED_STRENGTHS, fit_head
from pipeline.training.multitask import Tuned, multitask_loss, pad
from pipeline.training.restore import restore
from pipeline.training.tables import table
from pipeline.training.train import vectors_of

PHASE = Phase("shallow", 61_440, {"own": 0.30, "intents": 0.35, "mapped": 0.35})
LIKENESS = 3.0  # what one whole cosine of distance to the teacher's vector costs beside the cross-entropies
SCALE_TEXTS, HELD_OUT_TEXTS, TIMED_TEXTS, TIMED_RUNS = 512, 500, 1000, 5

PAGE = """# Twelve layers or six

Written by `python -m pipeline.training.shallow`. Six layers: every second one of the shipped encoder, then {passes:,}
row passes over the training splits with the labels and the twelve-layer encoder's vectors as teachers, exported to int8
in the same way. For both, the heads are fitted anew on our own rows (C by dev) and judged on our own dev rows, so that
only the encoder differs. Speed: {texts:,} dev messages, {runs} runs of each in turn, medians, in one process.

"""


def main(source: Path, data: Path, models: Path, out: Path, *, seed: int = 0) -> None:
    examples = load_examples(data)
    deep = OnnxEncoder(models / "encoder")
    with tempfile.TemporaryDirectory() as scratch:
        tuned = Path(scratch) / "tuned"
        teach(source, examples, deep, tuned, start=models / "encoder", cache=data.parent / "vectors", seed=seed)
        shallow = _export(tuned, Path(scratch) / "encoder", examples, seed=seed)
        sides = {"12 (shipped)": deep, "6": shallow}
        sizes = [(models / "encoder" / "model.onnx").stat().st_size, (shallow.folder / "model.onnx").stat().st_size]
        scores = {name: judge(encoder, examples, data.parent / "vectors") for name, encoder in sides.items()}
        rates = _rates(list(sides.values()), own_dev(examples))
    rows = [
        [name, *(f"{scores[name][task]:.3f}" for task in TASKS), f"{rate:.0f}", f"{size / 1e6:.0f}"]
        for name, rate, size in zip(sides, rates, sizes, strict=True)
    ]
    heads = ["layers", *(f"{task} macro-F1" for task in TASKS), "messages/s", "MB"]
    page = PAGE.format(passes=PHASE.passes, texts=TIMED_TEXTS, runs=TIMED_RUNS)
    out.write_text(page + table(heads, rows, text_columns=1) + "\n", encoding="utf-8")
    print(out)


def teach(
    source: Path, examples: Sequence[Example], teacher: Encoder, out: Path, *, start: Path, cache: Path, seed: int
) -> None:
    """Writes a transformers folder of half the layers of `start`, an int8 encoder made of `source`."""
    labels = label_spaces(examples)
    torch.manual_seed(seed)
    model = Tuned(load_torch(source), labels)
    restore(model.pooled.encoder, start)
    halve(model)
    draw = Draw(examples, PHASE, labels)
    chunks = math.ceil(PHASE.passes / CHUNK_ROWS)
    plan = [draw.chunk(random.Random(f"{seed}-{PHASE.name}-{chunk}")) for chunk in range(chunks)]
    taught = vectors_of([row for chunk in plan for row in chunk], teacher, cache)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    optimizer, schedule = optimizer_for(model, chunks)
    weights = draw.label_weights()
    with Progress() as progress:
        for step, rows in enumerate(progress.track(plan, description="Teaching"), start=1):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * schedule(step)
            loss = _learn(model, optimizer, tokenizer, rows, taught, weights)
            progress.console.print(f"{step} of {chunks}: loss {loss:.3f}")
    encoder: Any = model.pooled.encoder
    encoder.save_pretrained(out)
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")


def halve(model: Tuned) -> None:
    """Keeps every second layer; the layers that are pooled keep their places in the depth."""
    encoder: Any = model.pooled.encoder
    encoder.encoder.layer = torch.nn.ModuleList(list(encoder.encoder.layer)[1::2])
    encoder.config.num_hidden_layers = len(encoder.encoder.layer)
    model.pooled.layers = tuple(layer // 2 for layer in model.pooled.layers)


def _learn(
    model: Tuned, optimizer: torch.optim.Optimizer, tokenizer: Tokenizer, rows: Sequence[Example],
    taught: Mapping[str, NDArray[np.float32]], weights: Mapping[str, NDArray[np.float32]],
) -> float:  # fmt: skip
    """One pass over a chunk; returns its mean loss. The teacher read the message as written, the learner a variant."""
    rng = random.Random(rows[0].id + rows[-1].id)
    texts = [PREFIX + respell(prepare(row.text).text, row.lang, rng) for row in rows]
    encodings = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
    losses = []
    for batch in batches([len(ids) for ids in encodings], rng):
        ids, mask = pad([encodings[i] for i in batch])
        vectors = model.pooled(ids, mask)
        logits = model.say(vectors)
        chosen = [rows[i] for i in batch]
        target = torch.from_numpy(np.stack([taught[row.text] for row in chosen]))
        loss = multitask_loss(logits, chosen, model.labels, weights) + LIKENESS * distance(vectors, target)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return statistics.fmean(losses)


def distance(vectors: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(): the mean cosine distance, 0 to 2, of (n, d) to (n, d), each pooled layer by itself."""
    pairs = zip(vectors.chunk(len(LAYERS), dim=1), target.chunk(len(LAYERS), dim=1), strict=True)
    return torch.stack([1 - cosine_similarity(left, right).mean() for left, right in pairs]).mean()


def judge(encoder: Encoder, examples: Sequence[Example], cache: Path) -> dict[str, float]:
    """Task -> macro-F1 on our own dev rows, of heads fitted on our own training rows."""
    own = [row for row in examples if row.own and row.train_ok and row.split == "train"]
    dev = own_dev(examples)
    vector_of = vectors_of([*own, *dev], encoder, cache)
    rows = {task: [row for row in own if row.label(task) is not None] for task in TASKS}
    return {task: fit_head(task, rows[task], dev, vector_of, strengths=TUNED_STRENGTHS).dev_f1 for task in TASKS}


def _export(tuned: Path, out: Path, examples: Sequence[Example], *, seed: int) -> OnnxEncoder:
    layers = json.loads((tuned / "config.json").read_text(encoding="utf-8"))["num_hidden_layers"]
    rng = random.Random(seed)
    train = [prepare(row.text).text for row in examples if row.split == "train" and row.train_ok]
    texts = rng.sample(train, SCALE_TEXTS + HELD_OUT_TEXTS)
    pooled = [layers * layer // LAYERS[-1] for layer in LAYERS]
    export_encoder(tuned, out, texts=texts[:SCALE_TEXTS], held_out=texts[SCALE_TEXTS:], layers=pooled)
    return OnnxEncoder(out)


def _rates(encoders: Sequence[Encoder], dev: Sequence[Example]) -> list[float]:
    """Messages a second of each encoder, one after the other in turn; medians."""
    texts = [prepare(row.text).text for row in dev[:TIMED_TEXTS]]
    seconds: list[list[float]] = [[] for _ in encoders]
    for _ in range(TIMED_RUNS):
        for encoder, times in zip(encoders, seconds, strict=True):
            begin = time.perf_counter()
            encoder.encode(texts)
            times.append(time.perf_counter() - begin)
    return [len(texts) / statistics.median(times) for times in seconds]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the transformers folder that the shipped encoder was made of")
    parser.add_argument("--data", type=Path, default=Path("build/data"))
    args = parser.parse_args()
    main(args.source, args.data, Path("models"), Path("docs/layers.md"))
