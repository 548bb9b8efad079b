"""One pass of messages through a model, wherever it is done: in the service's own process or in one beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import to_json

from pipeline.bundle import Bundle, Judged
from pipeline.records import Message, Scored
from pipeline.score import score
from pipeline.service.documents import document
from pipeline.settings import Settings

PROBES = ("warm up", "تجربة", "آزمایش")


class Kind(NamedTuple):
    """What is counted of a message."""

    category: str
    language: str
    review: tuple[str, ...]


class Written(NamedTuple):
    """A scored message that is not kept, as it goes over the wire: its document in JSON, without an id."""

    document: bytes
    kind: Kind


class Pass(NamedTuple):
    """What became of the messages, one row each, and all that is known of the first."""

    rows: Sequence[Any]  # Written, or Scored
    first: Scored
    judged: Judged


def passed(messages: Sequence[Message], bundle: Bundle, settings: Settings, *, written: bool) -> Pass:
    """`score()` of one message or more as the settings say; `written` where only the documents are asked for."""
    heard: list[Judged] = []
    most = settings.max_characters
    found = score(messages, bundle, settings.routes, max_characters=most, on_judged=heard.append)
    (judged,) = heard
    first = Judged(
        {task: values[:1] for task, values in judged.probabilities.items()},
        judged.strange[:1], judged.vectors[:1], judged.lengths[:1],
    )  # fmt: skip
    return Pass([write(each) for each in found] if written else found, found[0], first)


def write(scored: Scored) -> Written:
    """Its document is made where the message is scored, so that the event loop has no more to do than to send it."""
    return Written(to_json({"id": None, **document(scored)}), kind_of(scored))


def kind_of(scored: Scored) -> Kind:
    return Kind(scored.category.label, scored.language, scored.review)
