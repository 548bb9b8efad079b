"""Drift: no alarm on an unchanged stream, an alarm on another domain's, words for both. Every message is synthetic."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from pipeline.drift.accuracy import estimate_losses
from pipeline.drift.chance import Test
from pipeline.drift.commands import drift_commands
from pipeline.drift.compare import compare, holm
from pipeline.drift.embedding import embedding_test
from pipeline.drift.found import CANNOT_TELL, CHANGED, NO_REFERENCE, NO_STREAM, RETRAIN, STEADY, TOO_FEW
from pipeline.drift.labelshift import confusion, label_shift
from pipeline.drift.read import File, read_sample
from pipeline.drift.reference import FILE, is_reference, load_reference, save_reference
from pipeline.drift.sample import Sample, reduced
from pipeline.drift.shares import counted, jensen_shannon, shares_test, stability_index
from pipeline.drift.signals import SIGNALS
from pipeline.drift.spread import spread_test
from pipeline.drift.tell import PACKAGES
from pipeline.drift.view import to_page
from pipeline.drift.vocabulary import unknown_words
from pipeline.errors import ColumnError, InputError, NabdError, UsageError
from pipeline.report.locale import LANGUAGES, Locale
from pipeline.report.words import Words
from pipeline.run import Job
from pipeline.run import run as score_file
from pipeline.settings import load_settings, override
from pipeline.training.drift.page import render
from pipeline.training.drift.power import Pool, measure, scored
from pipeline.training.examples import Example

HOME = {
    "ar": (
        ("النت مقطوع عندي من {}", "سرعة الإنترنت ضعيفة منذ {}", "الراوتر واقف من {} ومحد يرد",
         "أرغب في ترقية الباقة بعد {}"),
        ("الصبح", "يومين", "أسبوع", "امبارح", "ساعة", "شهر", "الظهر", "الجمعة", "رمضان", "العيد", "الليل", "سنة"),
    ),
    "fa": (
        ("اینترنت من از {} قطع است", "سرعت از {} خیلی کم شده", "مودم از {} وصل نمی‌شود",
         "می‌خواهم بسته را از {} عوض کنم"),
        ("صبح", "دیروز", "دو روز پیش", "ظهر", "هفتهٔ پیش", "شنبه", "ماه قبل", "عید", "شب", "عصر", "جمعه", "پارسال"),
    ),
    "en": (
        ("my internet has been down since {}", "the connection is slow since {}", "the router is dead since {}",
         "I want a bigger data plan from {}"),
        ("noon", "Monday", "last week", "yesterday", "May", "the storm", "today", "Friday", "June", "Easter", "7", "9"),
    ),
}  # fmt: skip
AWAY = {
    "ar": (
        ("ألغيت حجز الفندق في {} ولم يرجع المبلغ", "فين شنطتي؟ ضاعت في مطار {}", "شكرا طاقم الرحلة إلى {} ممتاز"),
        ("دبي", "القاهرة", "عمّان", "بيروت", "الرياض", "تونس", "الدوحة", "مسقط", "جدة", "الكويت"),
    ),
    "fa": (
        ("رزرو هتل {} را لغو کردم و پولم برنگشت", "چمدانم در فرودگاه {} گم شد", "مهماندار پرواز {} عالی بود، ممنون"),
        ("تهران", "شیراز", "مشهد", "تبریز", "اصفهان", "کیش", "یزد", "قشم", "رشت", "اهواز"),
    ),
    "en": (
        ("I cancelled the hotel in {} and got no refund", "my suitcase was lost at {} airport",
         "lovely crew to {}, thanks"),
        ("Rome", "Paris", "Oslo", "Cairo", "Lima", "Delhi", "Dubai", "Tunis", "Perth", "Milan"),
    ),
}  # fmt: skip
LANGUAGES_SPOKEN = ("ar", "fa", "en")


def said(kind: Mapping[str, tuple[Sequence[str], Sequence[str]]], language: str) -> list[str]:
    """Every template with one and with two of its words."""
    templates, words = kind[language]
    joints = {"ar": " أو ", "fa": " یا ", "en": " or "}
    pairs = [one if one == two else one + joints[language] + two for one, two in product(words, words)]
    return [template.format(pair) for template, pair in product(templates, pairs)]


def example(language: str, text: str, number: int) -> Example:
    return Example(
        f"{language}{number}", "test", "test", language, None, text, "train", True, True, *[None] * 6  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Synthetic messages of an internet provider, and of travellers, scored by the fast model."""
    chance = np.random.default_rng(3)
    rows, home, away = [], [], {}
    for language in LANGUAGES_SPOKEN:
        for text in chance.permutation(said(HOME, language))[:200].tolist():
            home.append(len(rows))
            rows.append(example(language, text, len(rows)))
        away[language] = np.arange(len(rows), len(rows) + 100)
        rows += [
            example(language, text, number)
            for number, text in enumerate(chance.permutation(said(AWAY, language))[:100].tolist())
        ]
    return Pool(scored(rows, "nabd-fast"), np.array(home), away)


