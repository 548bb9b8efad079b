"""Texts -> float32 vectors (n, d): the ONNX encoder, and a fake one for tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError
from pipeline.telemetry import switch_off

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

Vectors = NDArray[np.float32]
Tokens = NDArray[np.int64]

BATCH_TOKENS = 1024  # stays in a core's cache; larger batches were slower
PADDING = 48  # tokens of a batch at most; more cost what one more run does, measured with 8 to 1,024 texts


class Encoder(Protocol):
    """`id` is the sha256 of everything that shapes the vectors."""

    @property
    def id(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Normalised texts -> (n, width); a text gives the same vector alone as in any list."""
        ...


@dataclass(frozen=True)
class EncoderFolder:
    """What every encoder on disk has: its folder, and the manifest in it that gives its id and width."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.folder)

    @property
    def id(self) -> str:
        return str(self.manifest["id"])

    @property
    def width(self) -> int:
        return int(self.manifest["width"])


@dataclass(frozen=True)
class OnnxEncoder(EncoderFolder):
    """A folder of `encoder.json`, `model.onnx` and `tokenizer.json`.

    A text longer than a window is read in windows; its vector is their mean, weighted by their tokens.
    """

    FILES: ClassVar[tuple[str, ...]] = ("model.onnx", "tokenizer.json")

    threads: int = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        owners, windows = self._windows(texts)
        totals = np.zeros((len(texts), self.width), np.float32)
        weights = np.zeros((len(texts), 1), np.float32)
        for batch in _batches([len(window) for window in windows]):
            vectors = self._run([windows[i] for i in batch])
            tokens = np.array([[len(windows[i])] for i in batch], np.float32)
            rows = [owners[i] for i in batch]
            np.add.at(totals, rows, vectors * tokens)
            np.add.at(weights, rows, tokens)
        totals /= np.maximum(weights, 1)
        return totals

    def _windows(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Every window's text index and its token ids, prefix and end marks included."""
        head, tail = self._frame
        room = int(self.manifest["window_tokens"]) - len(head) - len(tail)
        owners, windows = [], []
        for index, encoding in enumerate(self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)):
            ids = encoding.ids
            for start in range(0, max(len(ids), 1), room):
                owners.append(index)
                windows.append(head + ids[start : start + room] + tail)
        return owners, windows

    def _run(self, windows: Sequence[list[int]]) -> Vectors:
        longest = max(map(len, windows))
        ids: Tokens = np.full((len(windows), longest), int(self.manifest["pad_id"]), np.int64)
        mask: Tokens = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, np.float32)

    @cached_property
    def _frame(self) -> tuple[list[int], list[int]]:
        """What the encoder was trained to see around a text: start mark and prefix, end mark."""
        marked = self._tokenizer.encode(self.manifest["prefix"].strip()).ids
        return marked[:-1], marked[-1:]

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        switch_off()
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        # The graph is fused at export; further fusion would bring back the slow SkipLayerNormalization.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        return ort.InferenceSession(str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class FakeEncoder:
    """Hashed character trigrams: no model file, the same vector for the same text, near vectors for near texts."""

    width: int = 64

    @property
    def id(self) -> str:
        return f"fake-{self.width}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.width), np.float32)
        for row, text in enumerate(texts):
            for start in range(len(text) - 2):
                digest = hashlib.blake2b(text[start : start + 3].encode(), digest_size=4).digest()
                vectors[row, int.from_bytes(digest, "little") % self.width] += 1
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors


def read_manifest(folder: Path) -> dict[str, Any]:
    """`encoder.json` of an encoder folder. Raises BundleError when it is missing or is not one."""
    path = folder / "encoder.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{path} is no encoder manifest ({type(error).__name__}); reinstall the models folder"
        ) from None
    expected = {"id", "kind", "files", "width"}
    if not isinstance(manifest, dict) or not expected <= manifest.keys():
        missing = expected.difference(manifest if isinstance(manifest, dict) else ())
        raise BundleError(f"{path} lacks {sorted(missing)}; it was written by another version of Nabd")
    if manifest["id"] != manifest_id(manifest):
        raise BundleError(f"{path} was altered: its id is not the hash of its content; restore it or reinstall")
    return manifest


def manifest_id(manifest: Mapping[str, Any]) -> str:
    """sha256 of what shapes the vectors; the measured fidelity does not."""
    content = {key: value for key, value in manifest.items() if key not in ("id", "fidelity")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices grouped by length; a batch has at most BATCH_TOKENS tokens, of which at most PADDING say nothing."""
    batch: list[int] = []
    filled = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        filled += lengths[index]
        tokens = lengths[index] * (len(batch) + 1)
        if batch and (tokens > BATCH_TOKENS or tokens - filled > PADDING):
            yield batch
            batch, filled = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch
