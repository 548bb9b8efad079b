"""*Today*: what comes in, how customers feel, where it goes, what was handed to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pipeline.report.blocks import Cell, Chart, Note, Section, Table, Tile, Tiles, num
from pipeline.report.estimates import share, shown_share
from pipeline.report.sections.emerging import emerging
from pipeline.report.view import View
from pipeline.service.console import figures as counted
from pipeline.service.console.drawings import drawing
from pipeline.service.console.entry import Reader
from pipeline.service.console.figures import Figures, figures
from pipeline.service.console.pages import Page, render
from pipeline.service.console.visitors import Visitor
from pipeline.taxonomy import NEGATIVE, POSITIVE, SENTIMENTS

PERIODS = (7, 28, 90)  # days
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
AT_RISK = ("high", "critical")
MOODS = (*(each for each in SENTIMENTS if each not in (NEGATIVE, POSITIVE)), NEGATIVE, POSITIVE)  # blue, red, green
router = APIRouter(route_class=Page)


@dataclass(frozen=True, slots=True)
class Span:
    """The `days` before `until`, a midnight in UTC."""

    days: int
    until: datetime

    @property
    def first(self) -> datetime:
        return self.until - timedelta(days=self.days)

    @property
    def last(self) -> datetime:
        return self.until - timedelta(days=1)


@router.get("/console/today")
def today(
    request: Request,
    visitor: Reader,
    days: Annotated[int, Query(ge=1, le=366)] = 28,
    until: Annotated[date | None, Query(ge=EARLIEST, le=LATEST)] = None,
) -> HTMLResponse:
    """Figures of the last days, or of those up to another day."""
    now = visitor.service.clock()
    last = now if until is None else datetime.combine(until, time(), UTC)
    span = Span(days, counted.midnight(last))
    with visitor.store.read() as session:
        found = figures(session, first=span.first, until=span.until)
        latest = counted.latest(session)
        sections = (_tiles(session, visitor, found), *_sections(visitor, found))
    return render(
        visitor, "today.html", place="today", span=span, periods=PERIODS, until=until, sections=sections,
        found=found, latest=latest, issues=_issues(visitor, request),
    )  # fmt: skip


@router.get("/console/today/emerging")
def emerging_part(request: Request, visitor: Reader) -> HTMLResponse:
    """The section of emerging issues alone, for a page that waits for it."""
    return render(visitor, "emerging.html", issues=_issues(visitor, request))


def _issues(visitor: Visitor, request: Request) -> Section | None:
    """None while they are being worked out."""
    seen = request.app.state.watch.look(visitor.service, visitor.service.clock())
    if seen is None:
        return None
    if seen.found is None:
        why = "search_failed" if seen.failed else "nothing_to_look_at"
        return Section("emerging", visitor.words("emerging"), (Note(visitor.words(why)),))
    return emerging(View(seen.contacts, visitor.words, emerging=seen.found))


def _tiles(session: Session, visitor: Visitor, found: Figures) -> Section:
    words, locale, bands = visitor.words, visitor.locale, counted.bands(session)
    last = sum(rows[-1] for rows in found.categories.values())
    before = sum(rows[-2] for rows in found.categories.values()) if len(found.days) > 1 else 0
    tiles = [
        Tile(words("messages"), locale.number(found.total),
             words("last_day", count=locale.number(last), before=locale.number(before))),
        Tile(words("negative_share"), shown_share(share(*found.negative), locale)),
        Tile(words("to_a_person"), shown_share(share(found.handed, found.total), locale)),
        Tile(words("at_risk_count"), locale.number(sum(bands[band] for band in AT_RISK)),
             words("of_customers", count=locale.number(sum(bands.values())))),
        Tile(words("to_review"), locale.number(counted.waiting(session))),
    ]  # fmt: skip
    return Section("figures", words("figures"), (Tiles(tiles),))


def _sections(visitor: Visitor, found: Figures) -> tuple[Section, ...]:
    if not found.total:
        return ()
    words = visitor.words
    return (
        Section("volumes", words("volumes"), (_chart(visitor, found, "bars", "category"),
                                              _chart(visitor, found, "shares", "sentiment"))),
        Section("queues", words("queues_and_review"), (_queues(visitor, found), _reasons(visitor, found))),
    )  # fmt: skip


def _chart(visitor: Visitor, found: Figures, kind: str, task: str) -> Chart:
    """Messages by day and label, the order of labels always the same."""
    words, locale = visitor.words, visitor.locale
    order, counts = _order(visitor, found, task)
    series = {words.label(task, label): [float(count) for count in counts[label]] for label in order}
    ticks = [locale.short_date(datetime.combine(day, time())) for day in found.days]
    title = words("joint").join([words(f"by_{task}"), words("by_day")])
    rows = [
        [Cell(tick), *(num(locale.number(values[place])) for values in series.values())]
        for place, tick in enumerate(ticks)
    ]
    table = Table(title, [words("when"), *series], rows)
    return Chart(title, drawing(kind, title, ticks, series, locale), table)


def _order(visitor: Visitor, found: Figures, task: str) -> tuple[list[str], Mapping[str, list[int]]]:
    """The labels that occur: the taxonomy's in its order, then those of another model."""
    known = MOODS if task == "sentiment" else visitor.service.model.bundle.taxonomy.category_ids
    counts = found.sentiments if task == "sentiment" else found.categories
    return [*(label for label in known if label in counts), *sorted(counts.keys() - set(known))], counts


def _queues(visitor: Visitor, found: Figures) -> Table:
    words, locale, days = visitor.words, visitor.locale, len(found.days)
    rows = [
        [Cell(name), Cell(locale.number(count), "num", count / found.total), num(locale.number(count / days, 1)),
         num(shown_share(share(handed, count), locale))]
        for name, (count, handed) in found.queues.items()
    ]  # fmt: skip
    return Table(words("queues"), [words(key) for key in ("queue", "messages", "per_day", "to_a_person")], rows)


def _reasons(visitor: Visitor, found: Figures) -> Table | Note:
    words, locale = visitor.words, visitor.locale
    if not found.reasons:
        return Note(words("none_abstained"))
    rows = [
        [Cell(words.known(reason)), Cell(locale.number(count), "num", count / found.total),
         num(shown_share(share(count, found.total), locale))]
        for reason, count in found.reasons.most_common()
    ]  # fmt: skip
    return Table(words("abstained"), [words(key) for key in ("reason", "messages", "share")], rows)
