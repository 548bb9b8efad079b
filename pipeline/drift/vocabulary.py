"""How much of a message its model has no word for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bundle import find_bundle, find_encoder
from pipeline.calibrate import Floats
from pipeline.encoder import OnnxEncoder
from pipeline.errors import BundleError
from pipeline.manifest import read_bundle_manifest
from pipeline.origin import folder_of

_WORD = re.compile(r"[^\W\d_]+")


def unknown_words(texts: Sequence[str], model: str, near: Path | None = None) -> Floats | None:
    """Normalised texts -> (n,): the share of their words that the model's tokenizer spells in pieces or not at all.

    NaN for a text without words. None where the version `model`, perhaps that in `near`, is not at hand or has no
    tokenizer.
    """
    folder = folder_of(model, near)
    tokenizer = _tokenizer(folder) if folder else None
    if tokenizer is None:
        return None
    said = [_WORD.findall(text) for text in texts]
    words = sorted({word for each in said for word in each})
    unknown = tokenizer.token_to_id("<unk>")
    pieces = (encoding.ids for encoding in tokenizer.encode_batch_fast(words, add_special_tokens=False))
    known = {word: len(ids) == 1 and ids[0] != unknown for word, ids in zip(words, pieces, strict=True)}
    return np.array([np.mean([not known[word] for word in each]) if each else np.nan for each in said], np.float64)


def _tokenizer(folder: Path) -> Any:
    """Of the encoder that reads in full: a cascade's second one."""
    from tokenizers import Tokenizer

    try:
        manifest = read_bundle_manifest(folder)
        if "full" in manifest:
            manifest = read_bundle_manifest(find_bundle(folder.parent, manifest["full"]))
        encoder = find_encoder(folder.parent, manifest["encoder"])
    except BundleError:
        return None
    return Tokenizer.from_file(str(encoder.folder / "tokenizer.json")) if isinstance(encoder, OnnxEncoder) else None
