"""What was champion when, by whom and why: events kept as tags of the registered model, so that any store has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pipeline.errors import UsageError
from pipeline.training.registry.store import CHALLENGER, CHAMPION, FORMER, Registry, Version

KEY = "history "
PROMOTED, ROLLED_BACK, REFUSED = "promoted", "rolled back", "refused"


@dataclass(frozen=True, slots=True)
class Event:
    """`version` became champion after `former`, came back in its place, or was refused beside it by `gates`."""

    at: str
    what: str
    version: int
    former: int | None
    by: str
    why: str
    gates: tuple[str, ...] = ()


def history(registry: Registry) -> list[Event]:
    """The oldest first."""
    found = {key: value for key, value in registry.notes().items() if key.startswith(KEY)}
    events = [json.loads(found[key]) for key in sorted(found)]
    return [Event(**each | {"gates": tuple(each["gates"])}) for each in events]


def crown(registry: Registry, version: Version, former: Version, *, by: str, why: str) -> Event:
    """Makes `version` the champion in place of `former`."""
    registry.point(CHAMPION, version.number)
    registry.point(FORMER, former.number)
    challenger = registry.alias(CHALLENGER)
    if challenger and challenger.number == version.number:
        registry.point(CHALLENGER, None)
    return _write(registry, Event(_now(), PROMOTED, version.number, former.number, by, why))


def refuse(registry: Registry, version: Version, gates: Sequence[str], *, by: str, why: str) -> Event:
    champion = registry.alias(CHAMPION)
    return _write(
        registry,
        Event(_now(), REFUSED, version.number, champion.number if champion else None, by, why, tuple(gates)),
    )


def roll_back(registry: Registry, *, by: str, why: str) -> Event:
    """Makes the champion before the present one champion again. Raises UsageError when there is none."""
    present = registry.alias(CHAMPION)
    if present is None:
        raise UsageError(f"models:/{registry.name} has no champion in {registry.tracking}: nothing to roll back")
    reign = reigns(history(registry))
    before = reign[:-1] if reign and reign[-1] == present.number else reign
    if not before:
        raise UsageError(f"{present.title} is the first champion: there is none to go back to")
    registry.point(CHAMPION, before[-1])
    registry.point(FORMER, before[-2] if len(before) > 1 else None)
    return _write(registry, Event(_now(), ROLLED_BACK, before[-1], present.number, by, why))


def reigns(events: Sequence[Event]) -> list[int]:
    """The champions that led to the present one, it being the last: a promotion adds one, a rollback goes back."""
    found: list[int] = []
    for each in events:
        if each.what == PROMOTED:
            found = [*(found or [number for number in [each.former] if number is not None]), each.version]
        elif each.what == ROLLED_BACK and each.version in found:
            found = found[: len(found) - found[::-1].index(each.version)]
    return found


def _write(registry: Registry, event: Event) -> Event:
    registry.note(KEY + event.at, asdict(event))
    return event


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"  # MLflow allows no plus
