"""The vectors of a scored file, kept beside it: Parquet of `row` (from 1, as in the scored file) and `vector`.

A vector is a list of `width` halves (float16), as the encoder that read every row gave it: a cascade's fast one. The
schema's metadata names the model (`nabd_model`, as in the rows) and that encoder (`nabd_encoder`, its sha256).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.bundle import Bundle, Judged
from pipeline.encoder import Vectors
from pipeline.errors import InputError, UsageError
from pipeline.writers.target import Target

MODEL, ENCODER = "nabd_model", "nabd_encoder"
PART = 4096  # rows read at once


@contextmanager
def keeping(path: str | None, bundle: Bundle) -> Iterator[Callable[[Judged], None]]:
    """Yields what to call with every window of judged rows, in the order of the scored file.

    The file appears on a clean exit and not at all after an exception; no `path`, no file.
    """
    if path is None:
        yield lambda judged: None
        return
    if path == "-":
        raise UsageError("vectors are kept as Parquet, which cannot go to standard output; name a file by --embeddings")
    target = Target(path)
    with target.reporting():
        parquet = pq.ParquetWriter(target.stream, _schema(bundle))
    rows = 0

    def keep(judged: Judged) -> None:
        nonlocal rows
        with target.reporting():
            parquet.write_batch(_batch(judged.vectors, rows + 1, parquet.schema))
        rows += len(judged.vectors)

    try:
        yield keep
        with target.reporting():
            parquet.close()
        target.commit()
    except BaseException:
        with suppress(OSError):
            parquet.close()
        target.discard()
        raise


def embeddings_model(path: str) -> str:
    """The version of the model whose vectors these are. Raises UsageError for a file that `nabd score` did not keep."""
    with _opened(path) as parquet:
        return _model(parquet, path)


def read_embeddings(path: str, numbers: Sequence[int]) -> Vectors:
    """The vectors (n, d) of the rows with these numbers, in their order.

    Raises UsageError for a file that `nabd score` did not keep, or of other rows.
    """
    wanted, places = np.unique(np.asarray(numbers, np.int64), return_inverse=True)
    with _opened(path) as parquet:
        _model(parquet, path)
        vectors = np.zeros((len(wanted), parquet.schema_arrow.field("vector").type.list_size), np.float32)
        seen = np.zeros(len(wanted), bool)
        for batch in parquet.iter_batches(PART, columns=["row", "vector"]):
            rows: NDArray[np.int64] = batch.column("row").to_numpy()
            mine = np.isin(rows, wanted)
            held = np.searchsorted(wanted, rows[mine])
            vectors[held] = batch.column("vector").flatten().to_numpy().reshape(len(rows), -1)[mine]
            seen[held] = True
    if not seen.all():
        first, rows_held = int(wanted[~seen][0]), parquet.metadata.num_rows
        raise UsageError(
            f"{path} holds vectors of {rows_held:,} rows and none of row {first:,}: it is of another file; score again"
            " with --embeddings"
        )
    if not np.isfinite(vectors).all():
        raise InputError(f"{path} holds vectors that are not finite; score again with --embeddings")
    return vectors[places]


def _schema(bundle: Bundle) -> Any:
    encoder = bundle.first_encoder
    fields = [pa.field("row", pa.int64()), pa.field("vector", pa.list_(pa.float16(), encoder.width))]
    return pa.schema(fields, {MODEL: bundle.version, ENCODER: encoder.id})


def _batch(vectors: Vectors, first: int, schema: Any) -> Any:
    rows = pa.array(np.arange(first, first + len(vectors)))
    halves = pa.array(vectors.astype(np.float16).ravel())
    return pa.RecordBatch.from_arrays(
        [rows, pa.FixedSizeListArray.from_arrays(halves, type=schema.field("vector").type)], schema=schema
    )


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        with pq.ParquetFile(path) as parquet:
            yield parquet
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path} cannot be read as Parquet ({type(error).__name__}); give what --embeddings wrote"
        ) from None


def _model(parquet: Any, path: str) -> str:
    known = (parquet.schema_arrow.metadata or {}).get(MODEL.encode())
    if known is None or parquet.schema_arrow.names != ["row", "vector"]:
        raise UsageError(f"{path} holds no vectors of `nabd score`; score again with --embeddings FILE and give that")
    return str(known.decode())