TOPICS = np.array([["refund", "status", "praise", "fault"], ["charge", "how_to", "complaint", "delivery"]])


def stand_in(seed: int, size: int, *, sure: float = 6.0, moved: float = 0.0, labelled: bool = False) -> Sample:
    """Four categories, calibrated confidences of mean sure / (sure + 2), vectors that `moved` shifts."""
    chance = np.random.default_rng(seed)
    names = np.array(["billing", "inquiry", "relationship", "technical_fix"])
    category = chance.choice(names, size=size, p=[0.4, 0.3, 0.2, 0.1])
    confidence = chance.beta(sure, 2, size)
    truth = np.where(chance.random(size) < confidence, category, np.roll(category, 1))
    vectors = chance.normal(size=(size, 16)) + moved * np.eye(16)[0]
    return Sample(
        labels={
            "language": chance.choice(LANGUAGES_SPOKEN, size=size), "category": category,
            "topic": TOPICS[chance.integers(2, size=size), np.searchsorted(names, category)],
            "sentiment": chance.choice(["negative", "neutral", ""], size=size),
            "abstention": np.where(confidence < 0.5, "yes", "no"),
        },
        numbers={
            "length": np.round(np.exp(chance.normal(4, 1, size))), "vocabulary": chance.beta(1, 9, size).round(2),
            "confidence": confidence,
        },
        vectors=vectors.astype(np.float32), truth=truth if labelled else None, model="tiny@1", messages=size,
    )  # fmt: skip


# Calibration and power


def test_the_same_stream_is_not_drift_and_another_domain_is(pool: Pool) -> None:
    """At a rate of 5%, 17 or more alarms in 200 have a probability below 4%; half of the stream is travellers'."""
    same = measure(pool, 60, 0.0, 200, seed=0, reference=150, dealt=199)
    assert same.alarms <= 16
    other = measure(pool, 60, 0.5, 40, seed=0, reference=150, dealt=199)
    assert other.alarms >= 0.8 * 40
    assert min(other.share("embedding"), other.share("topic")) > 0.3
    page = render([same, other], model="nabd-fast@0", reference=150, rate=0.05, away="travel (en)")
    assert f"| none | {same.alarms} of 200 |" in page
    assert f"| 50% | {other.alarms} of 40 |" in page


def test_false_alarms_keep_to_a_rate_that_the_user_sets() -> None:
    alarms = sum(compare(stand_in(s, 90), stand_in(s + 500, 60), rate=0.2, permutations=99).alarm for s in range(100))
    assert 4 <= alarms <= 30  # Holm is careful, not idle


