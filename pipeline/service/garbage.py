"""How a process that answers requests collects garbage: little of it is in cycles, so it is looked for less often."""

from __future__ import annotations

import gc

YOUNG = 20_000  # new objects between two looks: 700, which Python takes, are fewer than one crowd's requests hold


def settle() -> None:
    """What is there now stays and is never looked through again; what comes is looked through less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
