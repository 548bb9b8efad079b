"""*Review*: the message that the model was least sure of, its labels corrected by a key, and the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from pipeline.bundle import Bundle
from pipeline.service import cursors
from pipeline.service.api.feedback import LabelFeedback, take
from pipeline.service.console import figures
from pipeline.service.console.entry import Posted, Writer
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.visitors import Denied, Visitor
from pipeline.service.reviewing import to_review
from pipeline.service.store import messages
from pipeline.service.store.tables import Feedback, Message
from pipeline.taxonomy import LABELS

KEYS = "1234567890qwertyuiopadfghjklzxcvbnm"  # s skips
END = "end"  # the place behind the last message
router = APIRouter(route_class=Page)


@router.get("/console/review")
def review(visitor: Writer, after: str = "") -> HTMLResponse:
    """The most informative message behind the place `after`: what was skipped comes no more until the list ends."""
    rows: list[Message] = []
    place = None
    with visitor.store.read() as session:
        if after != END:
            rows, place = to_review(session, limit=1, after=cursors.decode(after) if after else None)
        waiting, done = figures.waiting(session), _done(session, visitor)
    values = _form(visitor.service.model.bundle, rows[0]) if rows else {}
    return render(
        visitor, "review.html", place="review", message=rows[0] if rows else None, after=after, waiting=waiting,
        done=done, skip=_at(cursors.encode(place) if place else END), **values,
    )  # fmt: skip


@router.post("/console/review")
def accept(visitor: Writer, form: Posted) -> Response:
    """Keeps the topic that a person gave or confirmed, and the other labels where they were changed."""
    with visitor.store.begin() as session:
        message = messages.get(session, str(form.get("id", "")).replace("\0", ""))
        if message is None:
            raise Denied(HTTPStatus.NOT_FOUND, "gone")
        for task, label in list(_given(form, message, visitor.service.model.bundle)):
            said = LabelFeedback.model_validate({"message": message.id, "task": task, "label": label})
            take(session, said, visitor.known, visitor.service)
    return see(_at(str(form.get("after", ""))))


def _form(bundle: Bundle, message: Message) -> dict[str, Any]:
    """Topics by category, each with its key and meaning; the other tasks with what the model said."""
    keys = dict(zip(bundle.taxonomy.topic_ids, KEYS, strict=False))
    choices = [
        (category, [(topic.id, keys.get(topic.id, ""), topic.meaning) for topic in bundle.taxonomy.topics
                    if topic.parent == category])
        for category in bundle.taxonomy.category_ids
    ]  # fmt: skip
    others = [(task, bundle.taxonomy.labels(task), said(message, task)) for task in LABELS]
    return {"choices": choices, "others": others, "sure": message.scored["topic"]["confidence"]}


def said(message: Message, task: str) -> str:
    """The label that the model gave, "" where it gave none."""
    prediction: Mapping[str, str] = message.scored.get(task) or {}
    return prediction.get("label", "")


def _given(form: Mapping[str, Any], message: Message, bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Task and label of what is kept. Raises Denied for a label that there is not."""
    for task in ("topic", *LABELS):
        label = str(form.get(task, ""))
        if task == "topic" or (label and label != said(message, task)):
            if label not in bundle.taxonomy.labels(task):
                raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_form")
            yield task, label


def _done(session: Session, visitor: Visitor) -> int:
    """How many messages this person looked at today, in UTC."""
    since = figures.midnight(visitor.service.clock()) - timedelta(days=1)
    found = select(func.count(Feedback.message_id.distinct()))
    return session.scalar(found.where(Feedback.actor == visitor.known.id, Feedback.created_at >= since)) or 0


def _at(after: str) -> str:
    return "/console/review" + (f"?{urlencode({'after': after})}" if after else "")
