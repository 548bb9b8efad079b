"""What must be done from time to time: risks grow old, uploads are forgotten, and what is kept is kept only so long."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from pipeline.service import keeping
from pipeline.service.jobs import files
from pipeline.service.state import Service
from pipeline.service.store import customers, jobs, retention
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Job

STALE = timedelta(days=1)  # of a risk: it fades, and silence grows, with time alone
JUDGED, MOST_JUDGED = 50, 1_000  # customers a transaction, and a round
UNUSED = timedelta(days=1)  # of an upload that no job was started on
PURGED = timedelta(hours=1)  # between two looks for what is too old


class Upkeep:
    """Call it every minute or so."""

    def __init__(self, service: Service) -> None:
        assert service.store is not None  # nosec B101 # for the types: no upkeep without a store
        self._service = service
        self._store: Store = service.store
        self._purged: datetime | None = None

    def __call__(self) -> None:
        """Raises StoreError when the store is not to be had."""
        now = self._service.clock()
        self._judge(now)
        if self._purged is None or now - self._purged >= PURGED:
            self._drop_unused(now)
            self._purge(now)
            self._purged = now

    def _judge(self, now: datetime) -> None:
        policy = keeping.policy(self._service)
        for _ in range(MOST_JUDGED // JUDGED):
            with self._store.begin() as session:
                ids = customers.stale(session, now - STALE, limit=JUDGED)
                keeping.judge(session, ids, policy, now)
            if len(ids) < JUDGED:
                return

    def _drop_unused(self, now: datetime) -> None:
        with self._store.begin() as session:
            old = select(Job).where(Job.state == jobs.UPLOADED, Job.created_at < now - UNUSED)
            for job in session.scalars(old.with_for_update()):
                files.remove(self._service.uploads, job.id)
                session.delete(job)

    def _purge(self, now: datetime) -> None:
        days = self._service.service.retention_days
        before = now - timedelta(days=days) if days else None
        with self._store.begin() as session:
            retention.purge(session, before, uploads=self._service.uploads, now=now)
