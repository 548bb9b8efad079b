from __future__ import annotations

import re
from dataclasses import replace

from pipeline.bundle import Bundle
from pipeline.output import COLUMNS, TYPES, cells
from pipeline.records import Decision, Message, Prediction, Scored
from pipeline.score import score
from pipeline.settings import load_settings

DOCUMENTED = re.findall(
    r"\w+",
    """
    nabd_language nabd_domain nabd_category nabd_category_confidence nabd_topic nabd_topic_confidence nabd_sentiment
    nabd_sentiment_confidence nabd_sentiment_score nabd_emotion nabd_emotion_confidence nabd_urgency
    nabd_urgency_confidence nabd_churn nabd_churn_probability nabd_queue nabd_priority nabd_sla_minutes
    nabd_route_reason nabd_tags nabd_review nabd_flags nabd_model
    """,
)
KINDS = {"string": str, "float": float, "int": int}


def label(name: str, confidence: float = 0.123456) -> Prediction:
    return Prediction(name, confidence, {name: confidence})


SCORED = Scored(
    "fa", "support", label("billing"), label("refund"), label("negative"), -0.987654, label("anger"), label("high"),
    Prediction("no", 0.8, {"no": 0.8, "yes": 0.2}), Decision("پول", "high", 30, "r: topic=refund", ("a", "b")),
    ("ambiguous", "too_short"), ("truncated", "pii_masked"), "m@1",
)  # fmt: skip


def test_the_documented_columns_in_the_documented_order() -> None:
    assert list(COLUMNS) == list(TYPES) == list(cells(SCORED)) == DOCUMENTED


def test_one_value_a_column() -> None:
    assert tuple(cells(SCORED).values()) == (
        "fa", "support", "billing", 0.1235, "refund", 0.1235, "negative", 0.1235, -0.9877, "anger", 0.1235, "high",
        0.1235, "no", 0.2, "پول", "high", 30, "r: topic=refund", "a;b", "ambiguous;too_short", "truncated;pii_masked",
        "m@1",
    )  # fmt: skip


def test_no_sentiment_and_no_reasons_are_empty() -> None:
    found = cells(replace(SCORED, sentiment=None, sentiment_score=None, review=(), flags=()))
    assert [found[name] for name in DOCUMENTED[6:9]] == [None, None, None]
    assert (found["nabd_review"], found["nabd_flags"]) == ("", "")


def test_values_have_their_announced_type(tiny_bundle: Bundle) -> None:
    texts = ("وين طلبي", "سفارشم کو", "where is it", "", "Где мой заказ")
    for each in score([Message(text) for text in texts], tiny_bundle, load_settings(environment={}).routes):
        for name, value in cells(each).items():
            assert isinstance(value, KINDS[TYPES[name]]) or (value is None and name.startswith("nabd_sentiment"))
