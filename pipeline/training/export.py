"""A transformers encoder -> one folder of int8 ONNX, tokenizer and manifest: `models/encoder`."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

from pipeline.encoder import OnnxEncoder, manifest_id
from pipeline.manifest import file_hash
from pipeline.score import prepare
from pipeline.telemetry import switch_off
from pipeline.training.examples import load_examples
from pipeline.training.quantise import Feed, quantise

PREFIX = "query: "  # what the e5 models were trained with (Wang et al. 2024, arXiv:2402.05672)
WINDOW_TOKENS = 256
LAYERS = (4, 8, 12)  # chosen on gold dev
SCALE_TEXTS, HELD_OUT_TEXTS = 512, 1000


class MeanPooled(torch.nn.Module):
    """Token ids and mask (n, t) -> the mean of the unmasked token vectors of some layers, side by side (n, d).

    Linear heads read more from three layers than from the last: words are nearer the input, meaning nearer the end
    (Tenney et al. 2019, arXiv:1905.05950).
    """

    def __init__(self, encoder: torch.nn.Module, *, width: int, layers: Sequence[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = tuple(layers)
        self.width = width * len(self.layers)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        kept = attention_mask.unsqueeze(-1).to(states[0].dtype)
        tokens = kept.sum(1).clamp(min=1)
        return torch.cat([(states[layer] * kept).sum(1) / tokens for layer in self.layers], dim=1)


def load_torch(source: str | Path, *, attention: str = "sdpa", layers: Sequence[int] = LAYERS) -> MeanPooled:
    """The fp32 encoder with mean pooling, from a local folder or a hub name; layer 0 is the token embeddings."""
    encoder = AutoModel.from_pretrained(  # nosec B615 # a folder, or a name of its user
        str(source), dtype=torch.float32, attn_implementation=attention, add_pooling_layer=False
    )
    return MeanPooled(encoder, width=encoder.config.hidden_size, layers=layers).eval()


def run(source: Path, out: Path, data: Path, *, seed: int = 0) -> str:
    """Exports with scales from training texts and measures on held-out ones; returns what to print."""
    examples = load_examples(data)
    rng = random.Random(seed)
    usable = [example for example in examples if example.split == "train" and example.train_ok]
    parts = [[e for e in usable if e.own is own] for own in (True, False)]
    texts = [example.text for part in parts for example in rng.sample(part, min(SCALE_TEXTS // 2, len(part)))]
    test = [example.text for example in examples if example.split == "test"]
    held_out = rng.sample(test, min(HELD_OUT_TEXTS, len(test)))
    prepared = [[prepare(text).text for text in each] for each in (texts, held_out)]
    manifest = export_encoder(source, out, texts=prepared[0], held_out=prepared[1])
    megabytes = (out / "model.onnx").stat().st_size / 1e6
    return f"{out} {manifest['id'][:8]}, {megabytes:.1f} MB, cosine to fp32: {manifest['fidelity']}"


def export_encoder(
    source: Path, out: Path, *, texts: Sequence[str], held_out: Sequence[str], layers: Sequence[int] = LAYERS
) -> dict[str, Any]:
    """Writes `out` and returns its manifest.

    `texts` (normalised, training split) set the activation scales; `held_out` measure the cosine to the fp32 encoder.
    """
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    exact = load_torch(source, attention="eager", layers=layers)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    pad = int(config["pad_token_id"])
    graph = to_onnx(exact, heads=config["num_attention_heads"], width=config["hidden_size"])
    small = quantise(graph, _feeds(tokenizer, texts, pad))
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(small, str(out / "model.onnx"))
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
    files = {name: file_hash(out / name) for name in ("model.onnx", "tokenizer.json")}
    manifest: dict[str, Any] = {
        "kind": "onnx", "source": source.name, "licence": "MIT", "width": exact.width, "prefix": PREFIX, "pad_id": pad,
        "window_tokens": WINDOW_TOKENS, "pooling": "mean", "layers": list(exact.layers), "files": files,
    }  # fmt: skip
    manifest["id"] = manifest_id(manifest)
    _write(out, manifest)
    manifest["fidelity"] = fidelity(OnnxEncoder(out), exact, tokenizer, held_out)
    _write(out, manifest)
    return manifest


def to_onnx(encoder: torch.nn.Module, *, heads: int, width: int) -> onnx.ModelProto:
    """The fp32 graph with fused attention and GELU.

    LayerNormalization stays unfused: ONNX Runtime vectorises it, and not the fused SkipLayerNormalization.
    """
    switch_off()
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    ids = torch.randint(5, 1000, (2, 9))
    fusion = FusionOptions("bert")
    fusion.use_multi_head_attention = True
    fusion.enable_skip_layer_norm = fusion.enable_bias_skip_layer_norm = fusion.enable_embed_layer_norm = False
    fusion.enable_bias_gelu = False  # `quantise` adds every bias inside its matrix product
    axes = {name: {0: "rows", 1: "tokens"} for name in ("input_ids", "attention_mask")} | {"embedding": {0: "rows"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracing exporter, which is old but keeps the graph that ORT can fuse
        path = Path(folder) / "encoder.onnx"
        torch.onnx.export(
            encoder, (ids, torch.ones_like(ids)), str(path), input_names=["input_ids", "attention_mask"],
            output_names=["embedding"], dynamic_axes=axes, opset_version=20, dynamo=False,
        )  # fmt: skip
        fused = optimize_model(
            str(path), model_type="bert", num_heads=heads, hidden_size=width, optimization_options=fusion, opt_level=0
        )
    model: onnx.ModelProto = fused.model
    return model


def encode_torch(
    encoder: MeanPooled, tokenizer: Tokenizer, texts: Sequence[str], *, pad: int, batch: int = 32
) -> NDArray[np.float32]:
    """(n, d) by the fp32 encoder, longest texts together, at most one window a text."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors: NDArray[np.float32] = np.zeros((len(texts), encoder.width), np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            (feed,) = _feeds(tokenizer, [texts[i] for i in rows], pad, batch)
            vectors[rows] = encoder(**{name: torch.from_numpy(value) for name, value in feed.items()}).numpy()
    return vectors


def fidelity(small: OnnxEncoder, exact: MeanPooled, tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, float]:
    """Cosine similarity of the int8 to the fp32 vectors."""
    left = small.encode(texts)
    right = encode_torch(exact, tokenizer, texts, pad=int(small.manifest["pad_id"]))
    cosine = (left * right).sum(1) / (np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1))
    return {
        "texts": len(texts), "cosine_mean": round(float(cosine.mean()), 4),
        "cosine_p01": round(float(np.quantile(cosine, 0.01)), 4), "cosine_min": round(float(cosine.min()), 4),
    }  # fmt: skip


def _feeds(tokenizer: Tokenizer, texts: Sequence[str], pad: int, batch: int = 8) -> Iterator[Feed]:
    tokenizer.enable_truncation(WINDOW_TOKENS)
    tokenizer.enable_padding(pad_id=pad)
    for start in range(0, len(texts), batch):
        encodings = tokenizer.encode_batch([PREFIX + text for text in texts[start : start + batch]])
        yield {
            "input_ids": np.array([encoding.ids for encoding in encodings], np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], np.int64),
        }


def _write(out: Path, manifest: dict[str, Any]) -> None:
    (out / "encoder.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
