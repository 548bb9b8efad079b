"""One job: every row scored, written and kept, the output whole or not at all.

Rows go through in pieces. Each is kept in one transaction that first asks whether the job still runs, so that a cancel
or an erasure takes effect between two pieces, and so that a job that is run again keeps each message once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from pipeline.batch import Items, message, windows
from pipeline.columns import Roles
from pipeline.output import COLUMNS, TYPES, cells
from pipeline.readers import Source, open_source
from pipeline.records import Message, Reject, Row, Scored
from pipeline.service import keeping
from pipeline.service.batching import Refused
from pipeline.service.jobs import files
from pipeline.service.jobs.arrivals import Arrivals
from pipeline.service.jobs.describe import Mapped, mapped
from pipeline.service.jobs.survey import survey
from pipeline.service.keeping import Arrival, Incoming, storable
from pipeline.service.state import Service
from pipeline.service.store import jobs
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Job
from pipeline.summary import Summary
from pipeline.writers import RejectsWriter, Writer, open_writer

PIECE = 64  # rows between two looks at whether the job still runs
JUDGED = 50  # customers a transaction


class Lost(Exception):
    """The job was cancelled or put back while it ran: what it wrote is void."""


@dataclass
class Progress:
    """What has come through; `kept` counts the messages in the store."""

    customers: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    summary: Summary = field(default_factory=Summary)
    kept: int = 0

    @property
    def counts(self) -> dict[str, int]:
        return {"done": self.summary.rows + self.summary.rejected, "rejected": self.summary.rejected}


class Run:
    """One run of `job`, whose upload is at `path`, which ends early when `stops` says so.

    Raises Lost, Refused when the service stops, and NabdError for what cannot be read or written.
    """

    def __init__(self, service: Service, job: Job, path: Path, *, stops: Callable[[], bool] = lambda: False) -> None:
        assert service.store is not None  # nosec B101 # for the types: no worker without a store
        self._service, self._job, self._path, self._stops = service, job, path, stops
        self._store: Store = service.store
        self._policy = keeping.policy(service)
        self._progress = Progress()

    def __call__(self) -> None:
        files.clear_output(self._service.uploads, self._job.id)
        surveyed = survey(self._path, self._job.options)
        with open_source(self._path) as source:
            found = mapped(source, self._job.options)
            self._say(rows=surveyed.rows, options=_named(found), done=0, rejected=0)
            self._score(source, found, Arrivals(self._job.id, found, surveyed))
            skipped = dict(source.skipped)
        self._judge()
        self._end(skipped)

    def _score(self, source: Source, found: Mapped, arrivals: Arrivals) -> None:
        columns = [*source.columns, *(name for name in COLUMNS if name not in source.columns)]
        result = files.new_result(self._path, source.format)
        with ExitStack() as stack:
            writer = stack.enter_context(open_writer(result, columns=columns, source=source, types=TYPES))
            rejects = stack.enter_context(RejectsWriter(files.rejects(self._service.uploads, self._job.id)))
            for piece in _pieces(source):
                self._piece(piece, found, arrivals, (writer, rejects))
        for path in (result, files.rejects(self._service.uploads, self._job.id)):
            if path.exists():
                path.chmod(files.FILE_MODE)

    def _piece(
        self, piece: Sequence[Row | Reject], found: Mapped, arrivals: Arrivals, outputs: tuple[Writer, RejectsWriter]
    ) -> None:
        rows = [item for item in piece if isinstance(item, Row)]
        unread = [item for item in piece if isinstance(item, Reject)]
        arrived = arrivals.of(rows)
        scored = self._service.batcher.score_sync(self._messages(rows, arrived, found.roles))
        outputs[0].write([{**row.values, **cells(each)} for row, each in zip(rows, scored, strict=True)])
        outputs[1].write(unread)
        self._progress.summary.add(scored, rejected=len(unread))
        self._progress.models.update(each.model for each in scored)
        both = zip(rows, arrived, scored, strict=True)
        self._keep([(row, arrival, each) for row, arrival, each in both if arrival is not None], arrivals)

    def _messages(self, rows: Sequence[Row], arrived: Sequence[Arrival | None], roles: Roles) -> list[Message]:
        """Each with the risk band that its customer had before the job."""
        customers = [each.customer if each else None for each in arrived]
        bands = keeping.bands(self._store, customers)
        pairs = zip(rows, customers, strict=True)
        return [replace(message(row, roles), risk=bands.get(customer or "", "")) for row, customer in pairs]

    def _keep(self, found: list[tuple[Row, Arrival, Scored]], arrivals: Arrivals) -> None:
        """In one transaction with the progress; an id that is another customer's gives way to one of the row."""
        self._progress.customers.update(storable(each.customer) for _, each, _ in found if each.customer)
        with self._store.begin() as session:
            self._advance(session, self._progress.counts)
            taken = keeping.taken(session, [each for _, each, _ in found])
            pairs: list[tuple[Incoming, Scored]] = [
                (each.called(arrivals.by_row(row.number)) if each.id in taken else each, scored)
                for row, each, scored in found
            ]
            keeping.add(session, pairs, self._job.id, self._policy, self._service.clock())
        self._progress.kept += len(pairs)

    def _judge(self) -> None:
        """Each customer once, at the end: within the job a risk would be judged again with every piece."""
        ids = sorted(self._progress.customers)
        for start in range(0, len(ids), JUDGED):
            with self._store.begin() as session:
                self._advance(session, {})
                keeping.judge(session, ids[start : start + JUDGED], self._policy, self._service.clock())

    def _end(self, skipped: dict[str, int]) -> None:
        summary = self._progress.summary
        told = {
            **self._job.summary, "scored": summary.rows, "review": summary.review, "kept": self._progress.kept,
            "counts": {name.lower(): dict(counts) for name, counts in summary.counts.items()}, "skipped": skipped,
        }  # fmt: skip
        ended = {
            "summary": told, "model": ", ".join(sorted(self._progress.models))[:200],
            "customers": sorted(self._progress.customers),
        }  # fmt: skip
        with self._store.begin() as session:
            if not jobs.end(session, self._job.id, jobs.DONE, self._service.clock(), **ended):
                raise Lost

    def _say(self, **changes: Any) -> None:
        with self._store.begin() as session:
            self._advance(session, changes)

    def _advance(self, session: Session, changes: Mapping[str, Any]) -> None:
        if self._stops():
            raise Refused
        if not jobs.advance(session, self._job.id, self._service.clock(), **changes):
            raise Lost


def _pieces(items: Items) -> Iterator[Sequence[Row | Reject]]:
    for window in windows(items):
        for start in range(0, len(window), PIECE):
            yield window[start : start + PIECE]


def _named(found: Mapped) -> dict[str, str]:
    """The column of each role that the job reads, as erasure needs to know it."""
    roles = {role: name for role in ("text", "customer", "time", "id") if (name := getattr(found.roles, role))}
    return roles | ({"ticket": found.desk["ticket"]} if "ticket" in found.desk else {})
