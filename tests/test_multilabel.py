"""Topics of which a message may have several: what a model says of them, and how that is kept and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import independent, probabilities
from pipeline.encoder import FakeEncoder
from pipeline.errors import BundleError
from pipeline.explain import explain
from pipeline.explain.view import to_json
from pipeline.heads import Heads
from pipeline.manifest import digest
from pipeline.output import cells, read_topics
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.routing.facts import Router
from pipeline.routing.trial import probability_right
from pipeline.score import AMBIGUOUS, category_probabilities, predict, score
from pipeline.service.documents import document
from pipeline.service.schemas import ScoredOut
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS, Label, Taxonomy

ABOVE = {"refund": "Money", "رسوم": "Money", "خرابی": "خرابی"}
TABLE = Taxonomy(
    (*(Label(each, each, each, each, parent=each) for each in ("Money", "خرابی")), DEFAULT.categories[-1]),
    (*(Label(each, each, each, each, parent=above) for each, above in ABOVE.items()), DEFAULT.topics[-1]),
    multilabel=True,
)
APPLIES = dict.fromkeys(TABLE.topic_ids, 0.5) | {"خرابی": 0.3}
RULES = (Rule("money", "cash", "high", 60, {"category": ("Money",)}), Rule("all", "desk", "normal", 60))
TEXTS = ("where is my refund? the app crashes", "وين فلوسي؟ سحبتوا رسوم مرتين", "پولم برنگشت و برنامه خراب است", "?")
SHARE = st.floats(0, 1, allow_nan=False)
SHARES = st.lists(SHARE, min_size=4, max_size=4)


@pytest.fixture(scope="module")
def many(tiny_bundle: Bundle) -> Bundle:
    labels = {task: TABLE.labels(task) for task in TASKS}
    columns = sum(map(len, labels.values()))
    heads = Heads(tiny_bundle.heads.weight[:, :columns], tiny_bundle.heads.bias[:columns], labels)
    levels = {"*": dict.fromkeys(TABLE.category_ids, 0.2)}
    return replace(tiny_bundle, name="many", heads=heads, taxonomy=TABLE, thresholds=levels, applies=APPLIES)


def said(bundle: Bundle, topics: dict[str, float]) -> Any:
    """What is decided where these are the probabilities of topics, and 0 those of the others."""
    shares = np.clip([topics.get(name, 0.0) for name in TABLE.topic_ids], 1e-9, 1 - 1e-9)
    wanted = np.log(shares / (1 - shares))
    bias = np.concatenate([wanted, bundle.heads.bias[len(wanted) :]]).astype(np.float32)
    heads = replace(bundle.heads, weight=np.zeros_like(bundle.heads.weight), bias=bias)
    return score([Message("my refund is late")], replace(bundle, heads=heads), RULES)[0]


def test_a_category_is_as_probable_as_any_of_its_topics() -> None:
    topics = np.array([[0.5, 0.5, 0.2, 0.0], [1.0, 0.3, 0.0, 0.1], [0.0, 0.0, 0.0, 0.0]])
    expected = [[0.75, 0.2, 0.0], [1.0, 0.0, 0.1], [0.0, 0.0, 0.0]]
    assert np.allclose(TABLE.category_probabilities(topics), expected)
    assert np.allclose(replace(TABLE, multilabel=False).category_probabilities(topics)[0], [1.0, 0.2, 0.0])


@given(SHARES)
def test_one_message_and_many_are_decided_alike(shares: list[float]) -> None:
    topics = dict(zip(TABLE.topic_ids, shares, strict=True))
    sums = TABLE.category_probabilities(np.array([shares]))[0]
    assert np.allclose(list(category_probabilities(topics, TABLE).values()), sums)
    heads = Heads(np.zeros((64, 4), np.float32), np.zeros(4, np.float32), {"topic": TABLE.topic_ids})
    bundle = Bundle("x", FakeEncoder(), heads, TABLE, {}, {})
    found = predict({"topic": np.array(shares)}, bundle)
    assert TABLE.category_ids[TABLE.categories_said(np.array([shares]))[0]] == found["category"].label
    assert TABLE.category_of[found["topic"].label] == found["category"].label
    assert found["category"].confidence >= found["topic"].confidence - 1e-12
    inside = [each for name, each in topics.items() if name != OUT_OF_SCOPE]
    assert found["topic"].label == OUT_OF_SCOPE or found["topic"].confidence == max(inside)
    assert found["topic"].label != OUT_OF_SCOPE or topics[OUT_OF_SCOPE] >= max(0.5, *inside)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5), st.floats(0.05, 20))
def test_each_label_is_a_softmax_of_itself_and_its_absence(logits: list[float], temperature: float) -> None:
    column = np.array(logits, np.float32)
    pairs = probabilities(np.stack([np.zeros_like(column), column], axis=1), temperature)[:, 1]
    assert np.allclose(independent(column, temperature), pairs, atol=1e-12)


@pytest.mark.parametrize(
    ("topics", "having", "category", "queue"),
    [
        ({"refund": 0.8, "خرابی": 0.9}, ("خرابی", "refund"), "خرابی", "desk"),
        ({"refund": 0.8, "رسوم": 0.7, "خرابی": 0.31}, ("refund", "رسوم", "خرابی"), "Money", "cash"),
        ({"refund": 0.6, "خرابی": 0.29}, ("refund",), "Money", "cash"),
        ({OUT_OF_SCOPE: 0.9, "refund": 0.7}, (OUT_OF_SCOPE,), OUT_OF_SCOPE, "desk"),
        ({OUT_OF_SCOPE: 0.6, "refund": 0.7}, ("refund",), "Money", "cash"),
    ],
)
def test_a_message_has_the_topics_above_their_levels(
    many: Bundle, topics: dict[str, float], having: tuple[str, ...], category: str, queue: str
) -> None:
    found = said(many, topics)
    assert (found.topics, found.topic.label, found.category.label) == (having, having[0], category)
    assert (found.decision.queue, found.review) == (queue, (OUT_OF_SCOPE,) if category == OUT_OF_SCOPE else ())
    assert (found.sentiment is None) == (category == OUT_OF_SCOPE)


@pytest.mark.parametrize("topics", [{"refund": 0.4}, {"refund": 0.3, OUT_OF_SCOPE: 0.45}, {}])
def test_a_message_without_a_topic_goes_to_a_person(many: Bundle, topics: dict[str, float]) -> None:
    found = said(many, topics)
    assert (found.topics, AMBIGUOUS in found.review) == ((), True)
    assert found.category.label != OUT_OF_SCOPE
    assert cells(found)["nabd_topics"] == ""


def test_a_message_alone_is_as_in_any_list(many: Bundle) -> None:
    together = score([Message(text) for text in TEXTS], many, RULES)
    assert len({each.topics for each in together}) > 1
    for text, each in zip(TEXTS, together, strict=True):
        (alone,) = score([Message(text)], many, RULES)
        assert (alone.topics, alone.category.label, alone.decision) == (each.topics, each.category.label, each.decision)
        assert alone.topic.probabilities == pytest.approx(dict(each.topic.probabilities), abs=1e-5)


def test_the_topics_it_has_are_listed_and_read_back(many: Bundle) -> None:
    for each in score([Message(text) for text in TEXTS], many, RULES):
        listed = read_topics(str(cells(each)["nabd_topics"]))
        assert tuple(listed) == each.topics
        assert all(abs(listed[topic] - each.topic.probabilities[topic]) <= 0.005001 for topic in listed)


def test_one_topic_a_message_stays_as_it_was(tiny_bundle: Bundle) -> None:
    for each in score([Message(text) for text in TEXTS], tiny_bundle, RULES):
        assert each.topics is None
        assert sum(each.topic.probabilities.values()) == pytest.approx(1)
        assert document(each)["topics"] == (each.topic.label,)


def test_the_service_tells_all_topics(many: Bundle) -> None:
    found = said(many, {"refund": 0.8, "خرابی": 0.9})
    answer = ScoredOut.model_validate({"id": None, **document(found)})
    assert answer.topics == ("خرابی", "refund")


def test_a_queue_is_right_where_the_message_has_one_of_its_topics() -> None:
    router = Router(RULES)
    known = {"topic": ("refund",), "category": ("Money",), "domain": ("Money",), "review": ()}
    assert probability_right(known, {"refund": 0.8, "رسوم": 0.5, "خرابی": 0.9}, router, TABLE) == pytest.approx(0.9)
    one = replace(TABLE, multilabel=False)
    assert probability_right(known, {"refund": 0.5, "رسوم": 0.2, "خرابی": 0.3}, router, one) == pytest.approx(0.7)
    assert probability_right(known, {}, router, TABLE) == 0.0


def test_an_explanation_lists_the_topics(many: Bundle) -> None:
    for text in TEXTS[:3]:
        found = explain(text, many)
        assert found.topics == score([Message(text)], many, RULES)[0].topics
        assert json.loads(to_json(found))["topics"] == list(found.topics or ())
        assert explain(text, many, task="category").prediction.label == TABLE.category_of[found.prediction.label]


def test_a_bundle_is_written_and_read_back(many: Bundle, tmp_path: Path) -> None:
    bundles.save(many, tmp_path / "many")
    found = bundles.load(tmp_path / "many", encoder=FakeEncoder())
    assert (found.taxonomy, dict(found.applies)) == (TABLE, APPLIES)
    messages = [Message(text) for text in TEXTS]
    mine, theirs = ([replace(each, model="") for each in score(messages, one, RULES)] for one in (found, many))
    assert mine == theirs


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no levels": (lambda m: m.pop("applies"), "is not of schema 2"),
    "levels of a model with one topic": (lambda m: m["taxonomy"].pop("multilabel"), "is not of schema 2"),
    "a level too few": (lambda m: m["applies"].pop("refund"), "applies is"),
    "a level of no topic": (lambda m: m["applies"].update(x=0.5), "applies is"),
    "a level that is no number": (lambda m: m["applies"].update(refund="0.5"), "applies is"),
    "a level of nothing": (lambda m: m["applies"].update(refund=0.0), "applies is"),
    "another flag": (lambda m: m["taxonomy"].update(ordered=True), "which this version of Nabd does not know"),
    "an unknown way": (lambda m: m["taxonomy"].update(multilabel="threshold"), "does not know"),
}


@pytest.mark.parametrize(("edit", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_known_is_refused(
    many: Bundle, tmp_path: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    bundles.save(many, tmp_path / "many")
    path = tmp_path / "many" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    edit(manifest)
    manifest["sha256"] = digest(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=message):
        bundles.load(tmp_path / "many", encoder=FakeEncoder())


def test_the_flag_is_written_only_where_it_holds() -> None:
    assert "multilabel" not in DEFAULT.to_dict()
    assert TABLE.to_dict()["multilabel"] is True
    assert Taxonomy.from_dict(TABLE.to_dict()) == TABLE != replace(TABLE, multilabel=False)
