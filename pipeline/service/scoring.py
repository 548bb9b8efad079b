"""Scoring and explaining through the one queue for the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from pipeline.encoder import Encoder, Vectors
from pipeline.explain import Explanation, explain
from pipeline.records import Message, Scored
from pipeline.service.batching import Batches
from pipeline.service.holder import ModelHolder
from pipeline.service.passing import Written

DRAIN = 30.0  # seconds that the requests in the queue have at shutdown


class Batcher:
    """The one way of the service to the model. A request is scored by the model that is held when it comes in."""

    def __init__(self, model: ModelHolder, batches: Batches, *, deadline: float) -> None:
        self.model, self.batches, self.deadline = model, batches, deadline

    async def score(self, messages: Sequence[Message], deadline: float | None = None) -> list[Scored]:
        """One `Scored` a message, in their order, within `deadline` seconds.

        Raises `batching.Full` when too much is waiting, `Late` past the deadline, `Refused` at shutdown.
        """
        work = self.model.scorer.work(written=False)
        return await self.batches.ask(work, messages, seconds=deadline or self.deadline)

    async def write(self, messages: Sequence[Message]) -> list[Written]:
        """As `score`, but only what goes over the wire, for who keeps nothing."""
        return await self.batches.ask(self.model.scorer.work(written=True), messages, seconds=self.deadline)

    def score_sync(self, messages: Sequence[Message]) -> list[Scored]:
        """The same for a job's thread: after the requests, at leisure. Raises `batching.Refused` at shutdown."""
        return self.batches.ask_here(self.model.scorer.work(written=False), messages, as_job=True)

    async def explain(self, text: str, *, task: str = "topic") -> Explanation:
        """Which words decided; what it encodes takes turns with the requests."""
        return await to_thread.run_sync(lambda: self.explain_sync(text, task=task), abandon_on_cancel=True)

    def explain_sync(self, text: str, *, task: str = "topic") -> Explanation:
        """The same for a thread."""
        scorer = self.model.scorer
        bundle = replace(scorer.bundle, encoder=_Shared(scorer.bundle.encoder, self.batches))
        return explain(text, bundle, task=task, max_characters=scorer.settings.max_characters)

    @property
    def waiting(self) -> int:
        """Messages that are in no batch yet."""
        return self.batches.requests.waiting + self.batches.jobs.waiting

    def open(self) -> None:
        self.batches.open()

    def close(self) -> None:
        """Refuses what comes, answers what waits."""
        self.batches.close(seconds=DRAIN)


class _Shared:
    """An encoder whose texts are encoded in the batches of the queue."""

    def __init__(self, encoder: Encoder, batches: Batches) -> None:
        self.id, self.width = encoder.id, encoder.width
        self._encoder, self._batches = encoder, batches

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = self._batches.ask_here(self._rows, texts, as_job=False)
        return np.stack(rows) if rows else self._encoder.encode(texts)

    def _rows(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        return list(self._encoder.encode(texts))
