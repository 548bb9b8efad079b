"""What a model or an evaluation was made of: the bundle, the data, the libraries, the revision."""

from __future__ import annotations

import json
import subprocess  # nosec B404 # for git
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from pipeline import normalise
from pipeline.bundle import Bundle
from pipeline.encoder import OnnxEncoder
from pipeline.errors import InputError
from pipeline.training.examples import Example
from pipeline.training.sources import get_source, load_registry

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "tokenizers")


def identity(bundle: Bundle) -> dict[str, Any]:
    """The bundle by name and hashes, its taxonomy and calibration; the encoder's fidelity is None when not measured."""
    fidelity = bundle.encoder.manifest["fidelity"] if isinstance(bundle.encoder, OnnxEncoder) else None
    return {
        "name": bundle.name, "version": bundle.version, "sha256": bundle.sha256, "encoder": bundle.encoder.id,
        "encoder_fidelity": fidelity, "normaliser": normalise.VERSION, "taxonomy": bundle.taxonomy.to_dict(),
        "temperatures": dict(bundle.temperatures), "thresholds": dict(bundle.thresholds), "farthest": bundle.farthest,
        "accept": bundle.accept if bundle.fast else None, "fast": bundle.fast.version if bundle.fast else None,
    }  # fmt: skip


def libraries() -> dict[str, str]:
    """Versions of those that shape a prediction or a baseline, as far as they are installed."""
    return {name: version(name) for name in LIBRARIES if any(distributions(name=name))}


def provenance() -> dict[str, Any]:
    """When, by which revision and libraries; the revision is None outside a checkout."""
    command = ["git", "rev-parse", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # a command of ours
    return {
        "on": datetime.now(UTC).date().isoformat(),
        "revision": found.stdout.strip() or None,
        "libraries": libraries(),
    }


def check_rows(bundle: Bundle, data: Path) -> str:
    """The sha256 of the prepared rows; the baselines learn from what the bundle learnt from, so it must be the same.

    Raises InputError when there are none, or others.
    """
    path = data / "report.json"
    if not path.exists():
        raise InputError(f"{data} holds no prepared data (no report.json); run `nabd data` first")
    found, expected = json.loads(path.read_text(encoding="utf-8"))["sha256"], bundle.training["rows_sha256"]
    if found != expected:
        raise InputError(
            f"{bundle.name} learnt from rows {expected[:12]}, {data} holds {found[:12]}; "
            "prepare the data that it learnt from, or train it again on these"
        )
    return str(found)


def origins(rows: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """Where rows of `gold` come from, with licences: `gold` itself has none of its own."""
    registry = load_registry()
    counted = sorted(Counter(row.origin for row in {row.id: row for row in rows}.values()).items())
    return {origin: {"rows": count, "licence": get_source(registry, origin).licence} for origin, count in counted}


def split_sizes(examples: Sequence[Example], split: str) -> dict[str, int]:
    """Rows of each source in a whole split."""
    return dict(sorted(Counter(row.source for row in examples if row.split == split).items()))


def rows_of(draw: Mapping[str, Sequence[Example]], source: str) -> list[Example]:
    """The rows of one source that any task drew."""
    return [row for chosen in draw.values() for row in chosen if row.source == source]
