"""Vectors (n, d) -> logits per task, every linear head in one matrix product; and their distance from the familiar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.encoder import Vectors
from pipeline.errors import BundleError


@dataclass(frozen=True)
class Heads:
    """`weight` is (d, labels of all tasks), `bias` (labels of all tasks); `labels` tells the columns of each task.

    `centres` (k + 1, d): the mean of the training vectors, then the mean of each of k topics; None: distance unknown.
    """

    weight: Vectors
    bias: Vectors
    labels: Mapping[str, tuple[str, ...]]
    centres: Vectors | None = None

    def __post_init__(self) -> None:
        columns = sum(map(len, self.labels.values()))
        if self.weight.ndim != 2 or self.weight.shape[1] != columns or self.bias.shape != (columns,):
            found = f"{self.weight.shape} and {self.bias.shape}"
            raise BundleError(f"the heads have shapes {found}, expected (d, {columns}) and ({columns},)")
        if self.centres is not None and self.centres.shape[1:] != self.weight.shape[:1]:
            raise BundleError(f"the centres have shape {self.centres.shape}, expected (k, {len(self.weight)})")

    def logits(self, vectors: Vectors) -> dict[str, Vectors]:
        """(n, d) -> per task (n, labels)."""
        values = vectors @ self.weight + self.bias
        ends = np.cumsum([len(labels) for labels in self.labels.values()])
        return dict(zip(self.labels, np.split(values, ends[:-1], axis=1), strict=True))

    def distance(self, vectors: Vectors) -> Vectors:
        """(n, d) -> (n,): cosine distance, in [0, 2], to the nearest topic, both seen from the mean of training."""
        if self.centres is None:
            return np.zeros(len(vectors), np.float32)
        mean, topics = self.centres[0], self.centres[1:]
        return np.asarray(1 - (_unit(vectors - mean) @ _unit(topics - mean).T).max(axis=1, initial=-1))

    def save(self, path: Path) -> None:
        from safetensors.numpy import save

        tensors = {"weight": np.ascontiguousarray(self.weight), "bias": np.ascontiguousarray(self.bias)}
        if self.centres is not None:
            tensors["centres"] = np.ascontiguousarray(self.centres)
        path.write_bytes(save(tensors))

    @classmethod
    def load(cls, path: Path, labels: Mapping[str, tuple[str, ...]]) -> Heads:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
            return cls(tensors["weight"], tensors["bias"], labels, tensors.get("centres"))
        except (SafetensorError, KeyError) as error:
            raise BundleError(f"{path} holds no heads: {error}") from None


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
