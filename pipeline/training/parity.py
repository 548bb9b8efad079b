"""Do all languages and dialects fare alike, does distance tell the strange, and which model suits whom?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from pipeline.bundle import Bundle
from pipeline.score import prepare
from pipeline.taxonomy import OUT_OF_SCOPE
from pipeline.training.examples import Example
from pipeline.training.metrics import rounded
from pipeline.training.scorecard import Case, grouped, scorecard

FEW_SHOT = "few-shot.json"  # beside the models' folders
DIALECTS = {"arbanking77": ("category", "accuracy"), "arsarcasm-v2": ("sentiment", "head_macro_f1")}


def parity(cases: Sequence[Case], *, seed: int) -> dict[str, Any]:
    """Gold category accuracy and sentiment macro-F1 by language, public ones by dialect, each with its gap."""
    gold = grouped([case for case in cases if case.example.source == "gold"], lambda case: case.example.lang)
    found = {"gold category": _measured(gold, "category", "accuracy", seed)}
    found["gold sentiment"] = _measured(gold, "sentiment", "head_macro_f1", seed)
    for source, (task, measure) in DIALECTS.items():
        groups = grouped([case for case in cases if case.example.source == source], lambda case: case.example.dialect)
        found[f"{source} {task}"] = _measured(groups, task, measure, seed)
    return {name: groups for name, groups in found.items() if groups}


def _measured(groups: Mapping[str, Sequence[Case]], task: str, measure: str, seed: int) -> dict[str, Any]:
    cards = {name: scorecard(some, seed=seed) for name, some in groups.items()}
    found = {name: {"n": card[task]["n"], **card[task][measure]} for name, card in cards.items() if task in card}
    best = max((each["value"] for each in found.values()), default=0.0)
    return {name: {**each, "gap": round(best - each["value"], 4)} for name, each in found.items()}


def distances(rows: Sequence[Example], bundle: Bundle) -> dict[str, Any]:
    """How well the distance alone tells gold rows out of scope from the others, and how many of each it hands over."""
    vectors = bundle.encoder.encode([prepare(row.text).text for row in rows])
    far, strange = bundle.heads.distance(vectors), np.array([row.topic == OUT_OF_SCOPE for row in rows])
    flagged = far > bundle.farthest
    known = bundle.heads.centres is not None and strange.any() and not strange.all()
    return {
        "auroc": rounded(float(roc_auc_score(strange, far))) if known else None,
        "flagged_in_scope": rounded(float(flagged[~strange].mean())) if known else None,
        "flagged_out_of_scope": rounded(float(flagged[strange].mean())) if known else None,
    }


def few_shot(models: Path) -> list[dict[str, Any]]:
    """What `python -m pipeline.training.retrain.fewshot` measured of the models of this folder; empty if never run."""
    kept = models / FEW_SHOT
    return json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []


def family(models: Path, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the models beside this one that were judged on the same rows, and its own."""
    known = {metrics["model"]["name"]: metrics}
    for path in sorted(models.glob("*/metrics.json")):
        other = json.loads(path.read_text(encoding="utf-8"))
        if other["data"]["rows_sha256"] == metrics["data"]["rows_sha256"]:
            known.setdefault(other["model"]["name"], other)
    return {
        name: {
            "version": each["model"]["version"],
            "category": {language: card["category"]["macro_f1"] for language, card in each["gold"].items()},
            "sentiment": each["gold"]["all"]["sentiment"]["macro_f1"],
            "handed_over": each["review"]["handed_over"],
            "accuracy_of_the_rest": each["review"]["accuracy_of_the_rest"],
        }
        for name, each in sorted(known.items())
    }
