"""Downloads of sources from the Hugging Face hub, into the layout of a local data folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, OutputError, UsageError
from pipeline.telemetry import switch_off
from pipeline.training.sources.folder import FETCHED, fetched_hashes, file_hash, find_files, write_lines
from pipeline.training.sources.registry import Hub, Registry, Source

log = logging.getLogger(__name__)


def fetch_missing(registry: Registry, target_dir: Path) -> list[str]:
    """Fetches every source that `target_dir` lacks; returns a line for each that only its authors can give."""
    lines = []
    for source in registry.values():
        if source.file is None or find_files(source, target_dir):
            continue
        if source.hub is None:
            lines.append(f"{source.name}: not on the hub; get it from {source.repository or 'its authors'}")
        else:
            log.info("fetched %s to %s", source.name, fetch(source, target_dir))
    return lines


def fetch(source: Source, target_dir: Path) -> Path:
    """Downloads one source and writes it as `target_dir/source.file`.

    Needs the `train` extra and the network. Raises UsageError for a source that the hub does not hold, InputError
    when what comes back has not the splits and columns that the registry names.
    """
    if source.hub is None or source.file is None:
        raise UsageError(f"{source.name} cannot be fetched: get it from {source.repository or 'its authors'}")
    rows = list(_rows(source, source.hub))
    path = target_dir / source.file
    try:
        write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))
        _record(source.name, file_hash(path), target_dir)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; name another folder with --data-dir") from None
    return path


def _rows(source: Source, hub: Hub) -> Iterator[dict[str, str]]:
    for split, ours in hub.splits.items():
        table = _load(hub, split)
        missing = {hub.text, hub.label} - set(table.column_names)
        if missing:
            raise InputError(f"{hub.id}: no column {sorted(missing)[0]!r}; found {', '.join(table.column_names)}")
        feature = table.features[hub.label]
        for number, row in enumerate(table):
            label = _label(row[hub.label], feature)
            yield {"id": f"{source.name}-{ours}-{number}", "text": str(row[hub.text]), "lang": source.languages[0],
                   "label": label, "split": ours}  # fmt: skip


def _load(hub: Hub, split: str) -> Any:
    switch_off()
    try:
        from datasets import load_dataset
    except ImportError:
        raise UsageError("--fetch needs the train extra: pip install 'nabd[train]'") from None
    try:
        return load_dataset(hub.id, hub.config, split=split, revision=hub.revision)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{hub.id}: split {split!r} cannot be fetched ({type(error).__name__}): {error}") from None


def _label(value: Any, feature: Any) -> str:
    """Label names; several are joined by `|`."""
    if isinstance(value, list):
        inner = getattr(feature, "feature", feature)
        return "|".join(_label(item, inner) for item in value)
    name = getattr(feature, "int2str", str)
    return str(name(value))


def _record(name: str, digest: str, target_dir: Path) -> None:
    known = {**fetched_hashes(target_dir), name: digest}
    (target_dir / FETCHED).write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
