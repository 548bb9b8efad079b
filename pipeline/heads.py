"""Vectors (n, d) -> logits per task: every linear head in one matrix product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.encoder import Vectors
from pipeline.errors import BundleError


@dataclass(frozen=True)
class Heads:
    """`weight` is (d, labels of all tasks), `bias` (labels of all tasks); `labels` tells the columns of each task."""

    weight: Vectors
    bias: Vectors
    labels: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        columns = sum(map(len, self.labels.values()))
        if self.weight.ndim != 2 or self.weight.shape[1] != columns or self.bias.shape != (columns,):
            found = f"{self.weight.shape} and {self.bias.shape}"
            raise BundleError(f"the heads have shapes {found}, expected (d, {columns}) and ({columns},)")

    def logits(self, vectors: Vectors) -> dict[str, Vectors]:
        """(n, d) -> per task (n, labels)."""
        values = vectors @ self.weight + self.bias
        ends = np.cumsum([len(labels) for labels in self.labels.values()])
        return dict(zip(self.labels, np.split(values, ends[:-1], axis=1), strict=True))

    def save(self, path: Path) -> None:
        from safetensors.numpy import save

        tensors = {"weight": np.ascontiguousarray(self.weight), "bias": np.ascontiguousarray(self.bias)}
        path.write_bytes(save(tensors))

    @classmethod
    def load(cls, path: Path, labels: Mapping[str, tuple[str, ...]]) -> Heads:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
            return cls(tensors["weight"], tensors["bias"], labels)
        except (SafetensorError, KeyError) as error:
            raise BundleError(f"{path} holds no heads: {error}") from None
