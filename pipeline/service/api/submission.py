"""One request that uploads an export or starts a job, once for each idempotency key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.api.job_shapes import Start, document, plain, upload_document
from pipeline.service.api.paged import store_of
from pipeline.service.auth.access import Actor
from pipeline.service.idempotency import digest, idempotent
from pipeline.service.jobs import files, intake
from pipeline.service.jobs.intake import Taken
from pipeline.service.state import Service, service_of


@dataclass(frozen=True, slots=True)
class Submission:
    """`key` is the idempotency key, if any."""

    request: Request
    actor: Actor
    key: str | None

    @property
    def service(self) -> Service:
        return service_of(self.request)

    async def upload(self, *, starts: bool) -> Response:
        """Takes the file of the body in, and starts its job if it `starts`. Raises Refusal; no file is left then."""
        store_of(self.service)
        taken = await intake.take(self.request, self.service)
        return await to_thread.run_sync(self._add, taken, starts)

    def start(self, asked: Start) -> Response:
        """Starts the job of an upload."""
        named = asked.columns.model_dump(exclude_none=True)
        with store_of(self.service).begin() as session:

            def work() -> tuple[int, dict[str, Any]]:
                job = intake.start(session, asked.upload, named, self.actor, self.service)
                return HTTPStatus.ACCEPTED, plain(document(job))

            return self._once(session, digest(asked.model_dump_json().encode()), work)

    def _add(self, taken: Taken, starts: bool) -> Response:
        """An answer that was given before leaves the file of this upload unused: it goes."""
        named, is_kept = taken.received.fields, False
        asked = digest(taken.received.digest.encode(), json.dumps(named, sort_keys=True).encode())
        try:
            with store_of(self.service).begin() as session:
                added = False

                def work() -> tuple[int, dict[str, Any]]:
                    nonlocal added
                    added = True
                    job = intake.add(session, taken, self.actor, self.service)
                    if not starts:
                        return HTTPStatus.CREATED, upload_document(job)
                    job = intake.start(session, job.id, named, self.actor, self.service)
                    return HTTPStatus.ACCEPTED, plain(document(job))

                answer = self._once(session, asked, work)
            is_kept = added
            return answer
        finally:
            if not is_kept:
                files.remove(self.service.uploads, taken.job)

    def _once(self, session: Session, asked: str, work: Any) -> Response:
        return idempotent(self.request, session, self.actor, self.key, asked, work)
