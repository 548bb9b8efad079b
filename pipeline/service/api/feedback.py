"""POST /v1/feedback: a person's word on a label of a message, or on whether a customer left."""

from __future__ import annotations

from datetime import date as Day
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.service.access import needs
from pipeline.service.api.paged import nothing, store_of
from pipeline.service.auth.access import Actor
from pipeline.service.idempotency import IdempotencyKey, digest, idempotent
from pipeline.service.keeping import LONGEST_ID, judge, policy
from pipeline.service.problems import Refusal
from pipeline.service.schemas import Answer, Question
from pipeline.service.state import Service, service_of
from pipeline.service.store import feedback
from pipeline.service.store.tables import Message
from pipeline.taxonomy import TASKS, Taxonomy

router = APIRouter(prefix="/v1", tags=["feedback"])
Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]+$")]
Task = Literal["category", "topic", "sentiment", "emotion", "urgency", "churn"]


class LabelFeedback(Question):
    """The label that a message should have, or has rightly."""

    message: Id
    task: Task
    label: Annotated[str, Field(min_length=1, max_length=100)]


class OutcomeFeedback(Question):
    """Whether a customer left, and when; risk is frozen at that day. `stayed` takes an earlier word back."""

    customer: Id
    outcome: Literal["left", "stayed"]
    date: Day | None = Field(default=None, description="the day; today where it is left out")


class FeedbackOut(Answer):
    id: str
    message: str | None
    customer: str | None
    task: str
    label: str
    said: str = Field(description="what the model had said: the label, or the customer's band")


EXAMPLES: dict[str, Any] = {
    "ar": {"summary": "تصحيح الموضوع", "value": {"message": "10423", "task": "topic", "label": "refund"}},
    "fa": {"summary": "تأیید احساس", "value": {"message": "10424", "task": "sentiment", "label": "negative"}},
    "en": {"summary": "a customer left", "value": {"customer": "c-17", "outcome": "left", "date": "2026-10-31"}},
}
Given = Annotated[LabelFeedback | OutcomeFeedback, Body(openapi_examples=EXAMPLES)]


@router.post("/feedback", response_model=FeedbackOut, status_code=201)
def give_feedback(
    request: Request, given: Given, actor: Annotated[Actor, Depends(needs("write"))], key: IdempotencyKey = None
) -> Response:
    """Correct or confirm a label, or say what became of a customer; the customer's risk is judged anew at once."""
    service = service_of(request)
    asked = digest(given.model_dump_json().encode())
    with store_of(service).begin() as session:
        return idempotent(request, session, actor, key, asked, lambda: (201, take(session, given, actor, service)))


def take(session: Session, given: LabelFeedback | OutcomeFeedback, actor: Actor, service: Service) -> dict[str, Any]:
    """Writes the feedback and judges the customer. Raises Refusal: 404 for nobody, 422 for a label that is none."""
    now = service.clock()
    if isinstance(given, LabelFeedback):
        check_label(given.task, given.label, service.model.bundle.taxonomy)
        row = feedback.on_message(session, given.message, task=given.task, label=given.label, actor=actor.id, now=now)
        message = session.get(Message, given.message)
        customer = message.customer_id if message else None
    else:
        day = given.date.isoformat() if given.date and given.outcome == "left" else ""
        row = feedback.on_customer(session, given.customer, task=given.outcome, label=day, actor=actor.id, now=now)
        customer = given.customer
    if row is None:
        raise nothing("message" if isinstance(given, LabelFeedback) else "customer")
    if customer:
        judge(session, [customer], policy(service), now)
    return {
        "id": row.id, "message": row.message_id, "customer": row.customer_id, "task": row.task, "label": row.label,
        "said": row.said,
    }  # fmt: skip


def check_label(task: str, label: str, taxonomy: Taxonomy) -> None:
    """Raises Refusal (422), with the labels that there are."""
    known = taxonomy.category_ids if task == "category" else taxonomy.labels(task) if task in TASKS else ()
    if label not in known:
        detail = f"the label is none of {task}; expected one of {', '.join(known)}"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
