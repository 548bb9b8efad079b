"""A file -> the messages that could be labelled, each with what the model makes of it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from rich.console import Console
from rich.progress import track

from pipeline import bundle as bundles
from pipeline.batch import message
from pipeline.bundle import Bundle
from pipeline.calibrate import uncertainty
from pipeline.clean import clean
from pipeline.columns import Roles, find_roles
from pipeline.columns.times import times
from pipeline.encoder import Vectors
from pipeline.errors import InputError
from pipeline.language import Language
from pipeline.privacy import mask
from pipeline.readers import open_source
from pipeline.records import Message, Row, Scored
from pipeline.score import TOO_SHORT, prepare, score
from pipeline.settings import Settings, model_folder
from pipeline.training.prepare.dedupe import text_key
from pipeline.training.retrain.labels import label_set
from pipeline.training.retrain.rows import Labelled, cell
from pipeline.training.retrain.sets import parts
from pipeline.training.review.choose import Pool, points

SAMPLE, PART = 200, 256  # rows looked at to tell columns apart; messages scored between two steps of the bar
MOST = 20_000  # messages looked at: of a longer file so many are drawn at random, and only they are scored
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that could be labelled; `text` is masked."""

    id: str
    text: str
    language: str
    customer: str
    time: datetime | None
    topic: str
    sure: float


@dataclass(frozen=True)
class Candidates:
    """`pool` holds the rows (n) and after them those that are labelled already; `seen` are all rows of the file."""

    rows: Sequence[Candidate]
    pool: Pool
    seen: int
    model: str


def read_candidates(
    path: str, settings: Settings, labelled: Sequence[Labelled], *, columns: Mapping[str, str | None], seed: int
) -> Candidates:
    """Every message but copies and those that `labelled` holds; how unsure the model is where it knows those labels.

    Raises InputError for a file without any.
    """
    bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
    drawn, roles, seen = _drawn(path, columns, seed)
    drawn = _distinct(drawn, roles, labelled, settings)
    scored, vectors = _score([message(row, roles) for row in drawn], bundle, settings)
    kept = [place for place, each in enumerate(scored) if TOO_SHORT not in each.review]
    if not kept:
        raise InputError(f"{path}: none of its {seen:,} messages can be labelled, or all of them are already")
    moments = times([row.values.get(roles.time) for row in drawn]) if roles.time else [None] * len(drawn)
    rows = [_candidate(drawn[place], roles, scored[place], moments[place], settings) for place in kept]
    pool = _pool([scored[place] for place in kept], vectors[kept], labelled, bundle)
    return Candidates(rows, pool, seen, bundle.version)


def _drawn(path: str, columns: Mapping[str, str | None], seed: int) -> tuple[list[Row], Roles, int]:
    """At most `MOST` readable rows, in the order of the file (Vitter 1985, algorithm R), and how many it has."""
    draw, seen = random.Random(seed), 0
    held: list[Row] = []
    with open_source(path) as source:
        roles = find_roles(source.columns, source.sample(SAMPLE), **columns)
        for row in source:
            if not isinstance(row, Row):
                continue
            seen += 1
            if len(held) < MOST:
                held.append(row)
            elif (place := draw.randrange(seen)) < MOST:
                held[place] = row
    return sorted(held, key=lambda row: row.number), roles, seen


def _distinct(rows: Sequence[Row], roles: Roles, labelled: Sequence[Labelled], settings: Settings) -> list[Row]:
    """The first of each text, in a language that Nabd reads; texts that differ in numbers alone are one."""
    seen = {_key(row.prepared) for row in labelled}
    found = []
    for row in rows:
        prepared = prepare(message(row, roles).text, max_characters=settings.max_characters)
        key = _key(prepared.text)
        if key not in seen and prepared.language not in (Language.UNSUPPORTED, Language.UNDETERMINED):
            seen.add(key)
            found.append(row)
    return found


def _score(messages: Sequence[Message], bundle: Bundle, settings: Settings) -> tuple[list[Scored], Vectors]:
    scored: list[Scored] = []
    vectors: list[Vectors] = [np.zeros((0, bundle.first_encoder.width), np.float32)]
    parts = range(0, len(messages), PART)
    for start in track(parts, "Scoring", console=Console(stderr=True), transient=True):
        scored += score(
            messages[start : start + PART], bundle, settings.routes, max_characters=settings.max_characters,
            on_judged=lambda judged: vectors.append(judged.vectors),
        )  # fmt: skip
    return scored, np.concatenate(vectors)


def _candidate(row: Row, roles: Roles, scored: Scored, moment: datetime | None, settings: Settings) -> Candidate:
    text = mask(clean(message(row, roles).text[: settings.max_characters])).text
    return Candidate(
        cell(row, roles.id) or str(row.number), text, scored.language, cell(row, roles.customer), moment,
        scored.topic.label, scored.topic.confidence,
    )  # fmt: skip


def _pool(scored: Sequence[Scored], vectors: Vectors, labelled: Sequence[Labelled], bundle: Bundle) -> Pool:
    known = bundle.first_encoder.encode([row.prepared for row in labelled]) if labelled else vectors[:0]
    languages = np.array([*(each.language for each in scored), *(row.language for row in labelled)], np.str_)
    unsure = None
    several = bundle.taxonomy.multilabel
    names = parts((row.label for row in labelled), multilabel=several).values()
    if labelled and label_set({name for found in names for name in found}, bundle.taxonomy).kind == "base":
        chances = np.array([list(each.topic.probabilities.values()) for each in scored])
        pairs = np.stack([1 - chances, chances], axis=-1)  # of several topics, that of which it is least sure
        mine = uncertainty(pairs).max(axis=1) if several else uncertainty(chances)
        unsure = np.concatenate([mine, np.zeros(len(labelled))])
    is_labelled = np.arange(len(languages)) >= len(scored)
    return Pool(points(np.concatenate([vectors, known]), languages), languages, is_labelled, unsure)


def _key(prepared: str) -> bytes:
    return text_key(_NUMBER.sub("0", prepared))
