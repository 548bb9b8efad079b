"""The changed messages that a person judges: drawn while the export goes by, by language and kind of change."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pipeline.training.replay.fact import Fact

SIZE = 50


@dataclass(frozen=True, slots=True)
class Drawn:
    """A changed message with its text as it came: it must be masked before it is shown."""

    fact: Fact
    text: str
    kind: str


@dataclass
class Sample:
    """At most `size` of each language and kind are held at a time (Vitter 1985, algorithm R), whatever the export."""

    seed: int = 0
    size: int = SIZE
    _held: dict[tuple[str, str], list[Drawn]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _random: dict[tuple[str, str], random.Random] = field(default_factory=dict)

    def offer(self, fact: Fact, text: str) -> None:
        """Takes a message into account; one that did not change is never drawn. Its kind is its gravest change."""
        kind = next((kind for kind, _, _ in fact.changes()), None)
        if kind is None:
            return
        stratum = (fact.language.partition("-")[0], kind)
        held, seen = self._held.setdefault(stratum, []), self._seen.get(stratum, 0)
        drawer = self._random.setdefault(stratum, random.Random(f"{self.seed} {stratum}"))
        self._seen[stratum] = seen + 1
        if len(held) < self.size:
            held.append(Drawn(fact, text, kind))
        elif (place := drawer.randrange(seen + 1)) < self.size:
            held[place] = Drawn(fact, text, kind)

    def drawn(self) -> list[Drawn]:
        """`size` of them, as even over languages and kinds as these allow, in the order of the export."""
        shuffled = {}
        for stratum, held in sorted(self._held.items()):
            shuffled[stratum] = random.Random(f"{self.seed} {stratum} order").sample(held, len(held))
        found: list[Drawn] = []
        while len(found) < self.size and any(shuffled.values()):
            for rest in shuffled.values():
                if rest and len(found) < self.size:
                    found.append(rest.pop())
        return sorted(found, key=lambda each: each.fact.number)
