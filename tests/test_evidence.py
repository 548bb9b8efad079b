"""The deciding sentence of each message. Every message is synthetic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.bundle import Bundle
from pipeline.explain.evidence import MOST, evidence, split
from pipeline.records import Message, Prediction
from pipeline.score import score
from pipeline.settings import load_settings

RULES = load_settings(environment={}).routes


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("I paid twice. Nobody answers! What now?", ["I paid twice.", "Nobody answers!", "What now?"]),
        ("خصمتوا المبلغ مرتين؟ محد يرد علي!! وش الحل", ["خصمتوا المبلغ مرتين؟", "محد يرد علي!!", "وش الحل"]),
        ("پولم برنگشته است. چرا جواب نمی‌دهید؟", ["پولم برنگشته است.", "چرا جواب نمی‌دهید؟"]),
        ("v2.5 costs 3.99 now", ["v2.5 costs 3.99 now"]),
        ("🙂 ... !", []),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_many_sentences_are_read_together() -> None:
    parts = split(" ".join(f"Sentence {number}." for number in range(3 * MOST)))
    assert len(parts) == MOST
    assert parts[0] == "Sentence 0. Sentence 1. Sentence 2."


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        (
            "Good morning, I hope you are well. I want my money back for the broken lamp. Have a nice week.",
            "money back",
        ),
        ("السلام عليكم ورحمة الله. أريد استرجاع المبلغ الذي دفعته. شكراً مقدماً.", "استرجاع المبلغ"),
        ("مساكم الله بالخير. ابغى فلوسي ترجع لي لأن الجهاز خربان. يعطيكم العافية.", "ابغى فلوسي"),
        ("سلام وقت بخیر. لطفاً پولم را برگردانید. روز خوبی داشته باشید.", "پولم را برگردانید"),
    ],
)
def test_the_sentence_that_decides(shipped: Bundle, text: str, decides: str) -> None:
    message = Message(text)
    (found,) = evidence([message], score([message], shipped, RULES), shipped)
    assert decides in found
    assert len(found) < len(text)


def test_quoted_mail_is_no_evidence(shipped: Bundle) -> None:
    message = Message(
        "Please refund me. I waited long.\n\nOn Mon, 3 Aug 2026, Desk <a@b.example> wrote:\n> We refund nothing."
    )
    (found,) = evidence([message], score([message], shipped, RULES), shipped)
    assert found == "Please refund me."


def test_out_of_scope_has_none_and_one_sentence_is_itself(tiny_bundle: Bundle) -> None:
    message = Message("hello there")
    (each,) = score([message], tiny_bundle, RULES)
    nothing = replace(each, category=Prediction("out_of_scope", 1.0, {}))
    assert evidence([message], [nothing], tiny_bundle) == [""]
    inside = replace(each, category=Prediction("billing", 1.0, {}))
    assert evidence([message], [inside], tiny_bundle) == ["hello there"]
