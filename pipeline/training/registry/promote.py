"""One `nabd promote`: the challenger beside the champion at every gate; then the aliases, and who and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from pipeline import bundle as bundles
from pipeline.errors import UsageError
from pipeline.manifest import read_bundle_manifest
from pipeline.settings import Settings, model_folder
from pipeline.training.certificate import certificate
from pipeline.training.registry import gates
from pipeline.training.registry.behaviour import behaviour
from pipeline.training.registry.complete import complete, covered, replayed
from pipeline.training.registry.cost import speed, weight
from pipeline.training.registry.gates import Gate
from pipeline.training.registry.history import Event, crown, refuse
from pipeline.training.registry.margins import Margins
from pipeline.training.registry.routes import routes_of
from pipeline.training.registry.store import CHALLENGER, CHAMPION, Registry, Version
from pipeline.training.registry.trial import Trial, read_gate, side
from pipeline.training.replay.judged import judgement_of, take_up

CERTIFICATE = "gate_certificate.json"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is asked for: `model` in place of the champion, by whom and why; `champion` None is the one that serves."""

    model: str
    data: str
    by: str
    why: str
    champion: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    version: Version
    former: Version
    gates: Sequence[Gate]
    event: Event

    @property
    def refused(self) -> list[str]:
        return [gate.name for gate in self.gates if not gate.passed]


def promote(candidate: Candidate, settings: Settings, margins: Margins, console: Console) -> Verdict:
    """Registers both models, runs every gate, and makes the challenger champion if all let it pass.

    Raises UsageError when the two are one, InputError when there are no rows to judge by.
    """
    registry = Registry(settings.tracking, create=True)
    new, old = (model_folder(name, settings.tracking) for name in _names(candidate, registry, settings))
    _refuse_the_same(new, old)
    rows, line = read_gate(candidate.data, new)
    console.print(line)
    sides = (side(folder, bundles.load(folder, threads=settings.threads), rows, console) for folder in (new, old))
    trial = Trial(next(sides), next(sides), margins, candidate.seed)
    version, former = (registry.register(folder, routes_of(folder, settings)) for folder in (new, old))
    registry.point(CHALLENGER, version.number)
    version = take_up(Path(settings.replays), registry, version, former)
    found = judge(trial, registry, version)
    if failed := [gate.name for gate in found if not gate.passed]:
        event = refuse(registry, version, failed, by=candidate.by, why=candidate.why)
    else:
        event = crown(registry, version, former, by=candidate.by, why=candidate.why)
    return Verdict(version, former, found, event)


def judge(trial: Trial, registry: Registry, version: Version) -> list[Gate]:
    """Every gate, in the order of the table; what was measured is kept with the version."""
    certified = certificate(trial.new.cases, seed=trial.seed)
    found = [
        *gates.quality(trial),
        gates.languages(trial),
        gates.topics(trial),
        gates.parity(trial),
        gates.calibration(trial, certified),
        behaviour(trial.new.bundle, trial.old.bundle, margin=trial.margins.behaviour),
        speed(trial),
        weight(trial),
        complete(trial, certified),
        covered(trial),
        replayed(judgement_of(version), trial),
    ]
    with TemporaryDirectory(prefix="nabd-") as folder:
        file = Path(folder) / CERTIFICATE
        file.write_text(json.dumps(certified, indent=1), encoding="utf-8")
        registry.attach(version.number, file, {"gate": certified["languages"]})
    registry.tag(version.number, "gates", {gate.name: gate.passed for gate in found})
    return found


def _names(candidate: Candidate, registry: Registry, settings: Settings) -> tuple[str, str]:
    """The champion is the one named, else the registry's, else the model that the settings serve."""
    crowned = f"models:/{registry.name}@{CHAMPION}" if registry.alias(CHAMPION) else settings.model
    return candidate.model, candidate.champion or crowned


def _refuse_the_same(new: Path, old: Path) -> None:
    hashes = [str(read_bundle_manifest(folder)["sha256"]) for folder in (new, old)]
    if hashes[0] == hashes[1]:
        raise UsageError(f"{new.name}@{hashes[0][:8]} is the champion already: there is nothing to promote")
