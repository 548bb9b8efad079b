"""Where messages go and when they come: the load of each queue, its SLA, the hours of the week."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from babel.dates import get_day_names

from pipeline.records import Contact
from pipeline.report.blocks import Cell, Chart, Section, Table, num
from pipeline.report.charts import heatmap
from pipeline.report.estimates import share, shown_share
from pipeline.report.view import View
from pipeline.taxonomy import URGENT

SLOTS = 8  # of the day, three hours each
WEEK = {"en": 0, "ar": 6, "fa": 5}  # the day that a week begins with; 0 is Monday


def queues(view: View) -> Section:
    return Section("queues", view.words("queues"), (_table(view), _hours(view)))


def _table(view: View) -> Table:
    words = view.words
    parts: dict[str, list[Contact]] = defaultdict(list)
    for contact in view.contacts:
        parts[contact.queue or words("unknown")].append(contact)
    answered = any(contact.outcome.first_response is not None for contact in view.contacts)
    keys = ["queue", "messages", "per_day", "busiest", "urgent_share", "sla", *(["in_sla"] if answered else [])]
    rows = [
        _row(view, name, part, answered=answered)
        for name, part in sorted(parts.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    return Table(words("queues"), [words(key) for key in keys], rows)


def _row(view: View, name: str, part: list[Contact], *, answered: bool) -> list[Cell]:
    locale = view.locale
    day, most = Counter(contact.time.date() for contact in part).most_common(1)[0]
    busiest = max((contact for contact in part if contact.time.date() == day), key=lambda contact: contact.time)
    urgent = share(sum(contact.urgency == URGENT for contact in part), len(part))
    cells = [
        Cell(name),
        Cell(locale.number(len(part)), "num", len(part) / len(view.contacts)),
        num(locale.number(len(part) / view.periods.days, 1)),
        num(f"{locale.number(most)} ({locale.short_date(busiest.time)})"),
        num(shown_share(urgent, locale)),
        num(locale.minutes(float(np.median([contact.sla_minutes for contact in part])))),
    ]
    if answered:
        timed = [contact for contact in part if contact.outcome.first_response is not None]
        kept = sum((contact.outcome.first_response or 0.0) <= contact.sla_minutes for contact in timed)
        cells.append(num(shown_share(share(kept, len(timed)), locale)))
    return cells


def _hours(view: View) -> Chart:
    words, locale = view.words, view.locale
    counts = np.zeros((7, SLOTS), int)
    for contact in view.contacts:
        counts[contact.time.weekday(), contact.time.hour * SLOTS // 24] += 1
    order = [(WEEK[locale.language] + step) % 7 for step in range(7)]
    names = get_day_names("abbreviated", locale=locale.language)
    days = [names[day] for day in order]
    slots = [locale.number(slot * 24 // SLOTS) for slot in range(SLOTS)]
    cells = [[(float(counts[day, slot]), locale.number(counts[day, slot])) for slot in range(SLOTS)] for day in order]
    title = words("hours")
    top = (0.0, float(counts.max()) or 1.0)
    svg = heatmap(title, days, slots, cells, locale, scale=top, colours="Blues")
    rows = [[Cell(day), *(num(words_) for _, words_ in line)] for day, line in zip(days, cells, strict=True)]
    return Chart(title, svg, Table(title, ["", *slots], rows))
