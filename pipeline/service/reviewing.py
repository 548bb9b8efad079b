"""What a person should judge next: the least certain messages, so that no language waits behind another.

Uncertainty sampling (Lewis and Gale 1994, "A sequential algorithm for training text classifiers") by the entropy of the
topic, as in `nabd review`, one message of each language in turn: by uncertainty alone the language that the model knows
least would fill every page.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from pipeline.language import Language
from pipeline.service.problems import Refusal
from pipeline.service.store.tables import Message

FIRST = tuple(str(each) for each in Language if each not in (Language.UNSUPPORTED, Language.UNDETERMINED))
LAST = (str(Language.UNSUPPORTED), str(Language.UNDETERMINED))  # nothing is learnt from these: when the others are done


def to_review(
    session: Session, *, limit: int, after: Mapping[str, Any] | None = None
) -> tuple[list[Message], dict[str, str | float] | None]:
    """Up to `limit` messages, and the place after them, None at the end.

    A message that a person has judged, and one whose text is not kept, is never among them. Raises Refusal (400) for a
    place that is none.
    """
    places = _places(after or {})
    queues = {language: _next(session, language, places.get(language), limit) for language in (*FIRST, *LAST)}
    chosen = [*_in_turn([queues[language] for language in FIRST]), *_in_turn([queues[language] for language in LAST])]
    for row in chosen[:limit]:
        places[row.language] = (row.uncertainty, row.id)
    if len(chosen) <= limit:
        return chosen, None
    return chosen[:limit], _flat(places)


def _next(session: Session, language: str, place: tuple[float, str] | None, limit: int) -> list[Message]:
    query = select(Message).where(Message.reviewed.is_(False), Message.text.is_not(None), Message.language == language)
    if place is not None:
        uncertainty, id = place
        later = and_(Message.uncertainty == uncertainty, Message.id > id)
        query = query.where(or_(Message.uncertainty < uncertainty, later))
    return list(session.scalars(query.order_by(Message.uncertainty.desc(), Message.id).limit(limit + 1)))


def _in_turn(queues: list[list[Message]]) -> list[Message]:
    """The first of every queue, the less certain before the others, then the second of every queue, and so on."""
    ranked = [(rank, -row.uncertainty, row.id, row) for queue in queues for rank, row in enumerate(queue)]
    return [row for *_, row in sorted(ranked, key=lambda each: each[:3])]


def _flat(places: Mapping[str, tuple[float, str]]) -> dict[str, str | float]:
    """For a cursor, which holds no list."""
    flat: dict[str, str | float] = {}
    for language, (uncertainty, id) in places.items():
        flat |= {f"{language}.at": uncertainty, f"{language}.id": id}
    return flat


def _places(flat: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    found = {}
    for name in flat:
        language, _, part = name.rpartition(".")
        uncertainty, id = flat.get(f"{language}.at"), flat.get(f"{language}.id")
        is_number = isinstance(uncertainty, int | float) and not isinstance(uncertainty, bool)
        if language not in (*FIRST, *LAST) or part not in ("at", "id") or not is_number or not isinstance(id, str):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the cursor is not one of this list; leave it out to start anew")
        found[language] = (float(uncertainty), id)  # type: ignore[arg-type]
    return found
