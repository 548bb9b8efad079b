"""What people said of the changed messages, kept with the version of the new model, where its gate reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.judging import JUDGED, Judgement, read_judged, replays
from pipeline.training.registry.store import Registry, Version

TAG = "judged"


def store_judged(found: Judgement, registry: Registry) -> Version:
    """Keeps it with the version of the new model. Raises InputError when that is not registered."""
    version = registry.of_bundle(found.new)
    if version is None:
        raise InputError(f"the model {found.new[:8]} is not in {registry.tracking}; name its folder by --new")
    registry.tag(version.number, TAG, asdict(found))
    return registry.version(version.number)


def take_up(folder: Path, registry: Registry, version: Version, former: Version) -> Version:
    """Keeps what was judged in the console of this pair of models, in one of the replays of `folder`, with the version.

    Of several judgements of the pair, the one of the most messages counts.
    """
    sheets = [path / JUDGED for path in replays(folder).values() if (path / JUDGED).exists()]
    told = [found for sheet in sheets if (found := read_judged(str(sheet))).new == version.sha256]
    pairs = [found for found in [judgement_of(version), *told] if found and found.old == former.sha256]
    most = max(pairs, key=lambda found: found.judged, default=None)
    return store_judged(most, registry) if most else version


def judgement_of(version: Version) -> Judgement | None:
    """What is kept with a version."""
    content = version.tags.get(TAG)
    given: Mapping[str, Any] | None = json.loads(content) if content else None
    return Judgement(**given) if given else None
