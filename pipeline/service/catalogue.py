"""The models that lie beside the one that is served, and what was certified of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import BundleError
from pipeline.manifest import read_bundle_manifest

CERTIFIED = ("n", "ece", "ceiling", "within", "brier")


def models(folder: Path) -> dict[str, Path]:
    """Name -> folder of every model in `folder`, by name."""
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/manifest.json"))}


def describe(folder: Path) -> dict[str, Any] | None:
    """A model's version, encoder and certificate; None when its manifest was altered or is not understood."""
    try:
        manifest = read_bundle_manifest(folder)
    except BundleError:
        return None
    version = f"{manifest['name']}@{manifest['sha256'][:8]}"
    return {
        "name": folder.name, "version": version, "encoder": manifest.get("encoder"),
        "built": manifest["built"].get("on"), "certificate": list(_certificate(folder, version)),
    }  # fmt: skip


def _certificate(folder: Path, version: str) -> Iterator[dict[str, Any]]:
    """Of each language and task; nothing when what was measured is of another version."""
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        languages = metrics["certificate"]["languages"] if metrics["model"]["version"] == version else {}
    except (OSError, ValueError, KeyError):
        return
    for language, tasks in languages.items():
        for task, found in tasks.items():
            yield {"language": language, "task": task, **{name: found[name] for name in CERTIFIED}}
