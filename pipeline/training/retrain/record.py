"""What a retraining leaves behind beside the model: `retrain.json`. No text of any message is in it."""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.training.provenance import provenance
from pipeline.training.retrain.feedback import Feedback
from pipeline.training.retrain.feedback_report import feedback_facts
from pipeline.training.retrain.gather import Gathered
from pipeline.training.retrain.rows import Export, Labelled
from pipeline.training.retrain.splits import Split

COLUMNS = ("label", "text", "customer", "time", "id")
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


def describe_data(export: Export, found: Gathered, split: Split, feedback: Feedback | None = None) -> dict[str, Any]:
    """The export by its hash, the splits by the hash of their rows' numbers and ids, the gate by number and topic.

    Of feedback, which has no place in a split but train, the counts.
    """
    parts = {name: split.rows(found.rows, name) for name in ("train", "dev", "gate")}
    return {
        "export": {
            "sha256": export.sha256, "rows": len(export.rows), "unlabelled": export.unlabelled,
            "columns": {role: export.found[role] for role in COLUMNS if role in export.found},
        },
        "rows": {
            "kept": len(found.rows), "rejected": len(found.rejects), "copies": found.copies,
            "conflicts": found.conflicts, "several_labels": found.several, "corrected": found.corrected,
        },
        "labels": {"of": found.labels.kind, "rare": dict(found.rare), "unknown": dict(found.unknown)},
        "splits": {"by": split.by, "customers": split.customers} | {
            name: {"rows": len(rows), "sha256": rows_hash(rows)} for name, rows in parts.items()
        },
        "gate": [[row.number, list(row.labels) or row.label] for row in parts["gate"]],
    } | ({"feedback": feedback_facts(feedback)} if feedback else {})  # fmt: skip


def rows_hash(rows: Sequence[Labelled]) -> str:
    """sha256 of their numbers, ids and labels, in the order of the numbers."""
    ranked = sorted(rows, key=lambda row: row.number)
    lines = (f"{row.number}\t{row.id}\t{';'.join(row.topics)}\n" for row in ranked)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def cost(seconds: float) -> dict[str, Any]:
    """Seconds and peak memory of this process, which no hash depends on."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES
    return {"seconds": round(seconds, 1), "peak_megabytes": round(peak / 1e6), "built": provenance()}


def training_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the bundle's manifest says of its training: the same inputs give the same."""
    dev = facts["dev"].get("all")
    return {
        **facts["parameters"],
        "rows_sha256": facts["export"]["sha256"],
        "splits": facts["splits"],
        "labels": facts["labels"]["of"],
        **({"feedback_rows": facts["feedback"]["rows"]} if "feedback" in facts else {}),
        "dev": {name: each["recipe"]["value"] for name, each in dev.items() if name != "n"} if dev else {},
    }
