"""What is timed side by side, each on the same messages with the same number of threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from pipeline.batch import score_rows
from pipeline.bundle import Bundle
from pipeline.columns import find_roles
from pipeline.output import COLUMNS, TYPES
from pipeline.readers import open_source
from pipeline.score import prepare
from pipeline.settings import Settings
from pipeline.training.export import PREFIX, MeanPooled, encode_torch
from pipeline.writers import RejectsWriter, open_writer

SBERT_BATCH = 32  # the default of SentenceTransformer.encode
NABD, TORCH, SBERT, TFIDF = "nabd", "torch", "sbert", "tfidf"


@dataclass(frozen=True, slots=True)
class Slice:
    """The messages of one round, in memory and as a CSV file."""

    texts: Sequence[str]
    path: Path


Contender = Callable[[Slice], object]


def nabd(bundle: Bundle, settings: Settings) -> Contender:
    """All of `nabd score` but its start: reads the CSV, scores, routes, writes a CSV."""

    def work(part: Slice) -> None:
        with open_source(part.path) as source:
            roles = find_roles(source.columns, source.sample(200))
            out = part.path.with_suffix(".scored.csv")
            with (
                RejectsWriter(f"{out}.rejects.jsonl") as rejects,
                open_writer(out, columns=[*source.columns, *COLUMNS], source=source, types=TYPES) as writer,
            ):
                score_rows(source, roles, bundle, settings, (writer, rejects))

    return work


def torch_heads(bundle: Bundle, encoder: MeanPooled, tokenizer: Tokenizer, *, pad: int, batch: int) -> Contender:
    """The same texts and heads over the fp32 encoder: no file is read or written, nothing is routed."""

    def work(part: Slice) -> object:
        texts = [prepare(text).text for text in part.texts]
        return bundle.probabilities(encode_torch(encoder, tokenizer, texts, pad=pad, batch=batch))

    return work


def sbert(encoder: MeanPooled, folder: Path) -> Contender:
    """The loop of `SentenceTransformer.encode`, vectors only.

    By falling length in characters, 32 a batch, padded to the longest, cut at 512 tokens, pooled, brought to length 1.
    """
    tokenizer = AutoTokenizer.from_pretrained(str(folder))

    def work(part: Slice) -> object:
        order = np.argsort([-len(text) for text in part.texts])
        rows: list[torch.Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(order), SBERT_BATCH):
                texts = [PREFIX + part.texts[i] for i in order[start : start + SBERT_BATCH]]
                feed = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")
                rows.extend(torch.nn.functional.normalize(encoder(feed["input_ids"], feed["attention_mask"])))
        return torch.stack([rows[i] for i in np.argsort(order)]).numpy()

    return work


def tfidf(texts: Sequence[str], bundle: Bundle) -> Contender:
    """Word and character TF-IDF with a logistic regression a task, taught `texts` with the labels Nabd gives them."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=80_000, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, max_features=120_000, sublinear_tf=True)
    features = FeatureUnion([("words", words), ("pieces", pieces)])
    inputs = features.fit_transform(texts)
    answers = bundle.probabilities(bundle.encoder.encode([prepare(text).text for text in texts]))
    labels = [values.argmax(axis=1) for values in answers.values()]
    models = [LogisticRegression(tol=1e-2).fit(inputs, found) for found in labels if len(set(found)) > 1]

    def work(part: Slice) -> object:
        rows = features.transform(part.texts)
        return [model.predict_proba(rows) for model in models]

    return work


def interleave(contenders: Mapping[str, Contender], slices: Sequence[Slice]) -> dict[str, list[float]]:
    """Messages a second of each contender, one number a slice; the order changes from slice to slice."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn, part in enumerate(slices):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rates[name].append(len(part.texts) / seconds(contenders[name], part))
    return rates


def best_batch(makers: Mapping[int, Contender], part: Slice) -> int:
    """The batch size whose contender is fastest on `part`, after each has had it once."""
    for contender in makers.values():
        contender(part)
    return min(makers, key=lambda size: seconds(makers[size], part))


def seconds(contender: Contender, part: Slice) -> float:
    start = time.perf_counter()
    contender(part)
    return time.perf_counter() - start


def all_threads() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
