"""What goes over the wire to score: the records of `pipeline.records` as documents, every unknown field refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Body
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_MESSAGES, MAX_TEXT, MAX_EXPLAINED = 1_000, 1_000_000, 20
MAX_COLUMNS, MAX_COLUMN = 200, 10_000
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _moment(time: datetime) -> datetime:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not EARLIEST <= aware <= LATEST:
        raise ValueError(f"expected a time between {EARLIEST.year} and {LATEST.year}")
    return aware


Probability = Annotated[float, Field(ge=0, le=1.000_001)]
Moment = Annotated[datetime, AfterValidator(_moment), Field(description="ISO 8601; UTC where it has no offset")]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Word = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Cell = Annotated[str, Field(max_length=MAX_COLUMN)] | int | float | bool | None


class Question(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What the service answers, read from the record of the same fields."""

    model_config = ConfigDict(from_attributes=True)


class OutcomeIn(Question):
    """What the desk recorded of the ticket; leave out what it did not."""

    status: Literal["open", "pending", "solved", "reopened"] | None = None
    first_response: Amount | None = Field(None, description="minutes")
    resolution: Amount | None = Field(None, description="minutes")
    csat: Annotated[float, Field(ge=0, le=1)] | None = Field(None, description="0 (worst) to 1")
    nps: Annotated[float, Field(ge=0, le=10)] | None = None
    revenue: Amount | None = Field(None, description="of one year, in your own currency")
    stage: Word | None = None
    group: Word | None = None
    left: Moment | None = Field(None, description="when the customer left")


class MessageIn(Question):
    text: str = Field(max_length=MAX_TEXT, description="the message as the customer wrote it")
    id: Id | None = Field(None, description="your own; a message with one is kept, and the same id again replaces it")
    customer: Id | None = Field(None, description="your own id; a message of a customer is kept")
    time: Moment | None = Field(None, description="when it was written; now where it is left out")
    ticket: Id | None = None
    channel: Word | None = Field(None, description="for routes on `channel`")
    outcome: OutcomeIn | None = None
    columns: dict[Annotated[str, Field(max_length=200)], Cell] = Field(
        default_factory=dict, max_length=MAX_COLUMNS, description="other values, for routes on `column:NAME`"
    )


class ScoreRequest(Question):
    messages: list[MessageIn] = Field(min_length=1, max_length=MAX_MESSAGES)
    explain: bool = Field(False, description=f"also which words decided the topic; at most {MAX_EXPLAINED} messages")

    @model_validator(mode="after")
    def _few_to_explain(self) -> Self:
        if self.explain and len(self.messages) > MAX_EXPLAINED:
            raise ValueError(f"{len(self.messages)} messages to explain, expected {MAX_EXPLAINED} at most")
        return self


class PredictionOut(Answer):
    label: str
    confidence: Probability
    probabilities: dict[str, Probability] = Field(
        description="calibrated; they sum to 1, but for topics and categories where a message may have several topics"
    )


class DecisionOut(Answer):
    queue: str
    priority: str
    sla_minutes: int
    reason: str = Field(description="the rule that matched and what it matched on")
    tags: tuple[str, ...]


class PartOut(Answer):
    text: str
    start: int = Field(description="in Unicode characters of the text that was sent")
    end: int
    weight: float = Field(description="by how much it makes the label more (or less) probable, in [-1, 1]")


class ExplanationOut(Answer):
    task: str
    label: str
    words: list[PartOut] = Field(description="the few that weigh most")
    sentence: PartOut | None = Field(description="the one that decided; null for a message of one sentence")


class ScoredOut(Answer):
    id: str | None = Field(description="the one sent, or the one it is kept under; null: nothing is kept")
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
    topics: tuple[str, ...] = Field(
        description="all that the message has, the most probable first; mostly `topic` alone"
    )
    explanation: ExplanationOut | None = Field(None, description="where `explain` asked for it")


class ScoreAnswer(Answer):
    results: list[ScoredOut] = Field(description="one a message, in the order they were sent")


def _example(summary: str, text: str, **values: Any) -> dict[str, Any]:
    return {"summary": summary, "value": {"messages": [{"text": text, **values}]}}


EXAMPLES = {
    "ar": _example("العربية", "خصمتوا المبلغ مرتين من حسابي ومحد رد علي", customer="c-1042", channel="whatsapp"),
    "fa": _example("فارسی", "سفارشم هنوز نرسیده، لطفاً پیگیری کنید", customer="c-2077", time="2026-03-21T09:30+03:30"),
    "en": _example("English", "I cannot log in since the last update", id="t-9", columns={"plan": "gold"}),
}
Scorable = Annotated[ScoreRequest, Body(openapi_examples=EXAMPLES)]
