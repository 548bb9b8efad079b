"""*Try*: one pasted message, what Nabd says of it, which words decided, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pipeline.explain import Explanation, Part
from pipeline.explain.view import deciding
from pipeline.records import Message, Prediction, Scored
from pipeline.report.blocks import Cell, Table, num
from pipeline.service.console.entry import Posted, Scorer
from pipeline.service.console.pages import Page, render
from pipeline.service.console.visitors import Visitor

LONGEST = 5_000  # characters; each word is left out once, and every time the rest is read
RUNNERS_UP = 2
router = APIRouter(route_class=Page)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the message; `sign` is + or - where it weighed for or against the label, else empty."""

    text: str
    sign: str = ""


@router.get("/console/try")
def ask(visitor: Scorer) -> HTMLResponse:
    """An empty form."""
    return _page(visitor, "")


@router.post("/console/try")
async def answer(visitor: Scorer, form: Posted) -> HTMLResponse:
    """The message scored as the API scores it, and explained. It is not kept."""
    text = str(form.get("text", "")).strip()[:LONGEST]
    if not text:
        return _page(visitor, "")
    (scored,) = await visitor.service.batcher.score([Message(text)])
    explanation = await visitor.service.batcher.explain(text)
    return _page(
        visitor, text, scored=scored, labels=_labels(visitor, scored), pieces=list(pieces(explanation)),
        weights=_weights(visitor, explanation), sentence=explanation.sentence, reasons=_reason(visitor, scored),
    )  # fmt: skip


def pieces(explanation: Explanation) -> Iterator[Piece]:
    """The message cut so that its deciding words stand alone."""
    at = 0
    for part in sorted(deciding(explanation.words), key=lambda part: part.start):
        if part.start > at:
            yield Piece(explanation.text[at : part.start])
        yield _marked(part)
        at = part.end
    if at < len(explanation.text):
        yield Piece(explanation.text[at:])


def _marked(part: Part) -> Piece:
    return Piece(part.text, "+" if part.weight > 0 else "-")


def _page(visitor: Visitor, text: str, **values: Any) -> HTMLResponse:
    return render(visitor, "try.html", place="try", text=text, longest=LONGEST, **values)


def _weights(visitor: Visitor, explanation: Explanation) -> Table:
    """What each deciding word adds to the topic's probability, in [-1, 1]."""
    words, locale = visitor.words, visitor.locale
    rows = [
        [Cell(part.text), num(f"{'+' if part.weight > 0 else ''}{locale.number(part.weight, 3)}")]
        for part in deciding(explanation.words)
    ]
    return Table(words("weights"), [words("word"), words("weight")], rows)


def _labels(visitor: Visitor, scored: Scored) -> Table:
    """Every task: its label, how sure, and what else it might have been."""
    words = visitor.words
    found = {
        "category": scored.category, "topic": scored.topic, "sentiment": scored.sentiment, "emotion": scored.emotion,
        "urgency": scored.urgency, "churn": scored.churn,
    }  # fmt: skip
    several = {"topic": scored.topics or ()} if scored.topics is not None else {}
    rows = [
        _row(visitor, task, prediction, several.get(task, (prediction.label,)))
        for task, prediction in found.items()
        if prediction is not None
    ]
    return Table(words("labels"), [words(key) for key in ("task", "label", "confidence", "else")], rows)


def _row(visitor: Visitor, task: str, prediction: Prediction, given: Sequence[str]) -> list[Cell]:
    """`given` are the labels that the message has, none and several where its model may give so many."""
    words, locale = visitor.words, visitor.locale
    ranked = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
    others = [
        f"{words.label(task, label)} {locale.percent(value)}"
        for label, value in ranked
        if label not in (prediction.label, *given) and round(value, 2) > 0
    ]
    return [
        Cell(words(task)),
        Cell(words("joint").join(words.label(task, label) for label in given) or "–", "said"),
        Cell(locale.percent(prediction.confidence), "num", prediction.confidence),
        Cell(words("joint").join(others[:RUNNERS_UP]) or "–"),
    ]


def _reason(visitor: Visitor, scored: Scored) -> Sequence[tuple[str, str]]:
    """The route: (name, value) pairs."""
    words, locale, decision = visitor.words, visitor.locale, scored.decision
    pairs = [
        (words("queue"), decision.queue),
        (words("priority"), words.known(f"priority_{decision.priority}")),
        (words("answer_within"), locale.minutes(decision.sla_minutes)),
        (words("rule"), decision.reason),
        (words("tags"), words("joint").join(decision.tags)),
        (words("language"), words.known(f"language_{scored.language}")),
        (words("handed_because"), words("joint").join(words.known(each) for each in scored.review)),
        (words("flags"), words("joint").join(words.known(f"flag_{each}") for each in scored.flags)),
        (words("model"), scored.model),
    ]
    return [(name, value) for name, value in pairs if value]
