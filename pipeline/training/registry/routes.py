"""The routes that a model would serve by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.route import Rule
from pipeline.settings import FILE, Settings, for_model, home


def routes_of(folder: Path, settings: Settings) -> Sequence[Rule]:
    """The file's routes read with the model's own labels; where they ask for others, those that the model brings."""
    try:
        return for_model(settings, str(folder.absolute())).routes
    except UsageError:
        return for_model(replace(settings, source=str(home() / FILE)), str(folder.absolute())).routes
