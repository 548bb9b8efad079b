"""A reference as one small file: Parquet without text, ids or times, which a bundle may ship and a server can hold.

A row is one message: its labels, its numbers, the category that a person gave if one did, and of some a reduced vector
(float16). The rows are in random order, and whose they were is not kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.drift.sample import LABELS, NUMBERS, Sample
from pipeline.encoder import Vectors
from pipeline.errors import InputError
from pipeline.writers.target import Target

FILE = "reference.parquet"  # beside the manifest of a bundle
KEY, SCHEMA = b"nabd_drift", 1
FACTS = ("model", "unit", "messages", "synthetic")
VECTOR, TRUTH = "vector", "truth"


def save_reference(sample: Sample, path: str, *, seed: int = 0) -> None:
    """Whole or not at all."""
    target = Target(path)
    try:
        with target.reporting():
            pq.write_table(_table(sample, np.random.default_rng(seed)), target.stream, compression="zstd")
        target.commit()
    except BaseException:
        target.discard()
        raise


def is_reference(path: str) -> bool:
    """Whether it is a file that `save_reference` wrote, of this or another schema."""
    try:
        with pq.ParquetFile(path) as parquet:
            return KEY in (parquet.schema_arrow.metadata or {})
    except (OSError, pa.ArrowException):
        return False


def load_reference(path: str | Path) -> Sample:
    """Raises InputError for what is no reference, or one of another version."""
    try:
        table = pq.read_table(path)
        facts = json.loads(table.schema.metadata[KEY])
        if facts["schema"] != SCHEMA:
            raise InputError(f"{path} is a reference of schema {facts['schema']}, expected {SCHEMA}; make it again")
        return Sample(
            labels={name: _names(table, name) for name in LABELS if name in table.column_names},
            numbers={name: np.array(table[name], np.float64) for name in NUMBERS if name in table.column_names},
            vectors=_vectors(table[VECTOR]) if VECTOR in table.column_names else None,
            truth=_names(table, TRUTH) if TRUTH in table.column_names else None,
            **{name: facts[name] for name in FACTS},
        )
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no reference ({type(error).__name__}); make one by `nabd drift SCORED --make-reference`"
        ) from None


def _table(sample: Sample, random: np.random.Generator) -> Any:
    order = random.permutation(sample.size)
    columns = {name: pa.array(column[order].tolist(), pa.string()) for name, column in sample.labels.items()}
    columns |= {name: pa.array(column[order], pa.float32()) for name, column in sample.numbers.items()}
    if sample.truth is not None:
        columns[TRUTH] = pa.array(sample.truth[order].tolist(), pa.string())
    if sample.vectors is not None:
        columns[VECTOR] = _halves(sample.vectors[random.permutation(len(sample.vectors))], sample.size)
    facts = {"schema": SCHEMA} | {name: getattr(sample, name) for name in FACTS}
    return pa.table(columns).replace_schema_metadata({KEY: json.dumps(facts)})


def _halves(vectors: Vectors, rows: int) -> Any:
    """In the first rows, without regard to whose they are; null in the others."""
    width = vectors.shape[1]
    held = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float16).ravel()), width)
    return pa.concat_arrays([held, pa.nulls(rows - len(vectors), held.type)])


def _vectors(column: Any) -> Vectors:
    held = column.combine_chunks().drop_null()
    return np.asarray(held.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(held), -1)


def _names(table: Any, name: str) -> Any:
    return np.array(table[name].to_pylist(), np.str_)
