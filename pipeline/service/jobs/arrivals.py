"""The rows of a job as messages to keep: whose they are, when they were sent, and what the desk recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pipeline.batch import message
from pipeline.columns.cells import as_text
from pipeline.columns.times import times
from pipeline.history.outcome import outcomes
from pipeline.history.scales import is_outbound
from pipeline.records import Row
from pipeline.service.jobs.describe import Mapped
from pipeline.service.jobs.survey import Survey
from pipeline.service.keeping import LONGEST_ID, Arrival

_THREADED = ("references", "in_reply_to", "message_id")


class Arrivals:
    """Rows in, arrivals out; a message keeps its own id the first time that the file has it, else one of its row."""

    def __init__(self, job: str, found: Mapped, surveyed: Survey) -> None:
        self._job, self._found, self._telling = job, found, surveyed.telling
        self._seen: set[int] = set()  # hashes of ids, a few bytes each

    def of(self, rows: Sequence[Row]) -> list[Arrival | None]:
        """One a row; None for a message of the desk, of nobody, or of a customer whose id is too long to be one."""
        roles, desk = self._found.roles, self._found.desk
        both, begin = [*self._telling, *rows], len(self._telling)
        moments = times([row.values.get(roles.time) for row in both]) if roles.time else [None] * len(both)
        recorded = outcomes(both, desk, moments)[begin:]
        found: list[Arrival | None] = []
        for row, moment, outcome in zip(rows, moments[begin:], recorded, strict=True):
            customer = as_text(row.values.get(roles.customer)) if roles.customer else ""
            outbound = "direction" in desk and is_outbound(row.values.get(desk["direction"]))
            if outbound or not customer or len(customer) > LONGEST_ID:
                found.append(None)
                continue
            read = message(row, roles)
            own = self._id(row)
            found.append(
                Arrival(read.text, own, customer, moment, self._ticket(row) or own, read.channel, asdict(outcome))
            )
        return found

    def by_row(self, row: int) -> str:
        """The id of a message that has none of its own that is free; the same at every run of the job."""
        return f"{self._job}:{row}"

    def _id(self, row: Row) -> str:
        own = as_text(row.values.get(self._found.roles.id)) if self._found.roles.id else ""
        if not own or len(own) > LONGEST_ID or hash(own) in self._seen:
            return self.by_row(row.number)
        self._seen.add(hash(own))
        return own

    def _ticket(self, row: Row) -> str:
        """Its own column; in mail the first message of the conversation (RFC 5322, 3.6.4)."""
        if "ticket" in self._found.desk:
            return as_text(row.values.get(self._found.desk["ticket"]))
        ids = next((as_text(row.values.get(name)) for name in _THREADED if row.values.get(name)), "")
        return ids.split()[0] if ids.startswith("<") else ""
