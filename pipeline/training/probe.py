"""What a model in training reaches on dev: a few numbers a checkpoint, never on test."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import Tokenizer

from pipeline.score import prepare
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS, Taxonomy
from pipeline.training.examples import Example
from pipeline.training.export import PREFIX
from pipeline.training.multitask import Tuned, category_log_probabilities, pad

INTENT_ROWS = 300


def dev_scores(
    model: Tuned, tokenizer: Tokenizer, examples: Sequence[Example], table: Taxonomy = DEFAULT
) -> dict[str, float]:
    """Macro-F1 of each task on own dev rows, category accuracy by language, accuracy of the intents."""
    dev = [example for example in examples if example.split == "dev" and example.train_ok]
    own = [example for example in dev if example.own]
    intents = [[e for e in dev if e.source == name][:INTENT_ROWS] for name in ("banking77", "arbanking77")]
    rows = [*own, *intents[0], *intents[1]]
    logits: dict[str, list[torch.Tensor]] = {task: [] for task in model.labels}
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].text))
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            texts = [PREFIX + prepare(rows[i].text).text for i in order[start : start + 32]]
            for task, values in model(*pad([e.ids for e in tokenizer.encode_batch_fast(texts)])).items():
                logits[task].append(values)
    place = {row: at for at, row in enumerate(order)}
    found = {task: torch.cat(values)[[place[i] for i in range(len(rows))]] for task, values in logits.items()}
    scores: dict[str, float] = {}
    truth = [table.category_of[str(row.topic)] for row in own]
    best = category_log_probabilities(found["topic"][: len(own)], table).argmax(1)
    guess = [table.category_ids[column] for column in best]
    inside = [category for category in table.category_ids if category != OUT_OF_SCOPE]
    scores["category"] = f1_score(truth, guess, labels=inside, average="macro", zero_division=0)
    for lang in ("ar", "fa", "en"):
        mine = [i for i, row in enumerate(own) if row.lang == lang]
        scores[lang] = accuracy_score([truth[i] for i in mine], [guess[i] for i in mine]) if mine else 0.0
    for task in TASKS:
        kept = [i for i, row in enumerate(own) if row.label(task) is not None]
        named = [model.labels[task][int(found[task][i].argmax())] for i in kept]
        scores[task] = f1_score([own[i].label(task) for i in kept], named, average="macro", zero_division=0)
    at = len(own)
    for group in intents:
        hits = [
            model.labels["banking"][int(found["banking"][at + i].argmax())] == r.intent for i, r in enumerate(group)
        ]
        if hits:
            scores[group[0].source] = sum(hits) / len(hits)
        at += len(group)
    return {name: round(float(value), 4) for name, value in scores.items()}
