"""Where along the journey customers are pleased or not: channel by stage by sentiment."""

from __future__ import annotations

from collections import Counter, defaultdict

from pipeline.records import Contact
from pipeline.report.blocks import Cell, Chart, Note, Section, Table, num
from pipeline.report.charts import heatmap
from pipeline.report.estimates import mean, shown_number
from pipeline.report.view import View

FEWEST, MOST_STAGES, MOST_CHANNELS = 5, 6, 10


def journey(view: View) -> Section:
    words, locale = view.words, view.locale
    given = any(contact.outcome.stage for contact in view.contacts)
    parts: dict[tuple[str, str], list[float]] = defaultdict(list)
    stage_of = _given(view) if given else _ordinal(view)
    for contact in view.felt:
        parts[contact.channel or words("unknown"), stage_of[contact.number]].append(contact.polarity)
    channels = [name for name, _ in _sizes(parts, 0).most_common(MOST_CHANNELS)]
    stages = [name for name, _ in _sizes(parts, 1).most_common(MOST_STAGES)]
    if not given:
        stages = [words(f"stage_{each}") for each in ("first", "early", "later")]
    title = words("journey")
    found = [[mean(parts.get((channel, stage), [])) for stage in stages] for channel in channels]
    cells = [[(e.value, locale.number(e.n)) if e and e.n >= FEWEST else None for e in line] for line in found]
    svg = heatmap(title, channels, stages, cells, locale, scale=(-1.0, 1.0), colours="RdYlGn")
    rows = [
        [Cell(channel), *(num(f"{shown_number(e, locale, 2)} · {locale.number(e.n)}" if e else "–") for e in line)]
        for channel, line in zip(channels, found, strict=True)
    ]
    notes = [words("journey_note", fewest=locale.number(FEWEST)), *([] if given else [words("journey_ordinal")])]
    chart = Chart(title, svg, Table(title, [words("channel"), *stages], rows))
    return Section("journey", title, (Note(" ".join(notes)), chart))


def _given(view: View) -> dict[int, str]:
    return {contact.number: contact.outcome.stage or view.words("unknown") for contact in view.contacts}


def _ordinal(view: View) -> dict[int, str]:
    """Row number -> which contact of its customer a message was."""
    seen: Counter[str] = Counter()
    found = {}
    for contact in view.contacts:
        seen[contact.customer] += bool(contact.customer)
        found[contact.number] = view.words(f"stage_{_rank(contact, seen[contact.customer])}")
    return found


def _rank(contact: Contact, place: int) -> str:
    return "first" if place <= 1 else "early" if place <= 3 else "later"


def _sizes(parts: dict[tuple[str, str], list[float]], axis: int) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for key, values in parts.items():
        sizes[key[axis]] += len(values)
    return sizes
