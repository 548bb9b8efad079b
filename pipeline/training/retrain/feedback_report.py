"""What was made of people's feedback, in plain words: who said how much, what is learnt, what is not and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.records import Annotation
from pipeline.training.retrain.feedback import REASONS, Feedback, Unused
from pipeline.training.tables import table

SHOWN = 10  # messages of one reason


def render_feedback(found: Feedback) -> str:
    """Markdown; messages are named by their ids, for the console to find them, and no text is shown."""
    if not found.words:
        return "Feedback: the store holds none on labels of messages."
    facts = feedback_facts(found)
    head = (
        f"Feedback: {facts['labels']:,} labels of {facts['messages']:,} messages by {_counted(facts['people'])}, "
        f"{facts['from'][:10]} to {facts['until'][:10]}; what a person said later replaces what they said before."
    )
    return "\n\n".join([head, _people(found), "\n".join(f"- {line}" for line in _lines(found, facts))])


def feedback_facts(found: Feedback) -> dict[str, Any]:
    """What `retrain.json` keeps: counts and days, nothing of a customer and nobody's name."""
    days = [each.at.isoformat() for each in found.words]
    settled = list((found.settled or {}).values())
    return {
        "labels": len(found.words), "messages": len({each.message for each in found.words}),
        "people": len({each.annotator for each in found.words}), "from": min(days, default=""),
        "until": max(days, default=""), "rows": len(found.rows), "of_other_tasks": len(found.others),
        "corrections": sum(each.is_correction for each in settled), "settled": len(settled),
        "of_several": sum(each.people > 1 for each in settled),
        "unanimous": sum(each.people > 1 and each.agreement == 1 for each in settled), "unused": len(found.unused),
    }  # fmt: skip


def _people(found: Feedback) -> str:
    by_name: dict[str, list[Annotation]] = {}
    for each in found.words:
        by_name.setdefault(each.annotator, []).append(each)
    rows = [
        [name, len(mine), sum(each.label != each.said for each in mine), *(f"{mine[at].at:%Y-%m-%d}" for at in (0, -1))]
        for name, mine in sorted(by_name.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    return table(["who", "labels", "corrections", "first", "last"], rows)


def _lines(found: Feedback, facts: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{facts['rows']:,} messages teach a topic and {facts['of_other_tasks']:,} other labels alone, all in train; "
        f"of their {facts['settled']:,} labels {facts['corrections']:,} correct the model, the others confirm it."
    )
    if facts["of_several"]:
        yield (
            f"{facts['of_several']:,} of these labels are of several people, {facts['unanimous']:,} of them unanimous; "
            "a row counts by the share of people who agree."
        )
    for reason in REASONS:
        mine = [each for each in found.unused if each.reason == reason]
        if mine:
            more = f" and {len(mine) - SHOWN:,} more" if len(mine) > SHOWN else ""
            yield f"Left out, {len(mine):,}: {reason} ({'; '.join(map(_named, mine[:SHOWN]))}{more})."


def _counted(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


def _named(each: Unused) -> str:
    return f"{each.message}: {each.detail}" if each.detail else each.message
