"""The gates of the record: is the certificate complete, and what did a person say of the changed messages?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.drift.reference import FILE, load_reference
from pipeline.judging import Judgement
from pipeline.manifest import read_bundle_manifest
from pipeline.training.registry.gates import Gate
from pipeline.training.registry.trial import Trial
from pipeline.training.retrain.splits import RECORD

CARD = "MODEL_CARD.md"
LANGUAGES, SHARE = ("ar", "fa", "en"), 0.1
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


def covered(trial: Trial) -> Gate:
    """No language is given up: where the champion was retrained on a desk's own rows, the gate holds its languages.

    Rows that lack a language altogether cannot show what became of it. A shipped champion was made for every desk, so
    it asks for none.
    """
    asked = f"gate rows of every language with {SHARE:.0%} of the champion's own dev rows"
    kept = trial.old.folder / FILE
    if not (trial.old.folder / RECORD).exists() or not kept.exists():
        return Gate("languages kept", True, "the champion was not retrained on a desk's own rows: not judged", asked)
    spoken = Counter(language.partition("-")[0] for language in load_reference(kept).labels["language"].tolist())
    had = {name for name, rows in spoken.items() if name in LANGUAGES and rows >= SHARE * spoken.total()}
    lost = sorted(had - {case.example.lang for case in trial.new.cases})
    line = (
        f"no row of {', '.join(lost)}: retrain on messages of it, too" if lost else f"rows of {', '.join(sorted(had))}"
    )
    return Gate("languages kept", not lost, line, asked)


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
