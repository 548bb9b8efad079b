"""The model that is served, and how another takes its place while requests are answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.bundle import Bundle
from pipeline.errors import BundleError
from pipeline.records import Message, Scored
from pipeline.service.apart import Apart, EncoderApart, unpacked, what
from pipeline.service.lanes import Done, Outcome, Remote, Work
from pipeline.service.passing import PROBES, Pass, Written, passed
from pipeline.settings import Settings, for_model

OnScored = Callable[[Pass], None]


def _unheard(found: Pass) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Scorer:
    """`score()` with one bundle and the settings' routes; requests of the same scorer share a batch.

    `on_scored` hears of the first message of every pass, its vector included. `apart` is the process that does the
    work, None for this one.
    """

    bundle: Bundle
    settings: Settings
    on_scored: OnScored = _unheard
    apart: Apart | None = None

    def __call__(self, messages: Sequence[Message]) -> list[Scored]:
        return list(self._pass(messages, written=False))

    def write(self, messages: Sequence[Message]) -> list[Written]:
        """The documents alone, for who keeps nothing."""
        return list(self._pass(messages, written=True))

    def work(self, *, written: bool) -> Work:
        """This, or `write`, as the queue asks for it: of the process itself where an event loop speaks with it."""
        if self.apart and self.apart.is_attached:
            return _Elsewhere(self, self.apart, written)
        return self.write if written else self

    def heard(self, found: Pass) -> Sequence[Any]:
        """The rows of a pass, once it was told to who listens."""
        self.on_scored(found)
        return found.rows

    def _pass(self, messages: Sequence[Message], *, written: bool) -> Sequence[Any]:
        if self.apart:
            return self.heard(self.apart.passed(messages, written=written))
        return self.heard(passed(messages, self.bundle, self.settings, written=written))

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True)
class _Elsewhere(Remote):
    """A scorer's work as its process is asked for it by an event loop."""

    scorer: Scorer
    apart: Apart
    written: bool

    def begin(self, rows: Sequence[Any], done: Done) -> None:
        self.apart.begin(what(self.written), rows, lambda answer: done(self._outcome(answer)))

    def _outcome(self, answer: Any) -> Outcome:
        try:
            return self.scorer.heard(unpacked(answer))
        except Exception as error:
            return error


class ModelHolder:
    """`scorer` is replaced whole, so a request that has begun ends with the model it began with.

    `load` makes a bundle of a model's name; it raises BundleError for one that is broken. `on_scored` hears of every
    pass of whichever model is held. With `apart` each model works in a process of its own.
    """

    def __init__(
        self, bundle: Bundle, settings: Settings, load: Callable[[str], Bundle], *, on_scored: OnScored = _unheard,
        apart: bool = False,
    ) -> None:  # fmt: skip
        self._load, self._apart = load, apart
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = threading.Lock()
        self.scorer = replace(self._scorer(bundle, settings), on_scored=on_scored)

    @property
    def bundle(self) -> Bundle:
        return self.scorer.bundle

    @property
    def settings(self) -> Settings:
        """With routes and weights that name the labels of this very model."""
        return self.scorer.settings

    @property
    def name(self) -> str:
        """The model's folder or path, as it was asked for."""
        return self.settings.model

    @property
    def version(self) -> str:
        return self.bundle.version

    def reload(self, name: str | None = None) -> str:
        """Loads and tries `name`, or the same model anew; returns the version that is served from now on.

        Raises BundleError for a model that cannot be loaded or cannot score, UsageError for one whose labels the routes
        do not name; the one before is then kept.
        """
        with self._turn:
            bundle = self._load(name or self.name)
            settings = for_model(self.settings, name or self.name, table=bundle.taxonomy)
            try:
                scorer = self._scorer(bundle, settings)
                scorer([Message(text) for text in PROBES])
            except Exception as error:
                version, fault = bundle.version, type(error).__name__
                raise BundleError(f"{version} loads but cannot score ({fault}); build it again") from error
            if scorer.apart and self._loop:
                asyncio.run_coroutine_threadsafe(scorer.apart.attach(), self._loop).result()
            self.scorer = replace(scorer, on_scored=self.scorer.on_scored)
            return self.version

    async def attach(self) -> None:
        """From now on the running event loop speaks with the process of the model, where it has one."""
        self._loop = asyncio.get_running_loop()
        if self.scorer.apart:
            await self.scorer.apart.attach()

    def close(self) -> None:
        """Ends the process of the model, where it has one."""
        if self.scorer.apart:
            self.scorer.apart.close()

    def _scorer(self, bundle: Bundle, settings: Settings) -> Scorer:
        """Its encoder is the process's, so that the model lies in memory once. Raises BundleError."""
        if not self._apart:
            return Scorer(bundle, settings)
        apart = Apart(settings)
        if apart.version != bundle.version:
            raise BundleError(f"{settings.model} changed on the disk while it was loaded; load it again")
        return Scorer(replace(bundle, encoder=EncoderApart(bundle.encoder, apart)), settings, apart=apart)
