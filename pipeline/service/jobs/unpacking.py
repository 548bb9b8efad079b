"""What an upload unpacks to, judged before anything reads it: no zip bomb, gzip bomb or Parquet bomb comes through."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.service.problems import Refusal

LARGEST_PART = 256 << 20  # bytes of one part of a workbook that is held in memory: all but the sheets
SMALL = 32 << 20  # up to here no ratio is looked at: a short export of many like rows packs well
RATIO = 200  # unpacked to packed; a spreadsheet of text has 3 to 30, a bomb 1,000 and more
MOST_PARTS = 10_000
MOST_ROWS = 20_000_000
_SHEETS = "xl/worksheets/"
_CHUNK = 1 << 20


def check(path: Path, *, limit: int) -> None:
    """Raises Refusal: 413 for what unpacks to over `limit` bytes, 422 for a damaged archive. Holds none of it."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith(b"PK"):
        _check_zip(path, limit)
    elif head.startswith(b"\x1f\x8b"):
        _check_gzip(path, limit)
    elif head == b"PAR1":
        _check_parquet(path, limit)


def _check_zip(path: Path, limit: int) -> None:
    """By the central directory; a reader takes no more of a part than it says there."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise _damaged("workbook or ZIP archive") from None
    if len(parts) > MOST_PARTS:
        raise _too_much(f"holds {len(parts):,} parts, the limit is {MOST_PARTS:,}")
    _check_size(sum(part.file_size for part in parts), path.stat().st_size, limit)
    for part in parts:
        if part.file_size > LARGEST_PART and not part.filename.startswith(_SHEETS):
            raise _too_much(f"has a part of {part.file_size >> 20:,} MiB, the limit is {LARGEST_PART >> 20:,} MiB")


def _check_gzip(path: Path, limit: int) -> None:
    """By unpacking it to nowhere, up to the limit: what gzip says of its own size is not to be trusted."""
    packed, unpacked = path.stat().st_size, 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked += len(chunk)
                _check_size(unpacked, packed, limit)
    except (EOFError, OSError, zlib.error):
        raise _damaged("gzip file") from None


def _check_parquet(path: Path, limit: int) -> None:
    """By what it says of itself; its texts are counted as often as they stand in rows, though each is stored once."""
    try:
        with pq.ParquetFile(path) as table:
            found, columns = table.metadata, range(table.metadata.num_columns)
            groups = [found.row_group(number) for number in range(found.num_row_groups)]
            texts = [each.path for each in map(table.schema.column, columns) if each.physical_type == "BYTE_ARRAY"]
        values = max((sum(each.column(at).num_values for each in groups) for at in columns), default=0)
        if max(values, found.num_rows) > MOST_ROWS:
            raise _too_much(f"has {max(values, found.num_rows):,} rows or values, the limit is {MOST_ROWS:,}")
        _check_size(sum(each.total_byte_size for each in groups), path.stat().st_size, limit)
        unpacked = 0
        with pq.ParquetFile(path, read_dictionary=texts) as table:
            for batch in table.iter_batches(columns=texts):
                unpacked += sum(map(_text_bytes, batch.columns))
                if unpacked > limit:
                    raise _too_much(f"unpacks to over {limit:,} bytes")
    except (pa.ArrowException, OSError):
        raise _damaged("Parquet file") from None


def _text_bytes(column: Any) -> int:
    """Of the texts of a column, also of those inside lists and records."""
    if pa.types.is_dictionary(column.type):
        sizes = pc.binary_length(column.dictionary).take(column.indices)
        return pc.sum(sizes).as_py() or 0
    if pa.types.is_nested(column.type):
        parts = column.flatten()
        return sum(map(_text_bytes, parts if isinstance(parts, list) else [parts]))
    return 0


def _check_size(unpacked: int, packed: int, limit: int) -> None:
    if unpacked > limit:
        raise _too_much(f"unpacks to over {limit:,} bytes")
    if unpacked > SMALL and unpacked > RATIO * packed:
        raise _too_much(f"unpacks to more than {RATIO} times its size")


def _too_much(what: str) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the file {what}; split it, or export it as CSV")


def _damaged(kind: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"the file is a {kind} that is damaged; export it again")