@pytest.mark.parametrize(
    ("test", "draw"),
    [
        (embedding_test, lambda c: (c.normal(size=(40, 8)), c.normal(size=(25, 8)))),
        (embedding_test, lambda c: (c.choice([0.0, 1.0], size=(40, 3)), c.choice([0.0, 1.0], size=(25, 3)))),
        (spread_test, lambda c: (c.integers(5, size=40).astype(float), c.integers(5, size=25).astype(float))),
        (lambda a, b, **k: shares_test(*counted(a, b)[1:], **k)[0],
         lambda c: (c.choice(list("abcd"), size=40), c.choice(list("abcd"), size=25))),
    ],
)  # fmt: skip
def test_p_values_are_uniform_or_careful_under_chance(
    test: Callable[..., Test], draw: Callable[[np.random.Generator], tuple[Any, Any]]
) -> None:
    found = []
    for seed in range(200):
        chance = np.random.default_rng(seed)
        found.append(test(*draw(chance), times=99, random=chance).p_value)
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(found) <= level) <= level + 2.4 * np.sqrt(level * (1 - level) / 200)
    assert min(found) < 0.1, "a test that never finds anything tests nothing"


def test_each_signal_is_raised_by_what_it_stands_for() -> None:
    before, now = stand_in(1, 300), stand_in(2, 300)
    flipped = np.array(["yes", "no"])
    changes = {
        "language": {"labels": {"language": np.full(300, "fa")}},
        "category": {"labels": {"category": np.full(300, "billing")}},
        "topic": {"labels": {"topic": np.full(300, "refund")}},
        "sentiment": {"labels": {"sentiment": np.full(300, "negative")}},
        "abstention": {"labels": {"abstention": np.resize(flipped, 300)}},
        "length": {"numbers": {"length": now.numbers["length"] * 3}},
        "vocabulary": {"numbers": {"vocabulary": now.numbers["vocabulary"] + 0.2}},
        "confidence": {"numbers": {"confidence": now.numbers["confidence"] - 0.2}},
        "embedding": {"vectors": stand_in(2, 300, moved=1.0).vectors},
    }
    assert changes.keys() == set(SIGNALS)
    for name, change in changes.items():
        parts: dict[str, Any] = dict(change)
        for part in ("labels", "numbers"):
            if part in parts:
                parts[part] = {**getattr(now, part), **parts[part]}
        assert compare(before, replace(now, **parts)).raised == (name,)


def test_identical_files_raise_nothing() -> None:
    side = stand_in(4, 200)
    found = compare(side, side)
    assert found.verdict == STEADY
    assert all(signal.p_value > 0.5 for signal in found.signals)


def test_the_same_samples_give_the_same_answer() -> None:
    one, two = stand_in(5, 80), stand_in(6, 80)
    assert compare(one, two).signals == compare(one, two).signals


# Known answers


def test_divergences_have_known_answers() -> None:
    assert jensen_shannon([5, 5], [50, 50]) == 0
    assert jensen_shannon([5, 0], [0, 9]) == 1
    assert jensen_shannon([1, 1], [2, 0]) == pytest.approx(0.311278)
    assert stability_index([9.5, 29.5], [9.5, 29.5]) == 0
    assert stability_index([24.5, 74.5], [74.5, 24.5]) == pytest.approx(np.log(3), abs=1e-9)  # 2 x 0.5 x log 3


def test_kolmogorov_smirnov_has_a_known_answer() -> None:
    random = np.random.default_rng(0)
    assert spread_test(np.arange(4.0), np.arange(4.0) + 2, times=9, random=random).value == 0.5
    assert spread_test(np.zeros(9), np.ones(7), times=9, random=random).value == 1


def test_a_classifier_that_tells_the_sides_apart_has_an_auc_of_one() -> None:
    random = np.random.default_rng(0)
    one = random.normal(size=(40, 3))
    found = embedding_test(one, one + np.array([20, 0, 0]), times=99, random=random)
    assert found.value == 1
    assert found.p_value == 0.01


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == [True, False, False]
    assert holm([0.01, 0.024, 0.05], 0.05) == [True, True, True]
    assert holm([], 0.05) == []


def test_thresholds_account_for_the_size_of_the_samples() -> None:
    """0.1 and 0.25 of folklore would alarm on small samples and sleep on large ones."""
    small, large = (compare(stand_in(7, size), stand_in(8, size)).signals for size in (40, 1500))
    limits = [{each.name: each.psi_limit for each in signals if each.psi_limit} for signals in (small, large)]
    assert limits[0]["topic"] > 0.25
    assert limits[1]["topic"] < 0.05


