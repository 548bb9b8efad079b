"""Zammad tickets with their articles, inline or in the `assets` of a full API answer.

Shape: https://docs.zammad.org/en/latest/api/ticket/articles.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.readers.helpdesk.shape import Side, Turn, Vendor, as_id, as_list, as_object, first_text, person, row
from pipeline.records import Values

_CONSUMED = frozenset({"id", "title", "articles", "article_ids", "created_at"})
# The ids that a fresh Zammad gives its senders and article types; `expand=true` sends the names.
_SENDERS = {1: "Agent", 2: "Customer", 3: "System"}
_TYPES = {
    1: "email", 2: "sms", 3: "chat", 4: "fax", 5: "phone", 6: "twitter status", 7: "twitter direct-message",
    8: "facebook feed post", 9: "facebook feed comment", 10: "note", 11: "web",
}  # fmt: skip


def _matches(ticket: Values) -> bool:
    articles = as_list(ticket.get("articles"))
    return "articles" in ticket and ("customer_id" in ticket or any(article.get("sender") for article in articles))


def _turns(ticket: Values, side: Side) -> Iterator[Turn]:
    for article in as_list(ticket.get("articles")):
        yield _turn(ticket, article, side)


def _turn(ticket: Values, article: Values, side: Side) -> Turn:
    sender = article.get("sender") or _SENDERS.get(article.get("sender_id", 0))
    if article.get("internal"):
        return Turn("private note")
    if sender == "System":
        return Turn("system message")
    if sender != "Customer":
        return Turn("agent message")
    text = first_text(article.get("body"))
    if not text:
        return Turn("empty")
    return row(
        ticket,
        _CONSUMED,
        id=as_id(article.get("id")),
        thread=as_id(ticket.get("id")),
        customer=_customer(ticket, article, side),
        time=article.get("created_at"),
        channel=article.get("type") or _TYPES.get(article.get("type_id", 0)),
        subject=article.get("subject") or ticket.get("title"),
        text=text,
    )


def _customer(ticket: Values, article: Values, side: Side) -> str | None:
    number = article.get("origin_by_id") or ticket.get("customer_id") or article.get("created_by_id")
    named = first_text(ticket.get("customer"), article.get("created_by"))
    return person(side.users.get(str(number), {}), named or number) or first_text(article.get("from")) or None


def tickets_of_assets(document: Values) -> list[dict[str, Any]]:
    """Tickets with their articles put inside, from an answer such as `GET /tickets/1?all=true`."""
    assets = as_object(document.get("assets"))
    articles = list(as_object(assets.get("TicketArticle")).values())
    by_ticket: dict[Any, list[Any]] = {}
    for article in articles:
        by_ticket.setdefault(article.get("ticket_id"), []).append(article)
    tickets = as_object(assets.get("Ticket")).values()
    return [{**ticket, "articles": by_ticket.get(ticket.get("id"), [])} for ticket in tickets]


ZAMMAD = Vendor("Zammad", _matches, _turns)
