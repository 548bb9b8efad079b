"""What people said in the service as training rows: agreement, labels, splits kept apart, and no file that holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from retrain_export import rows, write

from pipeline import bundle as bundles
from pipeline.clean import clean
from pipeline.encoder import FakeEncoder
from pipeline.privacy import mask
from pipeline.records import Annotation, Message
from pipeline.route import Rule
from pipeline.score import prepare, score
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.training.embed import _key
from pipeline.training.retrain.consensus import consensus, last_words, votes
from pipeline.training.retrain.feedback import (
    COARSE,
    CONFLICT,
    CONTRADICTS,
    COPY,
    DISAGREE,
    HELD,
    IN_EXPORT,
    NOT_KEPT,
    UNKNOWN,
    Feedback,
)
from pipeline.training.retrain.feedback_report import render_feedback
from pipeline.training.retrain.lessons import lessons
from pipeline.training.retrain.rows import NO_TEXT, UNREAD, Labelled
from pipeline.training.retrain.run import retrain
from pipeline.training.retrain.splits import read_record
from pipeline.training.retrain.survey import Request, Survey, survey

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
NEW = {
    "en": "the teapot came with a crack, hand me back what I paid",
    "ar": "الإبريق وصل مكسور، أبغى حقي يرجع",
    "fa": "قوری ترک‌خورده رسید، هزینه‌ام را برگردانید",
}
PRIVATE = {
    "en": "my card 4111 1111 1111 1111 was charged for the blue teapot",
    "ar": "اتصلوا علي 0551234567 بخصوص الإبريق الأزرق",
    "fa": "برای قوری آبی به 09121234567 زنگ بزنید",
}
ANYWHERE = (Rule("all", "desk", "normal", 60),)


def word(message: str, label: str, *, text: str | None = NEW["en"], **given: Any) -> Annotation:
    """`day` is how many days after `NOW` it was said."""
    at = NOW + timedelta(days=given.pop("day", 0))
    known = {"task": "topic", "said": "", "annotator": "hala", "customer": "", "time": NOW} | given
    return Annotation(message=message, label=label, text=text, at=at, **known)


def surveyed(tmp_path: Path, feedback: list[Annotation], given: list[dict[str, str]] | None = None) -> Survey:
    columns = ("id", "message", "label", "customer", "created_at")
    used = rows() if given is None else given
    data = write(tmp_path / "export.csv", used, [name for name in columns if name in used[0]])
    return survey(Request(data, tmp_path / "mine", tmp_path, feedback=feedback), DEFAULT)


def heard(tmp_path: Path, feedback: list[Annotation], given: list[dict[str, str]] | None = None) -> Feedback:
    found = surveyed(tmp_path, feedback, given).feedback
    assert found is not None
    return found


def reasons(found: Feedback) -> dict[str, str]:
    return {each.message: each.reason for each in found.unused}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["a"], ("a", 1.0, 1)),
        (["a", "a", "a"], ("a", 1.0, 3)),
        (["a", "b", "a"], ("a", 2 / 3, 3)),
        (["a", "b"], None),
        (["a", "a", "b", "c"], None),
        (["a", "a", "a", "b", "c"], ("a", 0.6, 5)),
    ],
)
def test_a_label_needs_more_than_half_of_the_people(labels: list[str], expected: Any) -> None:
    found = consensus([word("m", label, annotator=f"p{place}") for place, label in enumerate(labels)])
    assert (found and (found.label, found.agreement, found.people)) == expected


def test_a_person_may_think_again() -> None:
    said = [word("m", "b", day=1), word("m", "a"), word("m", "c", annotator="omid"), word("m", "x", task="sentiment")]
    assert [(each.task, each.annotator, each.label) for each in last_words(said)] == [
        ("topic", "omid", "c"),
        ("sentiment", "hala", "x"),
        ("topic", "hala", "b"),
    ]
    assert votes(last_words(said)[::2]) == "c 1, b 1"


def test_corrections_and_confirmations_are_rows_of_train_in_three_languages(tmp_path: Path) -> None:
    said = [
        word(f"M-{language}", "Money back", text=text, said="Money back" if language == "fa" else "App bug")
        for language, text in NEW.items()
    ]
    found = surveyed(tmp_path, said)
    assert found.feedback is not None
    assert [(row.id, row.language, row.label, row.agreement) for row in found.feedback.rows] == [
        (f"M-{language}", language, "Money back", 1.0) for language in NEW
    ]
    assert all(row in found.lessons for row in found.feedback.rows)
    assert not {row.number for row in found.feedback.rows} & {row.number for row in found.found.rows}
    assert "3 labels of 3 messages by 1 person" in found.report
    assert "of their 3 labels 2 correct the model, the others confirm it" in found.report
    assert not any(text in found.report for text in NEW.values())


def test_what_cannot_be_learnt_is_said_so_by_message_and_reason(tmp_path: Path) -> None:
    said = [
        word("gone", "App bug", text=None),
        word("blank", "App bug", text=" "),
        word("hindi", "App bug", text="मेरा पार्सल अभी तक नहीं आया है, कृपया मदद करें"),
        word("tie", "App bug", text="it is stuck again"),
        word("tie", "Money back", text="it is stuck again", annotator="omid"),
        word("other", "App bugs", text="اليوم ما يفتح أبدا"),
        word("strange", "glad", text="خیلی راضی بودم ولی", task="sentiment"),
    ]
    found = heard(tmp_path, said)
    assert reasons(found) == {
        "gone": NOT_KEPT, "blank": NO_TEXT, "hindi": UNREAD, "tie": DISAGREE, "other": UNKNOWN, "strange": UNKNOWN,
    }  # fmt: skip
    assert not found.rows
    told = render_feedback(found)
    assert f"Left out, 1: {DISAGREE} (tie: topic: App bug 1, Money back 1)." in told
    assert "other: 'App bugs', the closest is 'App bug'; strange: sentiment: 'glad'" in told
    assert all(each.message in told for each in found.unused)


def test_a_majority_counts_by_its_share(tmp_path: Path) -> None:
    said = [word("m", label, annotator=f"p{n}") for n, label in enumerate(("App bug", "Money back", "App bug"))]
    (row,) = heard(tmp_path, said).rows
    assert (row.label, row.agreement) == ("App bug", pytest.approx(2 / 3))
    given = [replace(row, number=1, id="export", agreement=None), replace(row, number=2), replace(row, number=0)]
    weights = lessons(given, ["App bug"], {row.prepared: np.ones(3, np.float32)}).weights
    assert weights[1] / weights[0] == pytest.approx(2 / 3)
    assert weights[2] < weights[1]


def test_names_of_the_taxonomy_in_any_language_and_what_is_out_of_scope_are_known(tmp_path: Path) -> None:
    topic = DEFAULT.topics[0]
    base = [{**row, "label": topic.id if row["label"] == "App bug" else "refund"} for row in rows()]
    said = [
        word("ar", topic.ar, text=NEW["ar"]),
        word("fa", topic.fa, text=NEW["fa"]),
        word("out", OUT_OF_SCOPE, text="good morning to all my followers"),
    ]
    assert {row.id: row.label for row in heard(tmp_path, said, base).rows} == {
        "ar": topic.id, "fa": topic.id, "out": OUT_OF_SCOPE,
    }  # fmt: skip
    own = heard(tmp_path, said)
    assert [(row.id, row.label) for row in own.rows] == [("out", OUT_OF_SCOPE)], "own labels end in out of scope"
    assert reasons(own) == {"ar": UNKNOWN, "fa": UNKNOWN}


def test_a_category_stands_for_its_only_topic(tmp_path: Path) -> None:
    category, topic = DEFAULT.topics[0].parent, DEFAULT.topics[0].id
    base = [{**row, "label": topic if row["label"] == "App bug" else "refund"} for row in rows()]
    said = [word("coarse", category, task="category")]
    assert reasons(heard(tmp_path, said, base)) == {"coarse": COARSE}
    assert [row.label for row in heard(tmp_path, [word("own", "App bug", task="category")]).rows] == ["App bug"]
    at_odds = [word("odd", "refund"), word("odd", category, task="category", annotator="omid")]
    assert reasons(heard(tmp_path, at_odds, base)) == {"odd": CONTRADICTS}
    in_line = [word("fine", topic), word("fine", category, task="category", annotator="omid")]
    assert [row.label for row in heard(tmp_path, in_line, base).rows] == [topic]


def test_a_message_may_teach_another_task_alone(tmp_path: Path) -> None:
    said = [word("m", "negative", task="sentiment"), word("m", "high", task="urgency")]
    found = surveyed(tmp_path, said)
    assert [row.tasks for row in found.of_other_tasks] == [{"sentiment": "negative", "urgency": "high"}]
    assert found.of_other_tasks[0] not in found.lessons
    assert found.heard == [prepare(NEW["en"]).text]


@pytest.mark.parametrize("language", PRIVATE)
@pytest.mark.parametrize("kept", ["masked", "raw"])
def test_a_text_of_the_export_comes_in_by_no_second_door(tmp_path: Path, language: str, kept: str) -> None:
    """Masked or raw, as the store keeps it: neither from the gate to train, nor over the label of the export."""
    text = PRIVATE[language]
    given = [*rows(), {"id": "P", "message": text, "label": "Money back"}]
    stored = mask(clean(text)).text if kept == "masked" else text
    assert (stored == text) == (kept == "raw")
    found = heard(tmp_path, [word("m", "App bug", text=stored)], given)
    assert reasons(found) == {"m": IN_EXPORT}
    assert found.unused[0].detail == f"row {len(given)}, 'Money back'"
    assert not found.rows


def test_no_corrected_message_shares_text_or_customer_with_dev_or_gate(tmp_path: Path) -> None:
    given = [{**row, "customer": f"C-{place % 40}"} for place, row in enumerate(rows())]
    said = [word(f"own {n}", "App bug", text=row["message"]) for n, row in enumerate(given)]
    said += [word(f"new {n}", "App bug", text=f"again it is stuck {n}", customer=f"C-{n}") for n in range(60)]
    found = surveyed(tmp_path, said, given)
    assert found.split.customers
    assert found.feedback is not None
    judging = [row for row in found.found.rows if found.split.of[row.number] != "train"]
    assert judging
    learnt = found.feedback.rows
    assert not {row.customer for row in judging} & {row.customer for row in learnt}
    assert not {prepare(row.text).text for row in judging} & {row.prepared for row in found.lessons}
    assert sum(each.reason == IN_EXPORT for each in found.feedback.unused) == len(given)
    held = [each for each in found.feedback.unused if each.reason == HELD]
    assert len(learnt) + len(held) == 60
    assert len(held) == len({row.customer for row in judging})
    assert found.split.of == surveyed(tmp_path, [], given).split.of, "the export is split as it was"


def test_copies_among_the_messages_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    said = [
        word("first", "App bug", text=NEW["fa"]),
        word("copy", "App bug", text=NEW["fa"] + " !!"),
        word("one", "App bug", text=NEW["ar"]),
        word("two", "Money back", text=NEW["ar"]),
    ]
    found = heard(tmp_path, said)
    assert [row.id for row in found.rows] == ["first"]
    assert reasons(found) == {"copy": COPY, "one": CONFLICT, "two": CONFLICT}


@pytest.fixture(scope="module")
def pair(tiny_bundle: bundles.Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Annotation]]:
    """A folder with a model learnt `without` feedback and one `with` it, and the feedback."""
    place = tmp_path_factory.mktemp("heard")
    bundles.save(tiny_bundle, place / "models" / "tiny")
    data = write(place / "export.csv", rows(8))
    said = [
        word(f"M-{language}-{n}", "Late parcel", text=f"{NEW[language]} {letter * 3}", customer=f"cust-{n}")
        for language in NEW
        for n, letter in enumerate("kwzjvqxy")
    ]
    said += [word("M-tie", label, text=PRIVATE["en"], annotator=label) for label in ("App bug", "Money back")]
    for name, feedback in {"without": None, "with": said}.items():
        retrain(
            data, place / "models" / name, base=place / "models" / "tiny", vectors=place / "vectors",
            encoder=FakeEncoder(), feedback=feedback,
        )  # fmt: skip
    return place, said


def test_what_people_said_changes_the_model_and_not_what_judges_it(pair: tuple[Path, list[Annotation]]) -> None:
    models = pair[0] / "models"
    records = {name: read_record(models / name) for name in ("without", "with")}
    for part in ("export", "rows", "labels", "splits", "gate"):
        assert records["with"][part] == records["without"][part]
    assert "feedback" not in records["without"]
    facts = records["with"]["feedback"]
    assert (facts["messages"], facts["rows"], facts["corrections"], facts["unused"]) == (25, 24, 24, 1)
    said = {
        name: [
            one.topic.label for one in score(messages(), bundles.load(models / name, encoder=FakeEncoder()), ANYWHERE)
        ]
        for name in records
    }
    assert said["with"] == ["Late parcel"] * 3
    assert said["without"] != said["with"]
    assert "24 messages that people corrected or confirmed" in (models / "with" / "MODEL_CARD.md").read_text("utf-8")


def messages() -> list[Message]:
    return [Message(text) for text in NEW.values()]


def test_no_file_holds_what_people_said(pair: tuple[Path, list[Annotation]]) -> None:
    place, said = pair
    secrets = [each.text for each in said if each.text] + ["M-", "cust-"]
    looked = 0
    for path in place.rglob("*"):
        if path.is_file() and path.suffix not in (".npz", ".safetensors", ".parquet"):
            content = path.read_text(encoding="utf-8")
            looked += 1
            assert not [secret for secret in secrets if secret in content], path
            assert not [text for text in secrets if json.dumps(text)[1:-1] in content], path
    assert looked >= 8
    kept = set(cached(place / "vectors"))
    assert kept
    assert not kept & {_key(prepare(str(each.text)).text) for each in said}, "nor a vector of it"


def cached(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*.npz"):
        with np.load(path) as shard:
            yield from map(bytes, shard["keys"])


def test_suspicion_and_calibration_rest_on_the_export_alone(tmp_path: Path) -> None:
    from pipeline.training.retrain.heads import fit
    from pipeline.training.retrain.recipes import topic_lessons
    from pipeline.training.retrain.unseen import unseen

    said = [word(f"m{n}", "App bug", text=f"{NEW['en']} {'abc'[n] * 3}") for n in range(3)]
    found = surveyed(tmp_path, said)
    given, vectors = topic_lessons(found, FakeEncoder(), tmp_path / "vectors", seed=0)
    judged = unseen(fit(given).head, found.dev, given.labels, vectors, folds=(fit(given), given, found.lessons))
    assert len(judged.rows) == len(judged.truth) == len(judged.logits)
    assert len(judged.rows) == len([row for row in (*found.lessons, *found.dev) if is_export(row)])
    assert all(is_export(row) for row in judged.rows)


def is_export(row: Labelled) -> bool:
    return row.number > 0 and row.agreement is None


def test_an_empty_store_is_said_so(tmp_path: Path) -> None:
    assert surveyed(tmp_path, []).report.endswith("Feedback: the store holds none on labels of messages.")
    base = Request(write(tmp_path / "export.csv", rows()), tmp_path / "mine", tmp_path)
    assert "Feedback" not in survey(base, DEFAULT).report
