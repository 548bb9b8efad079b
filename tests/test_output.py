from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipeline.bundle import Bundle
from pipeline.errors import InputError
from pipeline.output import COLUMNS, TYPES, cells, read_topics
from pipeline.records import Decision, Message, Prediction, Scored
from pipeline.score import score
from pipeline.settings import load_settings

DOCUMENTED = re.findall(
    r"\w+",
    """
    nabd_language nabd_domain nabd_category nabd_category_confidence nabd_topic nabd_topic_confidence nabd_topics
    nabd_sentiment nabd_sentiment_confidence nabd_sentiment_score nabd_emotion nabd_emotion_confidence nabd_urgency
    nabd_urgency_confidence nabd_churn nabd_churn_probability nabd_queue nabd_priority nabd_sla_minutes
    nabd_route_reason nabd_tags nabd_review nabd_flags nabd_model
    """,
)
KINDS = {"string": str, "float": float, "int": int}


def label(name: str, confidence: float = 0.123456) -> Prediction:
    return Prediction(name, confidence, {name: confidence})


TOPICS = {"charge": 0.2249, "refund": 0.61, "fault": 0.0099, "plan": 0.01, "access": 0.0}
SCORED = Scored(
    "fa", "support", label("billing"), Prediction("refund", 0.61, TOPICS), label("negative"), -0.987654, label("anger"),
    label("high"),
    Prediction("no", 0.8, {"no": 0.8, "yes": 0.2}), Decision("پول", "high", 30, "r: topic=refund", ("a", "b")),
    ("ambiguous", "too_short"), ("truncated", "pii_masked"), "m@1",
)  # fmt: skip


def test_the_documented_columns_in_the_documented_order() -> None:
    assert list(COLUMNS) == list(TYPES) == list(cells(SCORED)) == DOCUMENTED


def test_one_value_a_column() -> None:
    assert tuple(cells(SCORED).values()) == (
        "fa", "support", "billing", 0.1235, "refund", 0.61, "refund:0.61;charge:0.22;plan:0.01", "negative", 0.1235,
        -0.9877, "anger", 0.1235, "high", 0.1235, "no", 0.2, "پول", "high", 30, "r: topic=refund", "a;b",
        "ambiguous;too_short", "truncated;pii_masked", "m@1",
    )  # fmt: skip


def test_no_sentiment_and_no_reasons_are_empty() -> None:
    found = cells(replace(SCORED, sentiment=None, sentiment_score=None, review=(), flags=()))
    assert [found[name] for name in DOCUMENTED[7:10]] == [None, None, None]
    assert (found["nabd_review"], found["nabd_flags"]) == ("", "")


def test_values_have_their_announced_type(tiny_bundle: Bundle) -> None:
    texts = ("وين طلبي", "سفارشم کو", "where is it", "", "Где мой заказ")
    for each in score([Message(text) for text in texts], tiny_bundle, load_settings(environment={}).routes):
        for name, value in cells(each).items():
            assert isinstance(value, KINDS[TYPES[name]]) or (value is None and name.startswith("nabd_sentiment"))


def test_topics_are_read_back_as_they_are_listed() -> None:
    listed = read_topics(str(cells(SCORED)["nabd_topics"]))
    assert listed == {"refund": 0.61, "charge": 0.22, "plan": 0.01}
    assert list(listed) == ["refund", "charge", "plan"]
    assert read_topics("") == {}


def test_a_listed_topic_is_the_topic_of_the_message_unless_another_category_won(tiny_bundle: Bundle) -> None:
    texts = ("وين طلبي من أسبوع", "پولم برنگشت", "where is my refund", "")
    for each in score([Message(text) for text in texts], tiny_bundle, load_settings(environment={}).routes):
        listed = read_topics(str(cells(each)["nabd_topics"]))
        probable = {topic: p for topic, p in each.topic.probabilities.items() if p >= 0.01}
        assert listed.keys() == probable.keys()
        assert all(abs(listed[topic] - p) <= 0.005001 for topic, p in probable.items())
        assert list(listed.values()) == sorted(listed.values(), reverse=True)


@pytest.mark.parametrize("cell", ["refund", "refund:", "refund:many;charge:0.1"])
def test_an_altered_list_of_topics_is_refused(cell: str) -> None:
    with pytest.raises(InputError, match="nabd_topics was altered"):
        read_topics(cell)
