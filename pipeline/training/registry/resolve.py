"""`models:/nabd@champion` or `models:/nabd/3` -> the folder of that bundle."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import UsageError

_NAME = re.compile(r"models:/(?P<name>[\w.-]+)(?:@(?P<alias>[\w.-]+)|/(?P<number>\d+))")


def resolve(name: str, tracking: str) -> Path:
    """Raises UsageError for a name that is none of the registry `tracking`, or where MLflow is not installed."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(
            f"{name!r} is no model of the registry, expected such as models:/nabd@champion or models:/nabd/3"
        )
    from pipeline.training.registry.store import Registry

    registry = Registry(tracking, name=match["name"])
    return registry.folder(registry.named(match["alias"] or match["number"]))
