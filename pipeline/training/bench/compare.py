"""The three comparisons: whole flows, encoders alone, and the fast models alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer

from pipeline.encoder import Vectors
from pipeline.errors import UsageError
from pipeline.training.bench.alone import (
    ENCODER,
    EXACT,
    FASTTEXT,
    RIVAL,
    STUDENT,
    fasttext,
    has_fasttext,
    int8_encoder,
    random_encoder,
    student,
    torch_encoder,
)
from pipeline.training.bench.contenders import SBERT, TFIDF, TORCH, nabd, sbert, tfidf, torch_heads
from pipeline.training.bench.rounds import Contender, Rates, Slice, best_batch, interleave, one_line
from pipeline.training.bench.setting import FAST, Setting, say
from pipeline.training.export import MeanPooled, load_torch

SEARCHED = 96  # messages on which a batch size is sought for the slow XLM-R


@dataclass(frozen=True, slots=True)
class Compared:
    """`flows` from the raw message, `encoders` and `quick` models alone; `batches` are the best of each torch side."""

    flows: Rates
    encoders: Rates
    quick: Rates
    batches: Mapping[str, int]


def check_shape(source: Path, setting: Setting) -> None:
    """Raises UsageError unless `source` is a transformers folder of the shipped encoder's shape."""
    try:
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        found = (int(config["num_hidden_layers"]), int(config["hidden_size"]))
    except (OSError, ValueError, KeyError):
        fault = f"{source} is no transformers folder (no config.json of an encoder)"
        raise UsageError(f"{fault}; name one: make bench ENCODER=folder") from None
    layers = setting.encoder.manifest["layers"]
    shipped = (max(layers), setting.encoder.width // len(layers))
    if found != shipped:
        raise UsageError(
            f"{source} has {found[0]} layers, {found[1]} wide, the shipped encoder {shipped[0]}, {shipped[1]} wide; "
            "name the folder that it was exported from: make bench ENCODER=folder"
        )


def compare(source: Path, setting: Setting) -> Compared:
    """Messages a second of every contender, slice by slice in turns."""
    torch.set_num_threads(setting.threads)
    exact = load_torch(source, layers=setting.encoder.manifest["layers"])
    answers = _answers(setting)
    slices = _slices(setting, setting.plan.sample, "round")
    flows, batch = compare_flows(exact, answers, slices, setting)
    encoders, rival_batch = compare_encoders(exact, batch, slices, setting)
    quick = compare_quick(answers, setting)
    return Compared(flows, encoders, quick, {EXACT: batch, RIVAL: rival_batch})


def compare_flows(
    exact: MeanPooled, answers: Mapping[str, Vectors], slices: Sequence[Slice], setting: Setting
) -> tuple[Rates, int]:
    """From raw messages, with the batch size that suits torch best."""
    plan, tokenizer, pad = setting.plan, _tokenizer(setting), _pad(setting)
    lanes = {name: nabd(bundle, setting.settings) for name, bundle in setting.bundles.items()}
    say("Teaching TF-IDF")
    lanes[TFIDF] = tfidf(setting.pool.taught, answers)
    maker = partial(torch_heads, setting.base, exact, tokenizer, pad=pad)
    say("Looking for torch's best batch size")
    batch = best_batch({size: maker(batch=size) for size in plan.batches}, slices[0])
    lanes |= {TORCH: maker(batch=batch), SBERT: sbert(exact, setting.encoder.folder / "tokenizer.json", pad=pad)}
    return _rounds(lanes, slices, "whole flows"), batch


def compare_encoders(exact: MeanPooled, batch: int, slices: Sequence[Slice], setting: Setting) -> tuple[Rates, int]:
    """Encoders alone; `batch` suits `exact` best, and the batch size that suits XLM-R is found here."""
    plan, tokenizer, pad = setting.plan, _tokenizer(setting), _pad(setting)
    rival = random_encoder(plan.rival, vocabulary=tokenizer.get_vocab_size(), pad=pad, seed=plan.seed)
    say("Looking for the best batch size of XLM-R in torch")
    makers = {size: torch_encoder(rival, tokenizer, pad=pad, batch=size) for size in plan.batches}
    rival_batch = best_batch(makers, slices[0].first(SEARCHED))
    lanes = {
        ENCODER: int8_encoder(setting.encoder),
        EXACT: torch_encoder(exact, tokenizer, pad=pad, batch=batch),
        RIVAL: makers[rival_batch],
    }
    return _rounds(lanes, slices, "encoders alone"), rival_batch


def compare_quick(answers: Mapping[str, Vectors], setting: Setting) -> Rates:
    """The student and fastText alone, beside the encoder, on more messages, for they are quickly read."""
    plan = setting.plan
    lanes = {ENCODER: int8_encoder(setting.encoder)}
    if FAST in setting.bundles:
        fast = setting.bundles[FAST]
        lanes[STUDENT] = student(fast)
    if has_fasttext():
        say("Teaching fastText")
        texts, topics = one_line(setting.pool.taught), answers["topic"].argmax(axis=1).tolist()
        options = {"buckets": plan.buckets, "seed": plan.seed, "threads": setting.threads}
        lanes[FASTTEXT] = fasttext(texts, topics, setting.folder, **options)
    return _rounds(lanes, _slices(setting, plan.quick, "quick"), "fast models alone")


def _rounds(lanes: Mapping[str, Contender], slices: Sequence[Slice], what: str) -> Rates:
    """The first slice only warms up."""
    interleave(lanes, slices[:1])
    say(f"Comparing {what} in {len(slices) - 1} rounds of {len(slices[0].texts):,} messages")
    return interleave(lanes, slices[1:])


def _answers(setting: Setting) -> dict[str, Vectors]:
    """What Nabd says of the messages that others learn from."""
    return setting.base.heads.logits(setting.encoder.encode(one_line(setting.pool.taught)))


def _slices(setting: Setting, messages: int, name: str) -> list[Slice]:
    """One to warm up and one a round, no message in two of them while there are enough."""
    plan, texts = setting.plan, setting.pool.texts
    size = max(messages // plan.rounds, 1)
    parts = [[texts[(turn * size + place) % len(texts)] for place in range(size)] for turn in range(plan.rounds + 1)]
    return [Slice.of(part, setting.folder / f"{name}-{turn}.csv") for turn, part in enumerate(parts)]


def _tokenizer(setting: Setting) -> Tokenizer:
    return Tokenizer.from_file(str(setting.encoder.folder / "tokenizer.json"))


def _pad(setting: Setting) -> int:
    return int(setting.encoder.manifest["pad_id"])
