"""What a message is about and says, and where the desk files its ticket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Floats, Ints, pick_each, stream
from pipeline.synthetic.life import Life, tenure_stage
from pipeline.synthetic.people import Customers
from pipeline.synthetic.texts import Pool, draw_same
from pipeline.synthetic.threads import Messages
from pipeline.synthetic.tickets import ANNOUNCEMENT, Tickets
from pipeline.synthetic.world import Incident, Subjects

USE, ONBOARDING, RENEWAL = "use", "onboarding", "renewal"  # stages; `topics.toml` adds those of topics
REPLY = "Re: "


@dataclass(frozen=True, slots=True)
class Content:
    """One value for each message."""

    texts: list[str]
    subjects: list[str | None]
    groups: list[str]
    stages: list[str]


def fill(customers: Customers, life: Life, messages: Messages, pool: Pool, *, seed: int) -> Content:
    """The content of every message; subject, group and stage are those of its ticket."""
    subjects, incidents, tickets = world.load_subjects(), world.load_incidents(), life.tickets
    tenure = tickets.day - customers.since[tickets.customer]
    topics = _ticket_topics(tickets, tenure, subjects, incidents, stream(seed, "topics"))
    ticket = messages.ticket
    own, later = _message_topics(tickets, messages, subjects, stream(seed, "follow-ups"))
    texts = _Texts(customers, tickets, messages, pool, stream(seed, "texts"))
    drawn = texts.of_topics(np.where(own, topics[ticket], later), list(subjects.topics))
    for kind, incident in enumerate(incidents):
        texts.of_incident(drawn, incident, own & (tickets.kind[ticket] == kind))
    groups, stages = _groups(topics, subjects, stream(seed, "groups")), _stages(topics, tenure, subjects)
    return Content(
        drawn,
        _subject_lines(drawn, tickets, messages, stream(seed, "subjects")),
        [groups[each] for each in ticket],
        [stages[each] for each in ticket],
    )


def _ticket_topics(
    tickets: Tickets, tenure: Ints, subjects: Subjects, incidents: Sequence[Incident], random: np.random.Generator
) -> Ints:
    """Indices into `subjects.topics`, one a ticket."""
    table, names = list(subjects.topics.values()), list(subjects.topics)
    share, tilt, new = (np.array([getattr(topic, key) for topic in table]) for key in ("share", "tilt", "new"))
    onboarding, _ = tenure_stage(tenure)
    weights: Floats = share * np.exp(tilt * tickets.satisfaction[:, None]) * np.where(onboarding[:, None], new, 1.0)
    topics = pick_each(weights, random)
    topics[tickets.kind == ANNOUNCEMENT] = names.index(subjects.announcement)
    for kind, incident in enumerate(incidents):
        topics[tickets.kind == kind] = names.index(incident.topic)
    return topics


def _message_topics(
    tickets: Tickets, messages: Messages, subjects: Subjects, random: np.random.Generator
) -> tuple[Bools, Ints]:
    """(whether a message has its ticket's own topic, the topic of those that have another)."""
    ticket, names, count = messages.ticket, list(subjects.topics), len(messages)
    waited = (messages.seconds - messages.opened[ticket]) / 60 < tickets.service.first_response[ticket]
    solved = tickets.service.solved[ticket]
    chases = ~messages.first & waited & (random.random(count) < world.CHASES)
    ends = ~messages.first & messages.last & ~chases
    end = random.random(count)
    complains, thanks = ends & ~solved & (end < world.COMPLAINS), ends & solved & (end < world.THANKS)
    later = np.select(
        [chases, complains, thanks],
        [names.index(name) for name in (subjects.chasing, subjects.unsolved, subjects.solved)],
    )
    return ~(chases | complains | thanks), later


class _Texts:
    """Draws of texts for messages; `random` is one stream for all of them."""

    def __init__(
        self, customers: Customers, tickets: Tickets, messages: Messages, pool: Pool, random: np.random.Generator
    ) -> None:
        self._language = customers.language[tickets.customer[messages.ticket]]
        self._satisfaction = tickets.satisfaction[messages.ticket]
        self._pool, self._random = pool, random

    def of_topics(self, topics: Ints, names: Sequence[str]) -> list[str]:
        texts = [""] * len(topics)
        for spoken, language in enumerate(world.LANGUAGES):
            for topic, name in enumerate(names):
                places = np.flatnonzero((self._language == spoken) & (topics == topic))
                drawn = self._pool.draw(language, name, self._satisfaction[places], self._random)
                for place, text in zip(places, drawn, strict=True):
                    texts[place] = text
        return texts

    def of_incident(self, texts: list[str], incident: Incident, mask: Bools) -> None:
        """Puts the incident's messages into `texts` where `mask` is true."""
        for spoken, language in enumerate(world.LANGUAGES):
            places = np.flatnonzero(mask & (self._language == spoken))
            drawn = draw_same(incident.texts[language], len(places), self._random)
            for place, text in zip(places, drawn, strict=True):
                texts[place] = text


def _groups(topics: Ints, subjects: Subjects, random: np.random.Generator) -> list[str]:
    """The queue of each ticket; some lie in one of the others."""
    of_topic = [topic.group for topic in subjects.topics.values()]
    names = sorted(set(of_topic))
    right = np.array([names.index(group) for group in of_topic])[topics]
    wrong = random.random(len(topics)) < world.WRONG_GROUP
    moved = (right + random.integers(1, len(names), len(topics))) % len(names)
    return [names[each] for each in np.where(wrong, moved, right)]


def _stages(topics: Ints, tenure: Ints, subjects: Subjects) -> list[str]:
    onboarding, renewal = tenure_stage(tenure)
    of_topic = [topic.stage or USE for topic in subjects.topics.values()]
    return [
        ONBOARDING if new else RENEWAL if near else of_topic[topic]
        for topic, new, near in zip(topics, onboarding, renewal, strict=True)
    ]


def _subject_lines(
    texts: Sequence[str], tickets: Tickets, messages: Messages, random: np.random.Generator
) -> list[str | None]:
    """The first words of the ticket, in channels that have a subject."""
    channels = np.array([channel.subject for channel in world.CHANNELS.values()])
    has = channels[tickets.service.channel] & (random.random(len(tickets)) < world.HAS_SUBJECT)
    lines: list[str | None] = []
    line = ""
    for text, ticket, first in zip(texts, messages.ticket, messages.first, strict=True):
        line = " ".join(text.split()[: world.SUBJECT_WORDS]) if first else line
        lines.append((line if first else REPLY + line) if has[ticket] else None)
    return lines
