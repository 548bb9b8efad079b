"""What makes customers unhappy: the topics with the most negative messages, each with one that says it clearly."""

from __future__ import annotations

from collections import defaultdict

from pipeline.records import Contact
from pipeline.report.blocks import Cell, Note, Section, Table, num
from pipeline.report.estimates import share, shown_share
from pipeline.report.view import View
from pipeline.taxonomy import NEGATIVE

SHOWN = 8


def drivers(view: View) -> Section:
    words, locale = view.words, view.locale
    topics: dict[str, list[Contact]] = defaultdict(list)
    for contact in view.felt:
        topics[contact.topic].append(contact)
    negative = {topic: [c for c in all_ if c.sentiment == NEGATIVE] for topic, all_ in topics.items()}
    ranked = sorted((topic for topic in topics if negative[topic]), key=lambda topic: (-len(negative[topic]), topic))
    rows = [
        [
            Cell(words.label("topic", topic)),
            num(locale.number(len(negative[topic]))),
            num(shown_share(share(len(negative[topic]), len(topics[topic])), locale)),
            Cell(view.quote(_clearest(negative[topic])), "quote"),
        ]
        for topic in ranked[:SHOWN]
    ]
    header = [words(key) for key in ("topic", "negative_count", "share_negative", "example")]
    return Section("drivers", words("drivers"), (Note(words("drivers_note")), Table(words("drivers"), header, rows)))


def _clearest(contacts: list[Contact]) -> Contact:
    """The most surely negative one that needs no review; the latest of equals."""
    return max(contacts, key=lambda contact: (not contact.review, round(contact.negative, 2), contact.time, contact.id))
