"""The gates of the record: is the certificate complete, and what did a person say of the changed messages?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.judging import Judgement
from pipeline.manifest import read_bundle_manifest
from pipeline.training.registry.gates import Gate
from pipeline.training.registry.trial import Trial

CARD = "MODEL_CARD.md"
FIGURES = ("n", "ece", "ceiling", "brier", "reliability", "risk_coverage")


def complete(trial: Trial, certified: Mapping[str, Any]) -> Gate:
    """Every language with enough gate rows is certified, the card is there, the data that it learnt from is named."""
    folder, lacks = trial.new.folder, []
    if not (folder / CARD).exists():
        lacks.append(CARD)
    if not _names_data(folder):
        lacks.append("the hash of what it learnt from")
    rows = Counter(case.example.lang for case in trial.new.cases)
    certified_for = [name for name in sorted(rows) if rows[name] >= trial.margins.language_rows]
    for language in ("all", *certified_for):
        card = certified["languages"].get(language, {}).get("category", {})
        if not all(card.get(name) is not None for name in FIGURES):
            lacks.append(f"figures of {language}")
    few = [f"{name} ({rows[name]})" for name in sorted(rows) if name not in certified_for]
    line = f"lacks {'; '.join(lacks)}" if lacks else f"category certified for {', '.join(('all', *certified_for))}"
    line += f"; too few rows of {', '.join(few)}" if few else ""
    return Gate("certificate", not lacks, line, "card, data hash, figures of every language with enough gate rows")


def replayed(found: Judgement | None, trial: Trial) -> Gate:
    """A person did not find the challenger's answers worse more often than chance; without enough judged, no matter."""
    margins, asked = trial.margins, "not worse more often than chance"
    if found is None or found.old != trial.old.bundle.sha256:
        return Gate("replay", True, "no judgement beside this champion: not judged", asked)
    line = f"{found.better} better, {found.worse} worse, {found.same} same"
    if found.judged < margins.judged:
        return Gate("replay", True, f"{line}: fewer than {margins.judged}, not judged", asked)
    p = found.chance()
    return Gate("replay", p > 1 - margins.confidence, f"{line}, p = {p:.3f} (sign test)", asked)


def _names_data(folder: Path) -> bool:
    """Whether the manifest states a sha256 of data, under whatever name the trainer gave it."""

    def holds(value: Any, key: str = "") -> bool:
        if isinstance(value, Mapping):
            return any(holds(each, str(name)) for name, each in value.items())
        return isinstance(value, str) and len(value) == 64 and ("sha256" in key or key == "teacher")

    return holds(read_bundle_manifest(folder)["training"])
