"""The two measurements of few examples: by number of examples, and taught in one language, judged in others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from retrain_export import TEXTS, rows

from pipeline.bundle import Bundle
from pipeline.training.examples import Example
from pipeline.training.retrain import fewshot
from pipeline.training.tables import few_shot_table

TOPICS = dict(zip(TEXTS, ("refund", "fault", "delivery", "praise"), strict=True))


def example(row: dict[str, str], place: int, *, source: str, split: str, intent: str | None = None) -> Example:
    language = "ar" if "ar" in row["id"] else "fa" if "fa" in row["id"] else "en"
    topic = TOPICS[row["label"]]
    return Example(
        f"{place}-{row['id']}", source, source, language, None, row["message"], split, True, source == "gold", intent,
        topic, "neutral", "none", "normal", "no",
    )  # fmt: skip


@pytest.fixture
def banking() -> list[Example]:
    """Four intents in English; the test split is other numbers of the same templates."""
    given = rows(8, languages=["en"])
    split = ("test", "train", "train", "train")
    return [
        example(row, place, source="banking77", split=split[place % 4], intent=f"banking/{row['label']}")
        for place, row in enumerate(given)
    ]


def test_a_few_examples_a_label_are_measured_on_the_whole_test_split(
    banking: list[Example], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    found = fewshot.measure(banking, tiny_bundle, tmp_path, source="banking77", shots=(2, 5), seeds=(0, 1))
    assert [(one.shots, one.source) for one in found] == [(2, "banking77")] * 2 + [(5, "banking77")] * 2
    assert all(0.5 < one.accuracy <= 1 and one.seconds > 0 and one.megabytes > 1 for one in found)
    assert fewshot.measure(banking, tiny_bundle, tmp_path, source="arbanking77") == []
    kept = fewshot.summary(found, {("tiny", "banking77"): False})
    assert [(one["examples"], one["draws"], one["seen"]) for one in kept] == [(2, 2, False), (5, 2, False)]
    assert kept[0]["accuracy"]["mean"] == pytest.approx((found[0].accuracy + found[1].accuracy) / 2, abs=1e-4)
    shown = few_shot_table({"few_shot": kept})
    assert "| banking77 | tiny | new | 2 |" in shown
    assert f"{kept[1]['accuracy']['mean']:.3f} ± {kept[1]['accuracy']['deviation']:.3f}" in shown


def test_the_test_split_teaches_nothing(banking: list[Example], tiny_bundle: Bundle, tmp_path: Path) -> None:
    """With the labels of test turned round, what is right becomes wrong: they were not read before."""
    next_one = dict(zip(TEXTS, [*list(TEXTS)[1:], "Money back"], strict=True))
    turn = {f"banking/{one}": f"banking/{other}" for one, other in next_one.items()}
    turned = [each if each.split == "train" else replace(each, intent=turn[str(each.intent)]) for each in banking]
    (right,) = fewshot.measure(banking, tiny_bundle, tmp_path, source="banking77", shots=(5,), seeds=(0,))
    (wrong,) = fewshot.measure(turned, tiny_bundle, tmp_path, source="banking77", shots=(5,), seeds=(0,))
    assert right.accuracy > 0.8
    assert wrong.accuracy < 0.2
    assert right.head == wrong.head


def test_it_is_said_of_an_encoder_that_it_has_seen_the_labels(tiny_bundle: Bundle) -> None:
    sources = {"sources": [{"name": "banking77"}]}
    assert fewshot.seen(replace(tiny_bundle, training={"recipe": "finetune", **sources}), "banking77")
    assert not fewshot.seen(replace(tiny_bundle, training={"recipe": "finetune", **sources}), "arbanking77")
    assert not fewshot.seen(replace(tiny_bundle, training={"recipe": "heads", **sources}), "banking77")