def test_what_can_be_noticed_is_noticed_as_often_as_is_said() -> None:
    size = 150
    stated = next(s for s in compare(stand_in(0, size), stand_in(1, size)).signals if s.name == "embedding").detectable
    assert stated is not None
    assert 0.55 < stated < 0.75
    found = [compare(stand_in(s, size), stand_in(900 + s, size, moved=0.85), permutations=299) for s in range(40)]
    reached = np.mean([s.value for drift in found for s in drift.signals if s.name == "embedding"])
    assert reached > stated
    assert np.mean(["embedding" in drift.raised for drift in found]) >= 0.7


# What it costs, and how common each category really is


def labelled_pair(truth_now: Sequence[float], *, size: int = 3000, right: float = 0.8) -> tuple[Sample, Sample]:
    """A model that is right as often in every category, and else says the next one."""
    chance, names = np.random.default_rng(11), np.array(["billing", "inquiry", "relationship"])
    sides = []
    for shares in ((0.5, 0.3, 0.2), truth_now):
        truth = chance.choice(3, size=size, p=shares)
        said_ = np.where(chance.random(size) < right, truth, (truth + 1) % 3)
        sides.append(Sample({"category": names[said_]}, truth=names[truth], model="tiny@1"))
    return sides[0], replace(sides[1], truth=None)


def test_true_shares_are_estimated_through_the_confusions_of_the_model() -> None:
    reference, stream = labelled_pair((0.2, 0.2, 0.6))
    found = {row.label: row for row in label_shift(reference, stream, seed=0)}
    for label, share in (("billing", 0.2), ("inquiry", 0.2), ("relationship", 0.6)):
        assert found[label].stream == pytest.approx(share, abs=0.04)
        assert found[label].low < share < found[label].high
    assert sum(row.stream for row in found.values()) == pytest.approx(1)
    assert found["billing"].reference == pytest.approx(0.5, abs=0.03)
    table = confusion(reference)
    assert table["billing"].keys() == {"billing", "inquiry"}


def test_a_model_that_says_nothing_of_the_truth_moves_no_share_for_sure() -> None:
    reference, stream = labelled_pair((0.2, 0.2, 0.6))
    chance = np.random.default_rng(0)
    guesses = [{"category": chance.choice(["a", "b"], size=3000)} for _ in range(2)]
    found = label_shift(replace(reference, labels=guesses[0]), replace(stream, labels=guesses[1]), seed=0)
    assert all(row.low <= row.reference <= row.high and row.high - row.low > 0.1 for row in found)


def test_shares_are_not_estimated_without_labels() -> None:
    reference, stream = labelled_pair((0.5, 0.3, 0.2))
    assert reference.truth is not None
    assert label_shift(replace(reference, truth=None), stream, seed=0) == ()
    few = np.where(np.arange(3000) < 99, reference.truth, "")
    assert label_shift(replace(reference, truth=few), stream, seed=0) == ()
    one = np.full(3000, "billing")
    assert label_shift(replace(reference, truth=one), stream, seed=0) == ()


def test_the_fall_of_accuracy_is_estimated_from_confidences() -> None:
    """Beta(6, 2) is right in 3 of 4, Beta(4, 2) in 2 of 3."""
    losses = estimate_losses(stand_in(1, 4000, labelled=True), stand_in(2, 4000, sure=4.0), seed=0)
    assert [loss.method for loss in losses] == ["confidence", "threshold"]
    assert losses[0].low < 3 / 4 - 2 / 3 < losses[0].high
    assert losses[1].low > 0
    same = estimate_losses(stand_in(1, 4000, labelled=True), stand_in(2, 4000), seed=0)
    assert all(loss.low < 0 < loss.high for loss in same)
    assert estimate_losses(replace(stand_in(1, 50), numbers={}), stand_in(2, 50), seed=0) == ()


