"""Fine-tune, export, calibrate, distil and cascade, on a tiny random encoder and synthetic rows in three languages."""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder
from pipeline.errors import InputError, UsageError
from pipeline.static import StaticEncoder
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training import budget, distil, finetune
from pipeline.training import draw as draws
from pipeline.training import provenance as origin
from pipeline.training import train as recipes
from pipeline.training.assemble import Labelled
from pipeline.training.cascade import ACCEPTS, cascade_curve
from pipeline.training.draw import Draw, Phase, label_of, label_spaces
from pipeline.training.examples import load_examples, own_dev
from pipeline.training.multitask import category_log_probabilities, multitask_loss, pad

WORDS = {
    "en": {"refund": "please give my money back", "fault": "the app keeps crashing", "praise": "lovely service thanks",
           OUT_OF_SCOPE: "who won the match"},
    "ar": {"refund": "رجعوا لي فلوسي لو سمحتوا", "fault": "التطبيق يعلق كل شوي", "praise": "خدمة ممتازة شكرا لكم",
           OUT_OF_SCOPE: "مين فاز بالمباراة"},
    "fa": {"refund": "پولم را پس بدهید", "fault": "برنامه مدام بسته می‌شود", "praise": "خدمات عالی ممنون",
           OUT_OF_SCOPE: "بازی را کی برد"},
}  # fmt: skip
FEELING = {"refund": "negative", "fault": "negative", "praise": "positive", OUT_OF_SCOPE: None}
INTENTS = {"banking/card arrival": "where is my card", "banking/top up failed": "my top up did not go through"}
PHASES = (
    Phase("broad", 96, {"own": 0.5, "intents": 0.3, "mapped": 0.2}),
    Phase("own", 96, {"own": 0.8, "intents": 0.1, "mapped": 0.1}),
)


