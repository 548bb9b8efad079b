"""Models alone: texts that are prepared already -> vectors or labels; no file, no cleaning, no routing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaConfig, XLMRobertaModel

from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder
from pipeline.training.bench.rounds import Contender
from pipeline.training.bench.setting import Shape
from pipeline.training.export import MeanPooled, encode_torch

ENCODER, EXACT, RIVAL = "encoder", "exact", "rival"
STUDENT, FASTTEXT = "student", "fasttext"
POSITIONS = 514  # of XLM-R


def int8_encoder(encoder: OnnxEncoder) -> Contender:
    """The shipped encoder, vectors only."""
    return lambda part: encoder.encode(part.prepared)


def torch_encoder(encoder: MeanPooled, tokenizer: Tokenizer, *, pad: int, batch: int) -> Contender:
    """An fp32 encoder, vectors only, on the token ids of the shipped tokenizer."""
    return lambda part: encode_torch(encoder, tokenizer, part.prepared, pad=pad, batch=batch)


def random_encoder(shape: Shape, *, vocabulary: int, pad: int, seed: int) -> MeanPooled:
    """XLM-R of `shape` with random weights, which take as long as any others."""
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=shape.width, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, intermediate_size=shape.intermediate, max_position_embeddings=POSITIONS,
        type_vocab_size=1, pad_token_id=pad,
    )  # fmt: skip
    return MeanPooled(XLMRobertaModel(config, add_pooling_layer=False), width=shape.width, layers=[shape.layers]).eval()


def student(bundle: Bundle) -> Contender:
    """The fast model's vectors and the logits of every task."""
    return lambda part: bundle.heads.logits(bundle.encoder.encode(part.prepared))


def has_fasttext() -> bool:
    return find_spec("fasttext") is not None


def fasttext(
    texts: Sequence[str], topics: Sequence[int], folder: Path, *, buckets: int, seed: int, threads: int
) -> Contender:
    """A fastText classifier with character n-grams, taught the topics of prepared `texts`; the best topic of each.

    `threads` are of its teaching; its `predict` has one.
    """
    import fasttext as library

    path = folder / "fasttext.txt"
    lines = [f"__label__{topic} {text}\n" for topic, text in zip(topics, texts, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")
    model = library.train_supervised(
        str(path), minn=2, maxn=5, dim=100, wordNgrams=2, bucket=buckets, seed=seed, thread=threads, verbose=0
    )
    return lambda part: model.predict(part.prepared)
