"""Training data in a local folder: find it, check it, read it, write it."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, UsageError
from pipeline.training.sources.registry import Registry, Source

VARIABLE = "NABD_DATA_DIR"
FETCHED = "fetched.json"
PACKAGE = Path(__file__).parents[1]
CHECKOUT = Path(__file__).parents[3]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Located:
    """A source whose files are there and checked; `sha256` is of their bytes, one after the other."""

    source: Source
    files: tuple[Path, ...]
    sha256: str


def default_data_dir() -> Path | None:
    """`NABD_DATA_DIR`, else `shared` beside the checkout when it exists."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    shared = CHECKOUT.parent / "shared"
    return shared if (shared / "data").is_dir() else None


def find_data_dir(given: Path | None = None) -> Path:
    """The folder given, else the default one. Raises UsageError when there is none."""
    folder = given or default_data_dir()
    if folder is None:
        raise UsageError(f"no data folder: name one with --data-dir or {VARIABLE}, or download with --fetch")
    if not folder.is_dir():
        raise UsageError(f"data folder {folder} does not exist: name another with --data-dir or {VARIABLE}")
    return folder


def locate(registry: Registry, data_dir: Path) -> tuple[list[Located], list[Source]]:
    """Sources that are there, with their hashes checked, and those that are missing.

    Raises InputError when a file differs from the registry's, or when no source is there at all.
    """
    fetched = fetched_hashes(data_dir)
    present, missing = [], []
    for source in registry.values():
        if source.file is None:
            continue
        files = find_files(source, data_dir)
        if files:
            present.append(_check(source, files, fetched))
        else:
            missing.append(source)
    if not present:
        raise InputError(f"no training data in {data_dir}: expected files such as {missing[0].file}; see --fetch")
    if missing:
        log.warning("%d sources are missing and left out: %s", len(missing), ", ".join(s.name for s in missing))
    return present, missing


def read_rows(located: Located) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """(file name, row number from 1, row). Raises InputError at a row that is no JSON object."""
    for path in located.files:
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    yield path.name, number, _parse(line, path.name, number)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise InputError(f"{path.name}: not a readable gzip file of UTF-8 lines ({type(error).__name__})") from None


def file_hash(*files: Path) -> str:
    """SHA-256 of the files' bytes, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def find_files(source: Source, data_dir: Path) -> tuple[Path, ...]:
    """The files of one source: those inside the package when it has any, else the one in the data folder."""
    if source.packaged:
        packaged = tuple(sorted((PACKAGE / source.packaged).glob("*.jsonl.gz")))
        if packaged:
            return packaged
    path = data_dir / str(source.file)
    return (path,) if path.is_file() else ()


def fetched_hashes(data_dir: Path) -> Mapping[str, str]:
    """Hashes of what --fetch wrote there: a download need not equal the project's own copy byte for byte."""
    path = data_dir / FETCHED
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError):
        raise InputError(f"{path} is not a JSON object: delete it and run with --fetch again") from None


def write_lines(path: Path, lines: Iterator[str]) -> None:
    """Gzipped lines with no time stamp, so that equal lines are equal bytes; complete or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            packed.writelines(line.encode("utf-8") + b"\n" for line in lines)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _check(source: Source, files: tuple[Path, ...], fetched: Mapping[str, str]) -> Located:
    """Packaged files are under version control with the code, so only files from outside are compared."""
    found = file_hash(*files)
    outside = not files[0].is_relative_to(PACKAGE)
    if outside and found not in {source.sha256, fetched.get(source.name)}:
        raise InputError(
            f"{files[0]} has changed: found sha256 {found}, expected {source.sha256}; "
            f"restore the file, or if the change is meant, set sha256 of [{source.name}] in registry.toml"
        )
    return Located(source, files, found)


def _parse(line: str, file: str, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise InputError(f"{file}: row {number} is not a JSON object; fetch or copy the file again")
    return row
