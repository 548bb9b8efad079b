"""Where a job's files lie: one folder a job, named by its random id; no name or path comes from a client."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

_ID = re.compile("[0-9a-f]{32}")
_SUFFIX = re.compile(
    r"\.(?:csv|tsv|tab|txt|jsonl|ndjson|jl|json)(?:\.gz)?\Z|\.(?:xlsx|parquet|mbox|eml)\Z", re.IGNORECASE
)
_UPLOAD, _RESULT, _REJECTS = "upload", "result", "rejects.jsonl"
FOLDER_MODE, FILE_MODE = 0o700, 0o600


def new_id() -> str:
    """The id of a job; whoever does not know it cannot guess it."""
    return uuid4().hex


def folder(uploads: Path, job: str) -> Path:
    """Raises ValueError for what is no id of ours, so that no other path is ever built."""
    if not _ID.fullmatch(job):
        raise ValueError("not the id of a job")
    return uploads / job


def create(uploads: Path, job: str) -> Path:
    """The job's new folder, for this user alone."""
    uploads.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    own = folder(uploads, job)
    own.mkdir(mode=FOLDER_MODE)
    return own


def suffix(filename: str) -> str:
    """The known extension of a client's file name, which helps to tell the format; "" for any other."""
    found = _SUFFIX.search(filename)
    return found[0].lower() if found else ""


def new_upload(own: Path, filename: str) -> Path:
    return own / f"{_UPLOAD}{suffix(filename)}"


def upload(uploads: Path, job: str) -> Path | None:
    """The uploaded file, None where it is not on this machine (any more)."""
    return _first(folder(uploads, job), f"{_UPLOAD}*")


def result(uploads: Path, job: str) -> Path | None:
    """The scored file, None until the job is done."""
    return _first(folder(uploads, job), f"{_RESULT}*")


def rejects(uploads: Path, job: str) -> Path:
    """Where the rejects are; the file is there only if there are any."""
    return folder(uploads, job) / _REJECTS


def new_result(source: Path, format: str) -> Path:
    """Where the scored file of `source` goes: in its own format where that can be written, else JSONL."""
    name = source.name.removeprefix(_UPLOAD)
    if format == "xlsx" or format == "parquet":
        name = f".{format}"
    elif format == "csv":
        name = name if name.endswith((".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz")) else ".csv"
    else:
        name = ".jsonl"
    return source.with_name(f"{_RESULT}{name}")


def clear_output(uploads: Path, job: str) -> None:
    """Removes what an earlier run of the job left, whole or in part."""
    for path in folder(uploads, job).iterdir():
        if not path.name.startswith(_UPLOAD):
            path.unlink(missing_ok=True)


def remove(uploads: Path, job: str) -> None:
    """All files of the job."""
    shutil.rmtree(folder(uploads, job), ignore_errors=True)


def present(uploads: Path) -> Iterator[str]:
    """The ids of the jobs that have a folder here."""
    if uploads.is_dir():
        yield from (path.name for path in uploads.iterdir() if _ID.fullmatch(path.name))


def _first(own: Path, pattern: str) -> Path | None:
    return next(iter(sorted(own.glob(pattern))), None) if own.is_dir() else None
