"""The model that is served, and how another takes its place while requests are answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.bundle import Bundle
from pipeline.errors import BundleError
from pipeline.records import Message, Scored
from pipeline.score import score
from pipeline.settings import Settings

PROBES = ("warm up", "تجربة", "آزمایش")


@dataclass(frozen=True)
class Scorer:
    """`score()` with one bundle and the settings' routes; requests of the same scorer share a batch."""

    bundle: Bundle
    settings: Settings

    def __call__(self, messages: Sequence[Message]) -> list[Scored]:
        return score(messages, self.bundle, self.settings.routes, max_characters=self.settings.max_characters)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class ModelHolder:
    """`scorer` is replaced whole, so a request that has begun ends with the model it began with.

    `load` makes a bundle of a model's name; it raises BundleError for one that is broken.
    """

    def __init__(self, bundle: Bundle, settings: Settings, load: Callable[[str], Bundle]) -> None:
        self.scorer = Scorer(bundle, settings)
        self._load = load
        self._turn = threading.Lock()

    @property
    def bundle(self) -> Bundle:
        return self.scorer.bundle

    @property
    def name(self) -> str:
        """The model's folder or path, as it was asked for."""
        return self.scorer.settings.model

    @property
    def version(self) -> str:
        return self.bundle.version

    def reload(self, name: str | None = None) -> str:
        """Loads and tries `name`, or the same model anew; returns the version that is served from now on.

        Raises BundleError for a model that cannot be loaded or cannot score; the one before is then kept.
        """
        with self._turn:
            settings = replace(self.scorer.settings, model=name or self.name)
            scorer = Scorer(self._load(settings.model), settings)
            try:
                scorer([Message(text) for text in PROBES])
            except Exception as error:
                version, fault = scorer.bundle.version, type(error).__name__
                raise BundleError(f"{version} loads but cannot score ({fault}); build it again") from error
            self.scorer = scorer
            return self.version
