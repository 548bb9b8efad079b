"""Everything that the sections of one page look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.clean import clean
from pipeline.history.threads import Ticket, threads
from pipeline.privacy import mask
from pipeline.records import Contact, CustomerRisk
from pipeline.report.blocks import Cell, Table, num
from pipeline.report.locale import Locale
from pipeline.report.periods import Periods
from pipeline.report.words import Words

if TYPE_CHECKING:
    from pipeline.emerging.find import Emerging

QUOTED = 220  # characters of an example
MOST_SERIES = 7  # of a chart; the rest are one


@dataclass(frozen=True)
class View:
    """`contacts` are in time order. `risks` and `emerging` are None where they were not worked out.

    `certificate` is the part `certificate` of the model's metrics, None where the model is not at hand.
    """

    contacts: Sequence[Contact]
    words: Words
    risks: Sequence[CustomerRisk] | None = None
    emerging: Emerging | None = None
    certificate: Mapping[str, Any] | None = None
    synthetic: bool = False

    @property
    def locale(self) -> Locale:
        return self.words.locale

    @cached_property
    def periods(self) -> Periods:
        return Periods.of(self.contacts)

    @cached_property
    def by_period(self) -> list[list[Contact]]:
        return self.periods.split(self.contacts)

    @cached_property
    def ticks(self) -> list[str]:
        return [self.locale.short_date(datetime.combine(start, time())) for start in self.periods.starts]

    @cached_property
    def tickets(self) -> list[Ticket]:
        return threads(self.contacts)

    @cached_property
    def felt(self) -> list[Contact]:
        """The messages that have a sentiment: those in scope."""
        return [contact for contact in self.contacts if contact.sentiment]

    def series(self, of: Callable[[Contact], str], name: Callable[[str], str]) -> dict[str, list[float]]:
        """Counts by period of the most common values, by their names; the rest together."""
        counts = Counter(map(of, self.contacts))
        kept = [
            value for value, _ in counts.most_common(MOST_SERIES if len(counts) <= MOST_SERIES else MOST_SERIES - 1)
        ]
        found = {name(value): [float(sum(of(c) == value for c in part)) for part in self.by_period] for value in kept}
        if len(kept) < len(counts):
            chosen = set(kept)
            found[self.words("others")] = [float(sum(of(c) not in chosen for c in part)) for part in self.by_period]
        return found

    def series_table(self, caption: str, series: Mapping[str, Sequence[float]]) -> Table:
        """The figures of a chart over time."""
        rows = [
            [Cell(tick), *(num(self.locale.number(values[place])) for values in series.values())]
            for place, tick in enumerate(self.ticks)
        ]
        return Table(caption, [self.words("when"), *series], rows)

    def quote(self, contact: Contact) -> str:
        """The sentence that decided, else how the message begins; personal data masked."""
        text = " ".join(mask(clean(contact.evidence or contact.text)).text.split())
        return text if len(text) <= QUOTED else text[:QUOTED].rsplit(" ", 1)[0] + " …"
