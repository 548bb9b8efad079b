"""The models that a name can mean, for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pipeline import bundle as bundles
from pipeline.errors import BundleError


def render_models(folders: Iterable[Path]) -> Table:
    """A row a model in one of `folders`: its version and labels, or why it cannot be loaded."""
    table = Table("Model", "Version", "Topics", "Encoder", "State", box=None, pad_edge=False)
    found = {path.resolve(): None for folder in folders for path in sorted(folder.glob("*/manifest.json"))}
    for manifest in found:
        name = manifest.parent.name
        try:
            bundle = bundles.load(manifest.parent)
        except BundleError as error:
            table.add_row(name, "", "", "", Text(f"refused: {error}"))
        else:
            table.add_row(name, bundle.version, str(len(bundle.taxonomy.topics)), bundle.encoder.id[:12], "verified")
    return table