def test_retraining_is_worth_it_only_where_accuracy_seems_to_fall() -> None:
    before = stand_in(1, 1000)
    assert compare(before, stand_in(2, 1000, sure=3.0)).verdict == RETRAIN
    moved = compare(before, stand_in(2, 1000, moved=1.0))
    assert moved.verdict == CHANGED
    assert moved.raised == ("embedding",)
    assert compare(before, stand_in(2, 1000)).verdict == STEADY


# What is missing, tiny or odd


def test_too_few_messages_are_said_to_be() -> None:
    found = compare(stand_in(1, 500), stand_in(2, 29))
    assert found.verdict == CANNOT_TELL
    assert not found.alarm
    assert set(found.unseen.values()) == {TOO_FEW}
    page = to_page(found, Words(Locale.of("en"), packages=PACKAGES))
    assert "It cannot be told: the stream has 29 messages to compare and the reference 500; each needs 30" in page


def test_what_one_side_lacks_is_not_compared() -> None:
    before, now = stand_in(1, 100), stand_in(2, 100)
    found = compare(replace(before, vectors=None), replace(now, labels={"category": now.labels["category"]}))
    assert found.unseen["embedding"] == NO_REFERENCE
    assert found.unseen["topic"] == NO_STREAM
    assert [signal.name for signal in found.signals] == ["length", "vocabulary", "category", "confidence"]
    nothing = compare(replace(before, numbers={}, vectors=None), Sample({"other": now.labels["topic"]}, model="tiny@1"))
    assert nothing.verdict == CANNOT_TELL
    assert "no signal in common" in to_page(nothing, Words(Locale.of("en"), packages=PACKAGES))


def test_numbers_that_are_not_known_are_left_out() -> None:
    gaps = np.where(np.arange(100) < 75, np.nan, 40.0)
    found = compare(stand_in(1, 100), replace(stand_in(2, 100), numbers={"length": gaps}))
    assert found.unseen["length"] == TOO_FEW


def test_one_predicted_class() -> None:
    one = {name: np.full(60, "same") for name in ("category", "topic", "sentiment", "abstention", "language")}
    side = Sample(one, {"confidence": np.full(60, 0.9)}, np.ones((60, 4), np.float32), model="tiny@1")
    found = compare(side, side)
    assert found.verdict == STEADY
    assert {signal.p_value for signal in found.signals if signal.name != "embedding"} == {1.0}


def test_two_models_are_never_compared() -> None:
    with pytest.raises(UsageError, match=r"by tiny@1 and the stream by tiny@2; two models always differ"):
        compare(stand_in(1, 40), replace(stand_in(2, 40), model="tiny@2"))


@pytest.mark.parametrize("rate", [0.0, 0.9, float("nan")])
def test_a_rate_that_cannot_be_kept_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match=r"from 0.001 to 0.5"):
        compare(stand_in(1, 40), stand_in(2, 40), rate=rate)


def test_wide_vectors_are_reduced_and_keep_their_distances() -> None:
    wide = np.random.default_rng(0).normal(size=(50, 1152)).astype(np.float32)
    narrow = reduced(wide)
    assert narrow.shape == (50, 64)
    assert np.linalg.norm(narrow, axis=1).mean() == pytest.approx(1, abs=0.1)
    assert np.array_equal(reduced(wide[:7]), narrow[:7])
    assert reduced(wide[:, :8]).shape == (50, 8)


# Files


