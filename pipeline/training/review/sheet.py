"""The sheet that a person fills in, which `nabd retrain` reads as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.taxonomy import LABELS
from pipeline.training.retrain.rows import Labelled
from pipeline.training.review.pool import Candidate
from pipeline.writers import open_writer

LABEL = "label"
ALWAYS = ("id", "text", LABEL, "nabd_language", "nabd_topic", "nabd_topic_confidence")
WHERE_KNOWN = ("customer", "time", *LABELS)


def write_sheet(path: Path, chosen: Sequence[Candidate], labelled: Sequence[Labelled]) -> None:
    """The `chosen` first, their label empty; then what is labelled already, so that one file holds all there is."""
    rows = [*map(_to_label, chosen), *map(_labelled, labelled)]
    columns = [*ALWAYS, *(name for name in WHERE_KNOWN if any(row.get(name) for row in rows))]
    with open_writer(path, columns=columns, types={"nabd_topic_confidence": "float"}) as writer:
        writer.write([{name: row.get(name) for name in columns} for row in rows])


def _to_label(each: Candidate) -> dict[str, Any]:
    return {
        "id": each.id, "text": each.text, "nabd_language": each.language, "nabd_topic": each.topic,
        "nabd_topic_confidence": round(each.sure, 3), "customer": each.customer, "time": _written(each.time),
    }  # fmt: skip


def _labelled(row: Labelled) -> dict[str, Any]:
    known = {"customer": row.customer, "time": _written(row.time), **(row.tasks or {})}
    return {"id": row.id, "text": row.text, LABEL: row.label, "nabd_language": row.language, **known}


def _written(moment: datetime | None) -> str:
    return moment.isoformat(sep=" ") if moment else ""
