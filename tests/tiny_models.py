"""Tiny real models on disk, fitted on synthetic messages in three languages, for the tests of what compares two."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save as to_bytes

from pipeline import bundle as bundles
from pipeline.encoder import manifest_id
from pipeline.heads import Heads
from pipeline.manifest import file_hash
from pipeline.score import prepare
from pipeline.static import StaticEncoder
from pipeline.taxonomy import TASKS
from pipeline.training.assemble import assemble, joined_labels
from pipeline.training.examples import Example
from pipeline.training.linear import fit_head

WORDS = {
    "en": {"refund": "please give my money back for", "fault": "the app keeps crashing when I open",
           "delivery": "the courier never brought", "praise": "thank you so much, lovely help with"},
    "ar": {"refund": "رجعوا لي فلوسي عن", "fault": "التطبيق يعلق كل ما أفتح", "delivery": "المندوب ما جاب لي",
           "praise": "شكرا جزيلا على المساعدة في"},
    "fa": {"refund": "لطفا پولم را پس بدهید بابت", "fault": "برنامه مدام بسته می‌شود وقتی باز می‌کنم",
           "delivery": "پیک هنوز نیاورده است", "praise": "خیلی ممنون از کمک شما برای"},
}  # fmt: skip
THINGS = {
    "en": ("order", "basket", "invoice", "profile", "ticket", "parcel"),
    "ar": ("الطلب", "السلة", "الفاتورة", "الملف", "التذكرة", "الطرد"),
    "fa": ("سفارش", "سبد", "صورتحساب", "پروفایل", "بلیت", "بسته"),
}
FEELING = {"refund": "negative", "fault": "negative", "delivery": "negative", "praise": "positive"}
BUCKETS, WIDTH = 1 << 12, 48
SPLITS = {"train": 12, "dev": 6}


def messages(count: int, *, split: str = "train", languages: Sequence[str] = tuple(WORDS)) -> list[Example]:
    """`count` of each language and topic; other splits hold other messages."""
    found = []
    for lang in languages:
        for topic, words in WORDS[lang].items():
            draw = random.Random(f"{lang} {topic} {split}")
            for place in range(count):
                text = f"{words} {' '.join(draw.choices(THINGS[lang], k=2))} {draw.randrange(10, 99)}"
                found.append(_example(f"{lang}-{topic}-{split}-{place}", lang, topic, text, split))
    return found


def shuffled(rows: Sequence[Example], *, seed: int = 0) -> list[Example]:
    """The same messages with the labels of one another."""
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    return [
        replace(row, topic=rows[other].topic, sentiment=rows[other].sentiment)
        for row, other in zip(rows, order, strict=True)
    ]


def build(models: Path) -> Path:
    """`old` and `new`, both good; `shuffled`, which learnt nonsense; `deaf`, which never saw Persian; and gate.csv."""
    write_encoder(models)
    train = messages(12)
    fit(models, "old", train)
    fit(models, "new", messages(14))
    fit(models, "shuffled", shuffled(train))
    fit(models, "deaf", [row for row in train if row.lang != "fa"])
    write_export(models / "gate.csv", messages(12, split="gate"))
    return models


def write_encoder(models: Path) -> StaticEncoder:
    folder = models / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    random_table = np.random.default_rng(3)
    table = random_table.integers(-127, 127, (BUCKETS, WIDTH)).astype(np.int8)
    scale = np.full(BUCKETS, 0.01, np.float16)
    (folder / "table.safetensors").write_bytes(to_bytes({"table": table, "scale": scale}))
    files = {"table.safetensors": file_hash(folder / "table.safetensors")}
    manifest = {"kind": "static", "width": WIDTH, "files": files}
    manifest["id"] = manifest_id(manifest)
    (folder / "encoder.json").write_text(json.dumps(manifest), encoding="utf-8")
    return StaticEncoder(folder)


def fit(models: Path, name: str, train: Sequence[Example], *, dev: Sequence[Example] | None = None) -> Path:
    """A model in `models`, which holds the encoder, with its card."""
    encoder = StaticEncoder(models / "encoder")
    dev = messages(SPLITS["dev"], split="dev") if dev is None else dev
    texts = list({row.text for row in (*train, *dev)})
    vector_of = dict(zip(texts, encoder.encode([prepare(text).text for text in texts]), strict=True))
    heads = [fit_head(task, train, dev, vector_of, strengths=(0.1,)) for task in TASKS]
    joined = Heads(
        np.concatenate([head.weight for head in heads], axis=1), np.concatenate([head.bias for head in heads]),
        joined_labels(),
    )  # fmt: skip
    made = replace(assemble(name, encoder, joined, dev, vector_of), training={"rows_sha256": "5eed" * 16})
    bundles.save(made, models / name)
    (models / name / "MODEL_CARD.md").write_text(f"# {name}\n", encoding="utf-8")
    return models / name


def write_export(path: Path, rows: Sequence[Example]) -> Path:
    """A labelled export."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "topic", "sentiment"])
        writer.writerows([row.text, row.topic, row.sentiment] for row in rows)
    return path


def _example(key: str, lang: str, topic: str, text: str, split: str) -> Example:
    return Example(
        id=key, source="gold", origin="gold", lang=lang, dialect=None, text=text, split=split, train_ok=True, own=True,
        intent=None, topic=topic, sentiment=FEELING[topic], emotion="joy" if topic == "praise" else "anger",
        urgency="high" if topic == "fault" else "normal", churn="yes" if topic == "refund" else "no",
    )  # fmt: skip