def file_of(folder: Path, rows: Sequence[Mapping[str, object]], name: str) -> str:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def export(
    kind: Mapping[str, tuple[Sequence[str], Sequence[str]]], count: int, *, start: int = 0
) -> list[dict[str, object]]:
    """One message a customer, in three languages."""
    texts = {language: np.random.default_rng(9).permutation(said(kind, language)).tolist() for language in kind}
    return [
        {"message": texts[LANGUAGES_SPOKEN[n % 3]][start + n // 3], "customer": f"C{start}-{n}"} for n in range(count)
    ]


def scored_rows(count: int, **columns: object) -> list[dict[str, object]]:
    """As `nabd score` wrote them."""
    row = {
        "message": "the router is dead since noon", "nabd_language": "en", "nabd_category": "technical_fix",
        "nabd_category_confidence": 0.8, "nabd_topic": "fault", "nabd_sentiment": "negative", "nabd_review": "",
        "nabd_model": "tiny@1",
    }  # fmt: skip
    return [{"customer": f"C{n}", **row, **columns} for n in range(count)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two months of a provider and one of travellers, scored by the fast model; the first with its vectors."""
    folder = tmp_path_factory.mktemp("desk")
    settings = override(load_settings(), model="nabd-fast")
    found = {}
    for name, rows in (
        ("before", export(HOME, 120)),
        ("now", export(HOME, 120, start=60)),
        ("away", export(AWAY, 120)),
    ):
        raw = file_of(
            folder, [{**row, "true": "technical_fix" if n % 4 else "plan"} for n, row in enumerate(rows)], f"{name}.csv"
        )
        found |= {
            f"{name}_raw": raw,
            name: str(folder / f"{name}_scored.csv"),
            f"{name}_vectors": str(folder / f"{name}.parquet"),
        }
        columns = {"text": "message", "customer": "customer"}
        score_file(Job(raw, found[name], None, {}, columns, True, found[f"{name}_vectors"]), settings)
    return found


def nabd(*words: str) -> Result:
    app = typer.Typer()
    drift_commands(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["drift", *words])


def test_a_customer_who_writes_much_counts_once(tmp_path: Path) -> None:
    loud = [{**row, "customer": "loud"} for row in scored_rows(300, nabd_category="billing", nabd_topic="charge")]
    before = read_sample(File(file_of(tmp_path, scored_rows(90), "before.csv")))
    now = read_sample(File(file_of(tmp_path, [*scored_rows(90), *loud], "now.csv")))
    assert (now.size, now.messages, now.unit) == (91, 390, "customer")
    assert compare(before, now).verdict == STEADY


def test_without_customers_tickets_count_and_without_those_messages(tmp_path: Path) -> None:
    rows = [{**row, "ticket_number": n // 3} for n, row in enumerate(scored_rows(30))]
    for row in rows:
        del row["customer"]
    by_ticket = read_sample(File(file_of(tmp_path, rows, "tickets.csv")))
    assert (by_ticket.unit, by_ticket.size) == ("ticket", 10)
    alone = [{name: value for name, value in row.items() if name != "ticket_number"} for row in rows]
    by_message = read_sample(File(file_of(tmp_path, alone, "messages.csv")))
    assert (by_message.unit, by_message.size) == ("message", 30)


def test_which_message_is_drawn_is_the_same_in_every_run(desk: Mapping[str, str]) -> None:
    one, two = (read_sample(File(desk["now"])) for _ in range(2))
    assert one.labels["topic"].tolist() == two.labels["topic"].tolist()


def test_a_file_without_text_is_compared_by_its_labels(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "message"} for row in scored_rows(40)]
    found = read_sample(File(file_of(tmp_path, rows, "bare.csv")))
    assert found.numbers.keys() == {"confidence"}
    assert found.unit == "customer"
    with pytest.raises(ColumnError, match="--text"):
        read_sample(File(file_of(tmp_path, rows, "bare.csv"), columns={"text": "message"}))


def test_messages_of_the_desk_are_left_out(tmp_path: Path) -> None:
    rows = [{**row, "direction": "outbound" if n % 2 else "inbound"} for n, row in enumerate(scored_rows(40))]
    assert read_sample(File(file_of(tmp_path, rows, "both.csv"))).messages == 20


def test_a_file_of_two_models_is_refused(tmp_path: Path) -> None:
    rows = [*scored_rows(20), *scored_rows(20, nabd_model="tiny@2")]
    with pytest.raises(UsageError, match="several models: tiny@1, tiny@2"):
        read_sample(File(file_of(tmp_path, rows, "two.csv")))


def test_a_label_that_there_is_not_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = scored_rows(3, true="refund")
    assert read_sample(File(file_of(tmp_path, rows, "t.csv"), label="true")).truth.tolist() == ["billing"] * 3  # type: ignore[union-attr]
    rows[1]["true"] = "refundd"
    with pytest.raises(InputError, match=r"row 2: true is 'refundd', expected one of technical_fix"):
        read_sample(File(file_of(tmp_path, rows, "t.csv"), label="true"))
    with pytest.raises(ColumnError, match="--label"):
        read_sample(File(file_of(tmp_path, rows, "t.csv"), label="truth"))


def test_vectors_of_another_model_are_refused(desk: Mapping[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="but the rows were scored by tiny@1"):
        read_sample(File(file_of(tmp_path, scored_rows(9), "t.csv"), embeddings=desk["now_vectors"]))


@pytest.mark.parametrize(
    ("known", "strange"),
    [
        ("where is my refund", "glorpiful zanthic wibblexes"),
        ("لم يصل الطلب حتى الان", "زخقلطن شغفظتص"),
        ("سفارش من هنوز نرسیده", "ژغصقبپل چطظخگث"),
    ],
)
def test_unknown_words(known: str, strange: str) -> None:
    version = json.loads((Path("models/nabd-base/manifest.json")).read_text(encoding="utf-8"))["sha256"][:8]
    found = unknown_words([known, strange, f"{known} {strange}", "123 !"], f"nabd-base@{version}")
    assert found is not None
    assert found[0] < 0.3
    assert found[1] > 0.8
    assert found[0] < found[2] < found[1]
    assert np.isnan(found[3])
    assert unknown_words([known], "nabd-base@00000000") is None
    assert unknown_words([known], "nabd-fast") is None


def test_a_reference_holds_no_text_and_no_customer_and_compares_like_its_file(
    desk: Mapping[str, str], tmp_path: Path
) -> None:  # fmt: skip
    path = str(tmp_path / "reference.parquet")
    whole = read_sample(File(desk["before"], desk["before_vectors"], "true"))
    save_reference(whole, path)
    assert is_reference(path)
    assert not is_reference(desk["before_vectors"])
    assert pq.read_schema(path).names == [
        "language", "category", "topic", "sentiment", "abstention", "length", "confidence", "truth", "vector"
    ]  # fmt: skip
    content = Path(path).read_bytes()
    assert all(word.encode() not in content for word in ("router", "C0-1", "الراوتر", "مودم"))
    assert len(content) < 60_000
    kept = load_reference(path)
    assert kept.size == whole.size
    assert confusion(kept) == confusion(whole)
    now = read_sample(File(desk["now"], desk["now_vectors"]))
    for one, two in zip(compare(kept, now).signals, compare(whole, now).signals, strict=True):
        assert (one.name, one.raised) == (two.name, two.raised)
        if one.name != "embedding":  # whose folds are drawn anew
            assert one.p_value == pytest.approx(two.p_value, abs=0.02)


def test_a_broken_reference_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reference.parquet"
    path.write_bytes(b"no parquet")
    assert not is_reference(str(path))
    with pytest.raises(InputError, match="--make-reference"):
        load_reference(path)


def test_a_server_compares_without_the_extra() -> None:
    """Nothing but what the base install has."""
    code = "import sys; from pipeline.drift import compare, read, reference; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pipeline.drift.compare" in loaded
    assert not {"babel", "jinja2", "matplotlib", "scipy", "sklearn", "torch"} & set(loaded)


# The command


def test_an_unchanged_month_and_another_domain(desk: Mapping[str, str], tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    common = ("--reference", desk["before"], "--reference-embeddings", desk["before_vectors"])
    quiet = nabd(desk["now"], "--embeddings", desk["now_vectors"], *common, "--gate")
    assert quiet.exit_code == 0, quiet.output
    assert quiet.stdout.startswith("No alarm")
    loud = nabd(desk["away"], "--embeddings", desk["away_vectors"], *common, "--gate", "-o", str(page))
    assert loud.exit_code == 1
    assert loud.stdout.startswith("Alarm: ")
    assert "meaning (vectors)" in loud.stdout.partition(".")[0]
    written = page.read_text(encoding="utf-8")
    assert all(word not in written for word in ("suitcase", "چمدان", "شنطتي", "<script", "src=", 'href="http'))


def test_a_reader_that_stops_early_does_not_cost_the_page(desk: Mapping[str, str], tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    code = "from pipeline.cli import main; main()"
    command = [sys.executable, "-c", code, "drift", desk["now"], "--reference", desk["before"], "-o", str(page)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.close()
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_json(desk: Mapping[str, str]) -> None:
    found = json.loads(nabd(desk["away"], "--reference", desk["before"], "--label", "true", "--json").stdout)
    assert found["alarm"] is True
    assert found["stream"] == {"compared": 120, "messages": 120, "unit": "customer"}
    assert {row["name"] for row in found["signals"] if row["raised"]} == set(found["raised"])
    assert found["not_compared"]["embedding"] == NO_REFERENCE
    assert [row["method"] for row in found["accuracy_loss"]] == ["confidence", "threshold"]
    assert sum(sum(row.values()) for row in found["confusion"].values()) == 120


def test_an_export_is_scored_first_by_the_model_of_the_reference(desk: Mapping[str, str], tmp_path: Path) -> None:
    kept = str(tmp_path / "reference.parquet")
    made = nabd(desk["before"], "--make-reference", "--embeddings", desk["before_vectors"], "-o", kept)
    assert made.exit_code == 0, made.output
    assert "120 of 120 messages, one of each customer" in made.stderr
    result = nabd(desk["now_raw"], "--reference", kept, "--json")
    assert result.exit_code == 0, result.output
    assert "nabd-fast scores it first" in result.stderr
    found = json.loads(result.stdout)
    assert found["alarm"] is False
    assert "embedding" in {row["name"] for row in found["signals"]}


def test_a_bundle_may_bring_its_reference(desk: Mapping[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="brings no reference"):
        raise nabd(desk["now"], "--reference", str(folder)).exception or AssertionError
    save_reference(read_sample(File(desk["before"])), str(folder / FILE))
    assert nabd(desk["now"], "--reference", str(folder)).stdout.startswith("No alarm")


@pytest.mark.parametrize(
    "words",
    [
        ("--make-reference", "--reference", "x"), (), ("--make-reference",), ("--reference", "missing.csv"),
        ("--reference", "-"), ("--reference", "{now}", "--alarm-rate", "7"), ("--reference", "{now}", "--lang", "de"),
    ],
)  # fmt: skip
def test_wrong_use_is_refused(words: Sequence[str], desk: Mapping[str, str]) -> None:
    result = nabd(desk["before"], *(word.format(**desk) for word in words))
    assert isinstance(result.exception, NabdError), result.output


# The words


def test_every_word_is_there_in_every_language() -> None:
    table = tomllib.loads(files("pipeline.drift").joinpath("words.toml").read_text(encoding="utf-8"))
    for key, row in table.items():
        assert list(row) == list(LANGUAGES), key
        fields = {language: set(re.findall(r"{(\w+)}", text)) for language, text in row.items()}
        assert fields["en"] == fields["ar"] == fields["fa"], key
        assert not re.search("[كي]", row["fa"]), f"{key}: Arabic kaf or yeh in Persian"
        assert not re.search("[کیپچژگ]", row["ar"]), f"{key}: Persian letters in Arabic"
    assert {f"signal_{name}" for name in SIGNALS} <= table.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_in_each_language(language: str) -> None:
    found = compare(stand_in(1, 400, labelled=True), stand_in(2, 400, sure=3.0, moved=1.0))
    assert found.verdict == RETRAIN
    assert found.moved
    page = to_page(found, Words(Locale.of(language), packages=PACKAGES))
    assert f'lang="{language}" dir="{"ltr" if language == "en" else "rtl"}"' in page
    shown = " ".join(
        re.findall(r"<(?:th|td|dt|dd|h2|li|p)[^>]*>(.*?)</", re.sub(r"<svg.*?</svg>", "", page, flags=re.S))
    )
    for key in ("signal_", "measure_", "technical_fix", "verdict_", "{"):
        assert key not in shown
    if language != "en":
        assert not re.search(r"[0-9]", re.sub(r"<[^>]+>|tiny@1", " ", shown))
