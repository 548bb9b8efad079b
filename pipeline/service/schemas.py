"""What goes over the wire: the records of `pipeline.records` as documents, every unknown field refused."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field

MAX_MESSAGES, MAX_TEXT = 1_000, 1_000_000

Probability = Annotated[float, Field(ge=0, le=1.000_001)]


class Question(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What the service answers, read from the record of the same fields."""

    model_config = ConfigDict(from_attributes=True)


class MessageIn(Question):
    text: str = Field(max_length=MAX_TEXT, description="the message as the customer wrote it")
    columns: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, description="other values of the ticket, for routes on `column:NAME`"
    )


class ScoreRequest(Question):
    messages: list[MessageIn] = Field(min_length=1, max_length=MAX_MESSAGES)


class PredictionOut(Answer):
    label: str
    confidence: Probability
    probabilities: dict[str, Probability] = Field(description="calibrated; they sum to 1")


class DecisionOut(Answer):
    queue: str
    priority: str
    sla_minutes: int
    reason: str = Field(description="the rule that matched and what it matched on")
    tags: tuple[str, ...]


class ScoredOut(Answer):
    language: str
    domain: str
    category: PredictionOut
    topic: PredictionOut
    sentiment: PredictionOut | None = Field(description="null when the message is out of scope")
    sentiment_score: float | None = Field(description="P(positive) - P(negative), in [-1, 1]")
    emotion: PredictionOut
    urgency: PredictionOut
    churn: PredictionOut
    decision: DecisionOut
    review: tuple[str, ...] = Field(description="reasons to hand the message to a person; empty: none")
    flags: tuple[str, ...]
    model: str


class ScoreAnswer(Answer):
    results: list[ScoredOut] = Field(description="one a message, in the order they were sent")


class LabelOut(Answer):
    id: str
    en: str
    ar: str
    fa: str
    meaning: str
    parent: str = Field(description="the category of a topic, the domain of a category")


class ModelOut(Answer):
    version: str
    encoder: str = Field(description="sha256 of everything that shapes the vectors")
    tasks: dict[str, list[LabelOut]]


class ModelsAnswer(Answer):
    models: list[ModelOut]


class State(Answer):
    status: str


class Ready(State):
    model: str


class Problem(BaseModel):
    """RFC 9457; `errors` says where in the body (a JSON pointer) and what, never what was sent."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = Field(default_factory=list)


def _example(summary: str, text: str, **columns: str) -> dict[str, Any]:
    return {"summary": summary, "value": {"messages": [{"text": text, "columns": columns}]}}


EXAMPLES = {
    "ar": _example("العربية", "خصمتوا المبلغ مرتين من حسابي ومحد رد علي", plan="gold"),
    "fa": _example("فارسی", "سفارشم هنوز نرسیده، لطفاً پیگیری کنید", plan="basic"),
    "en": _example("English", "I cannot log in since the last update", plan="gold"),
}
Scorable = Annotated[ScoreRequest, Body(openapi_examples=EXAMPLES)]
