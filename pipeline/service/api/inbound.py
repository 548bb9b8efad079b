"""POST /v1/inbound/{provider}: a helpdesk's webhook, verified, scored and kept before it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy.orm import Session

from pipeline.records import Message, Scored
from pipeline.service import keeping
from pipeline.service.api.paged import nothing, store_of
from pipeline.service.keeping import Arrival
from pipeline.service.passing import kind_of
from pipeline.service.problems import Refusal
from pipeline.service.schemas import Answer
from pipeline.service.state import Service, service_of
from pipeline.service.store.insert import insert
from pipeline.service.store.tables import Received
from pipeline.service.webhooks import payloads, signatures

router = APIRouter(prefix="/v1", tags=["inbound"])


@dataclass(frozen=True, slots=True)
class Provider:
    """`check` verifies a webhook, `read` finds the customer's messages in it."""

    check: signatures.Check
    read: payloads.Read


PROVIDERS = {
    "zendesk": Provider(signatures.zendesk, payloads.zendesk),
    "freshdesk": Provider(signatures.freshdesk, payloads.freshdesk),
    "chatwoot": Provider(signatures.chatwoot, payloads.chatwoot),
    "zammad": Provider(signatures.zammad, payloads.zammad),
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "as the helpdesk sends it"}}},
    }
}


Provided = Annotated[str, Path(max_length=40, json_schema_extra={"enum": list(PROVIDERS)})]


class InboundAnswer(Answer):
    status: Literal["kept", "ignored", "known"] = Field(
        description="ignored: nothing in it that a customer wrote; known: it came before"
    )
    messages: int


@router.post("/inbound/{provider}", response_model=InboundAnswer, openapi_extra=BODY)
async def receive(request: Request, provider: Provided) -> dict[str, Any]:
    """A webhook of Zendesk, Freshdesk, Chatwoot or Zammad; it needs the provider's secret in the settings, and no key.

    Zendesk and Chatwoot sign a time, which may be five minutes off; a copy of any webhook is taken once.
    """
    service = service_of(request)
    known = PROVIDERS.get(provider)
    secret = getattr(service.service, f"{provider}_secret") if known else ""
    if known is None or not secret:
        raise nothing("webhook")
    body = await request.body()
    if not known.check(request.headers, body, secret, service.clock()):
        raise Refusal(HTTPStatus.FORBIDDEN, "the webhook is not signed as it should be")
    arrivals = list(known.read(_parsed(body)))
    if not arrivals:
        return {"status": "ignored", "messages": 0}
    taking = _Taking(service, provider, sha256(body).hexdigest(), arrivals)
    if await to_thread.run_sync(taking.is_known):
        return {"status": "known", "messages": 0}
    bands = await to_thread.run_sync(keeping.bands, service.store, [each.customer for each in arrivals])
    scored = await service.batcher.score([_message(each, bands) for each in arrivals])
    service.metrics.scored(map(kind_of, scored))
    kept = await to_thread.run_sync(taking.keep, scored)
    return {"status": "kept" if kept else "known", "messages": len(arrivals) if kept else 0}


def _message(each: Arrival, bands: Mapping[str, str]) -> Message:
    return Message(each.text, {}, each.channel or "", bands.get(each.customer or "", ""))


@dataclass(frozen=True, slots=True)
class _Taking:
    """The part of a webhook that speaks with the store, from a thread."""

    service: Service
    provider: str
    event: str
    arrivals: Sequence[Arrival]

    def is_known(self) -> bool:
        with store_of(self.service).read() as session:
            return session.get(Received, (self.provider, self.event)) is not None

    def keep(self, scored: Sequence[Scored]) -> bool:
        """Whether this was the first copy; the mark and the messages are kept together."""
        now = self.service.clock()
        with store_of(self.service).begin() as session:
            if not _is_first(session, self.provider, self.event, now):
                return False
            pairs = list(zip(self.arrivals, scored, strict=True))
            keeping.keep_all(session, pairs, self.provider, keeping.policy(self.service), now)
            return True


def _is_first(session: Session, provider: str, event: str, now: datetime) -> bool:
    row = {"provider": provider, "event": event, "created_at": now}
    query = insert(session, Received).values(row).on_conflict_do_nothing(index_elements=["provider", "event"])
    return session.scalars(query.returning(Received.event)).first() is not None


def _parsed(body: bytes) -> dict[str, Any]:
    """Raises Refusal (422) for what is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "expected a JSON object, as the helpdesk sends it")
    return found