def rows() -> Iterator[dict[str, Any]]:
    empty = dict.fromkeys(("dialect", "intent", *TASKS))
    base = {**empty, "train_ok": True, "own": True}
    for split, count in {"train": 6, "dev": 10, "test": 2}.items():
        for lang, topics in WORDS.items():
            for topic, text in topics.items():
                for i in range(count):
                    labels = {"topic": topic, "sentiment": FEELING[topic], "emotion": "none", "urgency": "normal",
                              "churn": "no"}  # fmt: skip
                    where = {"id": f"{lang}-{topic}-{split}-{i}", "source": "gold", "origin": "marsa", "lang": lang}
                    yield base | where | labels | {"split": split, "text": f"{text} {split} {i}"}
        for intent, text in INTENTS.items():
            where = {"source": "banking77", "origin": "banking77", "lang": "en", "own": False, "topic": "delivery"}
            yield (
                base | where | {"id": f"{intent}-{split}", "split": split, "text": f"{text} {split}", "intent": intent}
            )
        where = {"source": "snappfood", "origin": "snappfood", "lang": "fa", "own": False, "sentiment": "positive"}
        yield base | where | {"id": f"snapp-{split}", "split": split, "text": f"غذا خوشمزه بود {split}"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build") / "data"
    folder.mkdir()
    with gzip.open(folder / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    sources = [{"name": name, "licence": "MIT", "train_ok": "yes", "sha256": "0"} for name in ("gold", "banking77")]
    (folder / "report.json").write_text(json.dumps({"sha256": "5eed" * 16, "licence": "any", "sources": sources}))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, shipped: Bundle) -> Path:
    """A random BERT of twelve thin layers that reads the pieces of the shipped tokenizer."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("source")
    encoder = shipped.encoder
    assert isinstance(encoder, OnnxEncoder)
    tokenizer = (encoder.folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(json.loads(tokenizer)["model"]["vocab"]) + 8, hidden_size=16, num_hidden_layers=12,
        num_attention_heads=2, intermediate_size=16, pad_token_id=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(data: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that `make train distil` writes, from the tiny rows and the tiny encoder."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "PHASES", PHASES)
        for module in (draws, finetune):
            patch.setattr(module, "CHUNK_ROWS", 96)
        patch.setattr(distil, "EPOCHS", 2)
        recipes.finetune(source, data, folder / "nabd-base", data.parent / "vectors")
        distil.run(data, folder / "nabd-base", folder / "nabd-fast", data.parent / "vectors")
    return folder


def test_the_three_models_load_and_answer(models: Path) -> None:
    texts, languages = ["please give my money back", "رجعوا لي فلوسي", "پولم را پس بدهید"], ["en", "ar", "fa"]
    for name in ("nabd-base", "nabd-fast", "nabd-cascade"):
        bundle = bundles.load(models / name)
        assert set(bundle.temperatures["topic"]) == set(bundle.thresholds) == {"*", "ar", "fa", "en"}
        judged = bundle.judge(texts, languages)
        for task in TASKS:
            assert judged.probabilities[task].shape == (3, len(DEFAULT.labels(task)))
            assert np.allclose(judged.probabilities[task].sum(axis=1), 1)
    assert isinstance(bundles.load(models / "nabd-fast").encoder, StaticEncoder)
    cascade = bundles.load(models / "nabd-cascade")
    assert cascade.fast is not None
    assert cascade.accept in ACCEPTS
    assert bundles.load(models / "nabd-base").training["recipe"] == "finetune"


def test_a_finished_fine_tuning_is_not_repeated_and_other_labels_are_refused(
    models: Path, data: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "CHUNK_ROWS", 96)
    out = data.parent / "finetuned-nabd-base"
    before = (out / "heads.safetensors").read_bytes()
    finetune.run(source, data, out, phases=PHASES)
    assert (out / "heads.safetensors").read_bytes() == before
    record = json.loads((out / "finetune.json").read_text(encoding="utf-8"))
    assert [point["phase"] for point in record["curve"]] == ["broad", "own"]
    assert record["data"] == {"broad": "5eed" * 16, "own": "5eed" * 16}
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    torch.save(state | {"labels": {"topic": ("a",)}}, out / "checkpoint.pt")
    with pytest.raises(InputError, match="made with other labels"):
        finetune.run(source, data, out, phases=PHASES)
    torch.save(state, out / "checkpoint.pt")


def test_fine_tuning_in_bfloat16_learns_what_fp32_learns(
    data: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "CHUNK_ROWS", 96)
    losses, heads = {}, {}
    for bf16 in (False, True):
        monkeypatch.setattr(finetune, "has_bf16", lambda bf16=bf16: bf16)
        finetune.run(source, data, tmp_path / str(bf16), phases=PHASES)
        record = json.loads((tmp_path / str(bf16) / "finetune.json").read_text(encoding="utf-8"))
        assert record["bf16"] is bf16
        losses[bf16] = [point["loss"] for point in record["curve"]]
        heads[bf16] = (tmp_path / str(bf16) / "heads.safetensors").read_bytes()
    assert heads[True] != heads[False]
    assert losses[True] == pytest.approx(losses[False], rel=0.02)


def test_a_draw_follows_its_shares_and_reads_train_rows_alone(data: Path) -> None:
    examples = load_examples(data)
    draw = Draw(examples, PHASES[0], label_spaces(examples))
    drawn = [row for seed in range(4) for row in draw.chunk(random.Random(seed))]
    assert {row.split for row in drawn} == {"train"}
    own = sum(row.own for row in drawn) / len(drawn)
    intents = sum(row.intent is not None for row in drawn) / len(drawn)
    assert own == pytest.approx(0.5, abs=0.05)
    assert intents == pytest.approx(0.3, abs=0.05)
    weights = draw.label_weights()
    assert all(np.isfinite(values).all() and (values > 0).all() for values in weights.values())
    topics = DEFAULT.topic_ids
    assert weights["topic"][topics.index("plan")] > weights["topic"][topics.index("refund")]  # rarer: there is none


def test_the_loss_ignores_absent_labels_and_falls_with_the_truth(data: Path) -> None:
    examples = load_examples(data)
    labels = label_spaces(examples)
    weights = {task: np.ones(len(names), np.float32) for task, names in labels.items()}
    row = next(row for row in examples if row.topic == "refund")
    even = {task: torch.zeros(1, len(names)) for task, names in labels.items()}
    right = {task: values.clone() for task, values in even.items()}
    right["topic"][0, labels["topic"].index("refund")] = 5.0
    assert multitask_loss(right, [row], labels, weights) < multitask_loss(even, [row], labels, weights)
    unlabelled = replace(row, own=False, intent=None, **dict.fromkeys(TASKS))
    assert multitask_loss(even, [unlabelled], labels, weights) == 0
    intent = next(row for row in examples if row.intent)
    assert label_of(intent, "banking") == intent.intent
    assert label_of(row, "banking") is None


def test_categories_are_the_sums_of_their_topics() -> None:
    logits = torch.randn(4, len(DEFAULT.topic_ids))
    sums = DEFAULT.category_probabilities(logits.softmax(1).numpy().astype(np.float64))
    assert np.allclose(category_log_probabilities(logits).exp().numpy(), sums, atol=1e-6)


def test_padding_masks_what_is_no_token() -> None:
    ids, mask = pad([[5, 6, 7], [8]])
    assert ids.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_the_curve_of_a_cascade_runs_from_the_student_to_the_full_model(data: Path, models: Path) -> None:
    dev = own_dev(load_examples(data))
    cascade = bundles.load(models / "nabd-cascade")
    assert cascade.fast is not None
    points = cascade_curve(cascade.fast, replace(cascade, fast=None), dev)
    shares = [point.share for point in points]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
    alone = cascade_curve(replace(cascade, fast=None), replace(cascade, fast=None), dev)
    assert points[-1].macro_f1 == alone[0].macro_f1


def export(path: Path, labelled: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("message", "category"))
        writer.writerows(labelled)
    return path


def test_a_budget_becomes_thresholds(models: Path, data: Path, tmp_path: Path) -> None:
    out = models / "nabd-strict"
    bundle = bundles.load(models / "nabd-base")
    labelled = [
        (f"{text} {i}", topic) for topics in WORDS.values() for topic, text in topics.items() for i in range(12)
    ]
    read = budget.read_labelled(
        str(export(tmp_path / "labelled.csv", [*labelled, ("no label here", "")])), text=None, category="category",
        bundle=bundle,
    )  # fmt: skip
    assert len(read) == len(labelled)
    assert {row.language for row in read} == {"ar", "fa", "en"}
    assert {row.category for row in read} == {"billing", "technical_fix", "relationship", OUT_OF_SCOPE}
    said = budget.run(bundle, out, read, allowed=0.05)
    assert "go to a person" in said
    strict = bundles.load(out)
    assert strict.training["max_error"] == 0.05
    assert all(math.isfinite(level) for levels in strict.thresholds.values() for level in levels.values())
    assert len(budget.dev_rows(data)) == 120


def test_a_bad_budget_or_label_is_refused(models: Path, tmp_path: Path) -> None:
    bundle = bundles.load(models / "nabd-base")
    for text in ("0", "100%", "five", "5%%", "-1%", ""):
        with pytest.raises(UsageError, match="expected a share"):
            budget.parse_share(text)
    assert budget.parse_share("5%") == budget.parse_share("0.05") == 0.05
    few = [Labelled("hello", "en", "billing")] * 3
    with pytest.raises(InputError, match="found 3 labelled rows"):
        budget.run(bundle, tmp_path / "x", few, allowed=0.05)
    path = export(tmp_path / "wrong.csv", [("hello there", "colour")])
    with pytest.raises(InputError, match="row 1: category is 'colour', expected one of technical_fix"):
        budget.read_labelled(str(path), text=None, category="category", bundle=bundle)
    with pytest.raises(UsageError, match="no column 'kind'"):
        budget.read_labelled(str(path), text=None, category="kind", bundle=bundle)


def test_a_library_that_is_not_installed_is_left_out_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "LIBRARIES", ("numpy", "no-such-library"))
    assert set(origin.libraries()) == {"numpy"}
