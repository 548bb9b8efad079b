"""The customer's messages in what a helpdesk posts; agents' messages, private notes and other events hold none.

Shapes: Zendesk https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events ("comment added");
Chatwoot https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks; Zammad
https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html; Freshdesk
https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules. What a trigger of
Zendesk or a rule of Freshdesk posts is written by hand: `{"nabd": {"id", "ticket", "customer", "time", "channel",
"subject", "text"}}` is read from either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.columns.times import times
from pipeline.readers.helpdesk.shape import Side, as_id, as_object, first_text, person
from pipeline.readers.helpdesk.zammad import ZAMMAD
from pipeline.records import Values
from pipeline.service.keeping import LONGEST_ID, Arrival

Payload = Values
Read = Callable[[Payload], Iterator[Arrival]]
_ZENDESK_COMMENT = "zen:event-type:ticket.comment_added"
_CHATWOOT_INCOMING = ("incoming", 0)


def zendesk(payload: Payload) -> Iterator[Arrival]:
    """An event subscription to "comment added", which the first message of a ticket is too; or a trigger's own."""
    yield from _by_hand("zendesk", payload)
    comment = as_object(as_object(payload.get("event")).get("comment"))
    author = as_object(comment.get("author"))
    if payload.get("type") != _ZENDESK_COMMENT or not comment.get("is_public") or author.get("is_staff") is not False:
        return
    ticket = as_object(payload.get("detail"))
    yield from _arrival(
        "zendesk",
        id=comment.get("id"),
        customer=person(author, author.get("id") or ticket.get("requester_id")),
        time=payload.get("time"),
        ticket=ticket.get("id"),
        channel=as_object(ticket.get("via")).get("channel"),
        subject=ticket.get("subject"),
        text=comment.get("body"),
    )


def chatwoot(payload: Payload) -> Iterator[Arrival]:
    if payload.get("event") != "message_created" or payload.get("message_type") not in _CHATWOOT_INCOMING:
        return
    if payload.get("private"):
        return
    conversation = as_object(payload.get("conversation"))
    sender = as_object(payload.get("sender"))
    yield from _arrival(
        "chatwoot",
        id=payload.get("id"),
        customer=person(sender, sender.get("id")),
        time=payload.get("created_at"),
        ticket=conversation.get("id"),
        channel=first_text(conversation.get("channel")).rpartition("::")[2].lower(),
        text=payload.get("content"),
    )


def zammad(payload: Payload) -> Iterator[Arrival]:
    ticket, article = as_object(payload.get("ticket")), as_object(payload.get("article"))
    people = [as_object(ticket.get("customer")), as_object(article.get("created_by"))]
    side = Side({str(who["id"]): who for who in reversed(people) if "id" in who})
    if not article:
        return
    for turn in ZAMMAD.turns({**ticket, "articles": [article]}, side):
        if turn.skipped is None:
            known = {"id", "customer", "time", "channel", "subject", "text"}
            found = {name: turn.values.get(name) for name in known}
            yield from _arrival("zammad", **found, ticket=turn.values.get("thread"))


def freshdesk(payload: Payload) -> Iterator[Arrival]:
    """The fields of "simple" content, `freshdesk_webhook`; the rule must be one that only a customer sets off."""
    yield from _by_hand("freshdesk", payload)
    ticket = as_object(payload.get("freshdesk_webhook"))
    names = ("ticket_latest_public_comment", "ticket_description_text", "ticket_description")
    yield from _arrival(
        "freshdesk",
        id=None,
        customer=first_text(ticket.get("ticket_requester_email"), ticket.get("ticket_contact_email")) or None,
        time=None,
        ticket=ticket.get("ticket_id"),
        channel=first_text(ticket.get("ticket_source")).lower(),
        subject=ticket.get("ticket_subject"),
        text=first_text(*(ticket.get(name) for name in names)),
    )


def _by_hand(provider: str, payload: Payload) -> Iterator[Arrival]:
    given = as_object(payload.get("nabd"))
    names = ("id", "ticket", "customer", "time", "channel", "subject", "text")
    yield from _arrival(provider, **{name: given.get(name) for name in names})


def _arrival(
    provider: str, *, id: Any, customer: Any, time: Any, ticket: Any, channel: Any, text: Any, subject: Any = None
) -> Iterator[Arrival]:
    """One, where there are a text and a customer. Ids get the provider's name, for two helpdesks may count alike."""
    body, who = first_text(text), str(customer).strip() if isinstance(customer, str | int) else ""
    if not body or not who or len(who) > LONGEST_ID:
        return
    heading = first_text(subject)
    own = as_id(id) or None
    yield Arrival(
        text=body if not heading or body.startswith(heading) else f"{heading}\n{body}",
        id=f"{provider}:{own}"[:LONGEST_ID] if own else None,
        customer=who,
        time=times([time])[0],
        ticket=f"{provider}:{ticket}"[:LONGEST_ID] if isinstance(ticket, str | int) and ticket != "" else None,
        channel=first_text(channel) or provider,
    )
