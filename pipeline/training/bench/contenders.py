"""The whole flow of Nabd, and what others do with the same raw messages on the same number of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from pipeline.batch import score_rows
from pipeline.bundle import Bundle
from pipeline.columns import find_roles
from pipeline.encoder import Vectors
from pipeline.output import COLUMNS, TYPES
from pipeline.readers import open_source
from pipeline.score import prepare
from pipeline.settings import Settings
from pipeline.training.bench.rounds import Contender, Slice
from pipeline.training.export import PREFIX, MeanPooled, encode_torch
from pipeline.writers import RejectsWriter, open_writer

SBERT_BATCH = 32  # the default of SentenceTransformer.encode
TORCH, SBERT, TFIDF = "torch", "sbert", "tfidf"


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
        return bundle.heads.logits(encode_torch(encoder, tokenizer, texts, pad=pad, batch=batch))

    return work


def sbert(encoder: MeanPooled, tokenizer_file: Path, *, pad: int) -> Contender:
    """The loop of `SentenceTransformer.encode`, vectors only.

    By falling length in characters, 32 a batch, padded to the longest, cut at 512 tokens, pooled, brought to length 1.
    """
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file))  # type: ignore[no-untyped-call]
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(pad)

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


def tfidf(texts: Sequence[str], answers: Mapping[str, Vectors]) -> Contender:
    """Word and character TF-IDF with a logistic regression a task, taught `texts` with the best label of `answers`."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=80_000, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, max_features=120_000, sublinear_tf=True)
    features = FeatureUnion([("words", words), ("pieces", pieces)])
    inputs = features.fit_transform(texts)
    labels = [values.argmax(axis=1) for values in answers.values()]
    models = [LogisticRegression(tol=1e-2).fit(inputs, found) for found in labels if len(set(found)) > 1]

    def work(part: Slice) -> object:
        rows = features.transform(part.texts)
        return [model.predict_proba(rows) for model in models]

    return work
