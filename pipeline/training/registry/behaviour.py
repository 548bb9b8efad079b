"""The gate of behaviour: the checks of `pipeline.training.behaviour`, whose messages no model learns from."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.bundle import Bundle
from pipeline.training.behaviour.checks import CHECKS, Answers, Floors, ask, every_text
from pipeline.training.registry.gates import Gate

LABELLED = ("category", "topic", "reviewed")  # checks that ask for our labels, `out_of_scope` among them
FEW = 2  # cases; of the 18 of a language, 2 of 7 good models of own labels lost as many, one with a noisy head 3
SHOWN = 3


def behaviour(new: Bundle, old: Bundle, *, margin: float) -> Gate:
    """Each check holds for as many cases of each language as its floor asks, or nearly as many as the champion's.

    Nearly: but for the share `margin` of them, and for `FEW` cases in any event.
    """
    texts, floors = every_text(exact=False), Floors()
    found, before = (_held(ask(bundle, texts)) for bundle in (new, old))
    short = []
    for (check, group), held in found.items():
        share, asked = _share(held), float(getattr(floors, check))
        if (check, group) in before:
            asked = min(asked, _share(before[check, group]) - max(margin, FEW / len(held)))
        if share < asked - 1e-9:
            short.append(f"{check} ({group}) {share:.2f}, asked {asked:.2f}")
    more = f" and {len(short) - SHOWN} more" if len(short) > SHOWN else ""
    line = "; ".join(short[:SHOWN]) + more if short else f"{len(found)} checks hold"
    return Gate("behaviour", not short, line, f"each at its floor, or at most {margin:.2f} below the champion")


def _held(answers: Answers) -> dict[tuple[str, str], list[bool]]:
    """(check, language or rewrite) -> whether each case holds."""
    found: dict[tuple[str, str], list[bool]] = {}
    for check in (name for name in CHECKS if answers.knows_ours or name not in LABELLED):
        for group, (held, _) in CHECKS[check](answers):
            found.setdefault((check, group), []).append(held)
    return found


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held)
