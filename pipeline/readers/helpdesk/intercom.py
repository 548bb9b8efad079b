"""Intercom conversations with their parts.

Shape: https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.readers.helpdesk.shape import Side, Turn, Vendor, as_id, as_list, as_object, first_text, iso_time, row
from pipeline.readers.helpdesk.shape import person as who
from pipeline.records import Values

_CONSUMED = frozenset({"id", "type", "source", "conversation_message", "conversation_parts", "created_at"})
_CUSTOMERS = ("user", "lead", "contact", "visitor")


def _matches(conversation: Values) -> bool:
    return "conversation_parts" in conversation or conversation.get("type") == "conversation"


def _turns(conversation: Values, side: Side) -> Iterator[Turn]:
    opening = as_object(conversation.get("source")) or as_object(conversation.get("conversation_message"))
    if opening:
        yield _turn(conversation, {"created_at": conversation.get("created_at"), **opening})
    parts = conversation.get("conversation_parts")
    for part in as_list(as_object(parts).get("conversation_parts", parts)):
        yield _turn(conversation, part)


def _turn(conversation: Values, part: Values) -> Turn:
    author = as_object(part.get("author"))
    if part.get("part_type") == "note":
        return Turn("private note")
    if author.get("type") == "bot":
        return Turn("system message")
    text = first_text(part.get("body"))
    if not text:
        return Turn("empty" if author.get("type") in _CUSTOMERS else "system message")
    if author.get("type") not in _CUSTOMERS:
        return Turn("agent message")
    return _row(conversation, part, author, text)


def _row(conversation: Values, part: Values, author: Values, text: str) -> Turn:
    source = as_object(conversation.get("source")) or as_object(conversation.get("conversation_message"))
    return row(
        conversation,
        _CONSUMED,
        id=as_id(part.get("id")) or as_id(conversation.get("id")),
        thread=as_id(conversation.get("id")),
        customer=who(author, author.get("id")),
        time=iso_time(part.get("created_at")),
        channel=_channel(source),
        subject=source.get("subject") or conversation.get("title"),
        text=text,
    )


def _channel(source: Values) -> Any:
    return source.get("type") or source.get("delivered_as")


INTERCOM = Vendor("Intercom", _matches, _turns)
