"""POST /v1/score: label and route messages; those that name a customer or an id are kept before they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from pipeline.records import Message, Scored
from pipeline.service.access import needs
from pipeline.service.auth.access import Actor
from pipeline.service.batching import Late
from pipeline.service.documents import document, explained
from pipeline.service.idempotency import IdempotencyKey, answer, digest, earlier, idempotent
from pipeline.service.keeping import bands, keep_all, policy
from pipeline.service.passing import kind_of
from pipeline.service.schemas import MessageIn, Scorable, ScoreAnswer
from pipeline.service.state import Service, service_of

SOURCE = "api"
router = APIRouter(prefix="/v1", tags=["score"])


@router.post("/score", response_model=ScoreAnswer)
async def score(
    request: Request,
    asked: Scorable,
    actor: Annotated[Actor, Depends(needs("score"))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Label and route up to 1,000 messages; the answers come in their order.

    A message that names a customer or an id is kept, and its customer's risk judged anew, before the answer is sent.
    """
    service = service_of(request)
    key = idempotency_key if service.store else None
    if not (key or asked.explain or (service.store and any(map(_is_kept, asked.messages)))):
        return await _written(service, asked.messages)
    call = _Call(request, service, actor, key, digest(await request.body()) if key else "", asked.messages)
    if key and (before := await to_thread.run_sync(call.earlier)) is not None:
        return before
    with service.tracer.span("score") as span:
        span.set_attribute("nabd.messages", len(asked.messages))
        known = await _bands(service, asked.messages)
        scored = await service.batcher.score([_message(each, known) for each in asked.messages])
    service.metrics.scored(map(kind_of, scored))
    documents = [{"id": None, **document(each)} for each in scored]
    if asked.explain:
        await _explain(service, asked.messages, documents)
    kept = _to_keep(asked.messages, scored, documents) if service.store else []
    if not kept and not key:
        return answer(200, call.whole({"results": documents}))
    return await to_thread.run_sync(call.keep, kept, documents)


async def _written(service: Service, messages: Sequence[MessageIn]) -> Response:
    """The answer to messages that are only scored: most of them, so that it does no more than it must."""
    with service.tracer.span("score") as span:
        span.set_attribute("nabd.messages", len(messages))
        written = await service.batcher.write([_message(each, {}) for each in messages])
    service.metrics.scored(each.kind for each in written)
    body = b",".join([each.document for each in written])
    return Response(b'{"results":[%b]}' % body, media_type="application/json")


@dataclass(frozen=True, slots=True)
class _Call:
    """The part of a request that speaks with the store, from a thread."""

    request: Request
    service: Service
    actor: Actor
    key: str | None
    digest: str
    messages: Sequence[MessageIn]

    def whole(self, answered: dict[str, Any]) -> dict[str, Any]:
        """With the words that decided, which are not kept: the request says them again."""
        results = [
            _with_words(each, message.text) for each, message in zip(answered["results"], self.messages, strict=True)
        ]
        return {**answered, "results": results}

    def earlier(self) -> Response | None:
        assert self.service.store  # nosec B101 # for the types: no key without a store
        assert self.key  # nosec B101 # for the types
        with self.service.store.read() as session:
            return earlier(self.request, session, self.actor, self.key, self.digest, whole=self.whole)

    def keep(self, kept: Sequence[tuple[MessageIn, Scored]], documents: list[dict[str, Any]]) -> Response:
        service = self.service
        assert service.store  # nosec B101 # for the types: nothing is kept without one
        with service.store.begin() as session:

            def work() -> tuple[int, dict[str, Any]]:
                keep_all(session, kept, SOURCE, policy(service), service.clock())
                return 200, {"results": documents}

            return idempotent(
                self.request, session, self.actor, self.key, self.digest, work, whole=self.whole
            )  # fmt: skip


async def _bands(service: Service, messages: Sequence[MessageIn]) -> Mapping[str, str]:
    if service.store is None or not any(each.customer for each in messages):
        return {}  # most often, and without a thread
    return await to_thread.run_sync(bands, service.store, [each.customer for each in messages])


def _is_kept(message: MessageIn) -> bool:
    return bool(message.customer or message.id)


def _message(each: MessageIn, known: Mapping[str, str]) -> Message:
    return Message(each.text, each.columns, each.channel or "", known.get(each.customer or "", ""))


def _to_keep(
    messages: Sequence[MessageIn], scored: Sequence[Scored], documents: Sequence[dict[str, Any]]
) -> list[tuple[MessageIn, Scored]]:
    """Those that name a customer or an id, each with an id, which its document gets too."""
    kept = []
    for message, found, shown in zip(messages, scored, documents, strict=True):
        if _is_kept(message):
            shown["id"] = message.id or str(uuid4())
            kept.append((message.model_copy(update={"id": shown["id"]}), found))
    return kept


def _with_words(shown: dict[str, Any], text: str) -> dict[str, Any]:
    """The result of one message, each part of its explanation with its words."""
    if not (found := shown.get("explanation")):
        return shown

    def part(each: dict[str, Any]) -> dict[str, Any]:
        return {"text": text[each["start"] : each["end"]], **each}

    sentence = found["sentence"] and part(found["sentence"])
    return {**shown, "explanation": {**found, "words": [part(each) for each in found["words"]], "sentence": sentence}}


async def _explain(service: Service, messages: Sequence[MessageIn], documents: Sequence[dict[str, Any]]) -> None:
    """Adds the explanations, see `documents.explained`. Raises Late past the deadline."""
    try:
        async with asyncio.timeout(service.batcher.deadline):
            for message, shown in zip(messages, documents, strict=True):
                shown["explanation"] = explained(await service.batcher.explain(message.text))
    except TimeoutError:
        raise Late(service.batcher.batches.seconds_to_wait) from None
