"""The models in a folder, for people."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from pipeline import bundle as bundles
from pipeline.errors import BundleError


def render_models(folder: Path) -> Table:
    """A row a model: its version and labels, or why it cannot be loaded."""
    table = Table("Model", "Version", "Topics", "Encoder", "State", box=None, pad_edge=False)
    for manifest in sorted(folder.glob("*/manifest.json")):
        name = manifest.parent.name
        try:
            bundle = bundles.load(manifest.parent)
        except BundleError as error:
            table.add_row(name, "", "", "", Text(f"refused: {error}"))
        else:
            table.add_row(name, bundle.version, str(len(bundle.taxonomy.topics)), bundle.encoder.id[:12], "verified")
    return table
