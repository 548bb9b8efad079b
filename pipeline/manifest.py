"""What a model's manifest must hold, and that nothing named in it was altered."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pipeline import taxonomy
from pipeline.calibrate import ANY
from pipeline.errors import BundleError

SCHEMA = 2
COMMON = {
    "schema": int, "name": str, "normaliser": str, "taxonomy": dict, "thresholds": dict, "training": dict,
    "built": dict, "sha256": str,
}  # fmt: skip
MODEL = COMMON | {"encoder": str, "tasks": dict, "temperatures": dict, "farthest": float, "files": dict}
SEVERAL = MODEL | {"applies": dict}  # of a model that gives a message several topics
CASCADE = COMMON | {"fast": str, "full": str, "accept": float}  # names two models by their sha256


def file_hash(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bundle_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder} is no model: it holds no manifest.json") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise BundleError(f"{path} is not JSON: it was altered; restore it or train again") from None
    fields = _fields(manifest) if isinstance(manifest, dict) else MODEL
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA or manifest.keys() != fields.keys():
        raise BundleError(f"{path} is not of schema {SCHEMA}, the one this version of Nabd reads")
    if manifest["sha256"] != digest(manifest):
        raise BundleError(f"{path} was altered: its sha256 is not the one it states; restore it or train again")
    for name, kind in fields.items():
        if not isinstance(manifest[name], kind):
            raise BundleError(f"{path}: {name} is {type(manifest[name]).__name__}, expected {kind.__name__}")
        if kind is float and not manifest[name] >= 0:  # NaN is not
            raise BundleError(f"{path}: {name} is {manifest[name]}, expected a number of 0 or more")
    return manifest


def _fields(manifest: Mapping[str, Any]) -> Mapping[str, type]:
    if "fast" in manifest:
        return CASCADE
    table = manifest.get("taxonomy")
    return SEVERAL if isinstance(table, dict) and taxonomy.MULTILABEL in table else MODEL


def temperatures(manifest: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = manifest["temperatures"]
    fit = all(isinstance(values, dict) and ANY in values and _positive(values) for values in found.values())
    if not fit or found.keys() != set(taxonomy.TASKS):
        raise BundleError(f"{manifest['name']}: temperatures are {found}, expected numbers above 0 for each task")
    return found


def levels(manifest: Mapping[str, Any], name: str, keys: Collection[str]) -> dict[str, dict[str, float]]:
    """By language, a number for each of `keys`."""
    found: dict[str, dict[str, float]] = manifest[name]
    fit = all(isinstance(each, dict) and each.keys() == set(keys) and _positive(each) for each in found.values())
    if not fit or ANY not in found:
        raise BundleError(f"{manifest['name']}: {name} are {found}, expected a number above 0 for each of {list(keys)}")
    return found


def applies(manifest: Mapping[str, Any], topics: Collection[str]) -> dict[str, float]:
    """From which probability on a message has each of `topics`, where it may have several."""
    found: dict[str, float] = manifest["applies"]
    if found.keys() != set(topics) or not _positive(found):
        raise BundleError(
            f"{manifest['name']}: applies is {found}, expected a number above 0 for each of {list(topics)}"
        )
    return found


def _positive(numbers: Mapping[str, Any]) -> bool:
    return all(isinstance(one, int | float) and math.isfinite(one) and one > 0 for one in numbers.values())


def digest(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key not in ("sha256", "built")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verify(folder: Path, files: Mapping[str, str], *, known: set[str]) -> None:
    if files.keys() != known:
        raise BundleError(f"{folder.name} names files {sorted(files)}, expected {sorted(known)}")
    for name, expected in files.items():
        path = folder / name
        try:
            found = file_hash(path)
        except FileNotFoundError:
            raise BundleError(f"{path} is missing; restore it (git checkout) or reinstall") from None
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}") from None
        if found != expected:
            raise BundleError(
                f"{path} was altered or is cut short: its sha256 is not {expected[:12]}…; restore it or reinstall"
            )
