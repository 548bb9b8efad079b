"""The routes that a model would serve by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.manifest import read_bundle_manifest
from pipeline.route import Rule
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import Taxonomy


def routes_of(folder: Path, settings: Settings) -> Sequence[Rule]:
    """The file's routes read with the model's own labels; where they ask for others, as they are: those never match."""
    table = Taxonomy.from_dict(read_bundle_manifest(folder)["taxonomy"])
    try:
        return load_settings(Path(settings.source), environment={}, table=table).routes
    except UsageError:
        return settings.routes
