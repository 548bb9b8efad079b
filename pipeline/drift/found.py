"""What a comparison says: signals, shares, an alarm and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.drift.accuracy import Loss
from pipeline.drift.labelshift import Moved
from pipeline.drift.sample import Sample

VERDICTS = CANNOT_TELL, STEADY, CHANGED, RETRAIN = "cannot_tell", "steady", "changed", "retrain"
UNSEEN = NO_REFERENCE, NO_STREAM, TOO_FEW = "not_in_reference", "not_in_stream", "too_few_rows"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing compared. `measure` is js, ks or auc; chance alone takes `value` above `limit` at Holm's first level.

    `psi` and `psi_limit` are the stability index beside a divergence. `before` and `now` are what it is in the
    reference and the stream: a median, or the share handed over. `detectable`: of an AUC, or of a change of the share
    handed over, what would be noticed 8 times in 10.
    """

    name: str
    measure: str
    value: float
    limit: float
    p_value: float
    raised: bool
    psi: float | None = None
    psi_limit: float | None = None
    before: float | None = None
    now: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How many messages of each side have a label."""

    label: str
    reference: int
    stream: int


@dataclass(frozen=True)
class Drift:
    """What was found. `unseen` says of each signal that could not be compared why; `verdict` is one of `VERDICTS`.

    `shares` are by signal, `losses` and `moved` empty where they could not be estimated.
    """

    rate: float
    verdict: str
    signals: tuple[Signal, ...]
    unseen: Mapping[str, str]
    shares: Mapping[str, Sequence[Share]]
    losses: tuple[Loss, ...]
    moved: tuple[Moved, ...]
    reference: Sample = field(repr=False)
    stream: Sample = field(repr=False)

    @property
    def alarm(self) -> bool:
        return any(signal.raised for signal in self.signals)

    @property
    def raised(self) -> tuple[str, ...]:
        return tuple(signal.name for signal in self.signals if signal.raised)
