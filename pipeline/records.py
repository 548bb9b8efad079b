"""What flows through the house: frozen records, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One readable row of an input file: `number` counts from 1 and leaves headers out."""

    number: int
    values: Values


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that could not be read or scored; it goes to the rejects file, never to the log.

    `values` is whatever could be read of it, so that nothing is lost.
    """

    number: int
    reason: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound customer message; `columns` are the input row's other values, for routing; `channel` is one.

    `risk` is the band of its customer before this message, where that is known.
    """

    text: str
    columns: Values = field(default_factory=dict)
    channel: str = ""
    risk: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable label of one task; `probabilities` are calibrated.

    They sum to 1, but for topics and categories of a model that gives a message several topics.
    """

    label: str
    confidence: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a message goes; `reason` names the rule that matched and what it matched on."""

    queue: str
    priority: str
    sla_minutes: int
    reason: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything Nabd says of one message.

    `sentiment_score` is P(positive) - P(negative), in [-1, 1]. `sentiment` and `sentiment_score` are
    None when the message is out of scope: there is no company to feel about. `review` holds
    the reasons to hand the message to a person; empty means the decision stands on its own. `topics` are all that the
    message has, the most probable first, which is `topic`; None of a model that gives every message one.
    """

    language: str
    domain: str
    category: Prediction
    topic: Prediction
    sentiment: Prediction | None
    sentiment_score: float | None
    emotion: Prediction
    urgency: Prediction
    churn: Prediction
    decision: Decision
    review: tuple[str, ...]
    flags: tuple[str, ...]
    model: str
    topics: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the desk recorded beside a message; None where the export does not say.

    `status` is open, pending, solved or reopened. Times are in minutes. `csat` is in [0, 1], `nps` in 0..10, `revenue`
    of one year in the export's own currency. `left` is when the customer left.
    """

    status: str | None = None
    first_response: float | None = None
    resolution: float | None = None
    csat: float | None = None
    nps: float | None = None
    revenue: float | None = None
    stage: str | None = None
    group: str | None = None
    left: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """One scored message in the history of its customer, as read from a scored file.

    `time` has an offset: that of the export, else UTC. `ticket` is the message's own id where the export has no
    tickets. `negative`, `positive`, `anger` and `churn` are probabilities; `polarity` is positive less negative. A
    message out of scope has no sentiment: "" and zeros. `anger` is 0 unless anger is the emotion. `text` and
    `evidence`, the sentence that decided, are as they came: they must be masked before they are shown.
    """

    number: int
    id: str
    time: datetime
    customer: str
    ticket: str
    text: str = ""
    evidence: str = ""
    channel: str = ""
    language: str = ""
    domain: str = ""
    category: str = ""
    topic: str = ""
    sentiment: str = ""
    polarity: float = 0.0
    negative: float = 0.0
    positive: float = 0.0
    emotion: str = ""
    anger: float = 0.0
    urgency: str = ""
    churn: float = 0.0
    queue: str = ""
    priority: str = ""
    sla_minutes: int = 0
    review: tuple[str, ...] = ()
    model: str = ""
    outcome: Outcome = field(default_factory=Outcome)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's label of one task of one kept message; it may confirm what the model had `said`.

    `text` is masked, raw or None, as the store keeps it. `at` is when the label was given, `time` the message's own.
    """

    message: str
    task: str
    label: str
    said: str
    annotator: str
    at: datetime
    text: str | None
    customer: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """One reason for a customer's risk: its share of all that raises it, and the ids of the messages behind it."""

    name: str
    share: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerRisk:
    """How near a customer is to leaving, and why.

    `score` is in [0, 100]; `band` one of `risk.BANDS`; `trend` is rising, steady or falling; `drivers` are sorted by
    share, the largest first. `left` is when the customer left: the rest is then as of that time. `value` is the latest
    yearly revenue, None where the export has none.
    """

    customer: str
    score: float
    band: str
    trend: str
    drivers: tuple[Driver, ...]
    contacts: int
    first_contact: datetime
    last_contact: datetime
    left: datetime | None = None
    value: float | None = None
