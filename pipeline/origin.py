"""The model that scored a file, of which the file itself tells the name and the first of the hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from pipeline.errors import BundleError, NabdError
from pipeline.manifest import read_bundle_manifest
from pipeline.settings import Settings, for_model, home, labels_of, model_folder
from pipeline.taxonomy import DEFAULT, Taxonomy


def folder_of(version: str, near: Path | None = None) -> Path | None:
    """Of `mine@0123abcd`: `near` if it is that, else a folder of ./models or of the shipped ones; None: not at hand."""
    name = version.partition("@")[0]
    if not name or Path(name).name != name:
        return None
    for folder in (near, Path("models") / name, home() / "models" / name):
        with suppress(BundleError):
            if folder and version_of(folder) == version:
                return folder
    return None


def version_of(folder: Path) -> str:
    """What `nabd_model` says of the model in `folder`. Raises BundleError where there is none."""
    manifest = read_bundle_manifest(folder)
    return f"{manifest['name']}@{manifest['sha256'][:8]}"


def taxonomy_of(version: str, near: Path | None = None) -> Taxonomy:
    """The labels of the model of this version; Nabd's own where it is not at hand."""
    folder = folder_of(version, near)
    return labels_of(folder) if folder else DEFAULT


def settings_of(version: str, topics: Collection[str], settings: Settings, errors: Console) -> Settings:
    """The settings with the labels of the model that scored a file of these topics.

    Where that is not at hand they stay as they are, and `errors` says so if topics are none of theirs. Raises
    UsageError for a settings file that names other labels.
    """
    with suppress(NabdError):
        near = model_folder(settings.model, settings.tracking)
        if version_of(near) == version:
            return settings
    folder = folder_of(version)
    if folder is not None:
        return settings if labels_of(folder) == settings.labels else for_model(settings, str(folder))
    if not settings.labels.category_of.keys() >= set(topics):
        errors.print(
            f"the rows were scored by {version or 'a model that they do not name'}, which is not at hand, and "
            f"{settings.model} has other labels; name the right one: `model` in nabd.toml"
        )
    return settings


def most_common(versions: Iterable[str]) -> str:
    """The version that scored most rows; "" where none says."""
    counts = Counter(versions)
    return counts.most_common(1)[0][0] if counts else ""
