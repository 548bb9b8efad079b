"""Texts -> vectors of the frozen encoder, kept on disk so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from pipeline.encoder import Encoder, Vectors

SHARD_TEXTS = 4096


def embed(texts: Sequence[str], encoder: Encoder, cache: Path) -> Vectors:
    """Normalised texts -> (n, d) in their order; shards of new vectors are added to `cache` as they are made."""
    folder = cache / encoder.id[:16]
    folder.mkdir(parents=True, exist_ok=True)
    known = _read(folder)
    missing = sorted({text for text in texts if _key(text) not in known}, key=len)
    for shard in track(list(_chunks(missing)), description="Encoding", disable=not missing):
        vectors = encoder.encode(shard)
        keys = [_key(text) for text in shard]
        _write(folder, keys, vectors)
        known.update(zip(keys, vectors, strict=True))
    return np.stack([known[_key(text)] for text in texts]) if texts else np.zeros((0, encoder.width), np.float32)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), SHARD_TEXTS):
        yield texts[start : start + SHARD_TEXTS]


def _read(folder: Path) -> dict[bytes, Vectors]:
    known: dict[bytes, Vectors] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as shard:
            known.update(zip(map(bytes, shard["keys"]), shard["vectors"], strict=True))
    return known


def _write(folder: Path, keys: Sequence[bytes], vectors: Vectors) -> None:
    path = folder / f"{keys[0].hex()}.npz"
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, keys=np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1), vectors=vectors)
    part.replace(path)
