"""The fp32 weights behind a shipped int8 encoder, so that fine-tuning can go on from it.

What ships is the int8 graph alone: of every matrix the rounded numbers and their scale, and the outlier channels in
fp32. That is within half a step of the weights it was made from; training on heals the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from pipeline.errors import InputError

PRODUCT = "MatMulIntegerToFloat"
PARTS = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
         "intermediate.dense", "output.dense")  # fmt: skip


def restore(encoder: torch.nn.Module, folder: Path) -> None:
    """Writes the layers of the int8 encoder in `folder` into `encoder`, whose embeddings stay.

    Raises InputError when the graph is not one that `export` made of such an encoder.
    """
    state = encoder.state_dict()
    found = _layers(onnx.load(str(folder / "model.onnx")).graph)
    wanted = {name for name in state if name.startswith("encoder.layer.")}
    if wanted != found.keys() or any(state[name].shape != found[name].shape for name in wanted):
        raise InputError(f"{folder} is not an int8 encoder of this shape; start from a transformers folder instead")
    encoder.load_state_dict(state | {name: torch.from_numpy(value) for name, value in found.items()})


def _layers(graph: Any) -> dict[str, NDArray[np.float32]]:
    """Parameter name -> value, of every layer: six products each, in the order of the graph."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    products = [node.input[1].removesuffix("_int8") for node in graph.node if node.op_type == PRODUCT]
    found = {}
    for place, name in enumerate(products):
        layer, part = divmod(place, len(PARTS))
        found[f"encoder.layer.{layer}.{PARTS[part]}.weight"] = _matrix(constants, name).T.copy()
    for layer in range(len(products) // len(PARTS)):
        biases = np.split(constants[f"Attention_{layer}_qkv_bias"], 3)
        found |= {f"encoder.layer.{layer}.{part}.bias": bias.copy() for part, bias in zip(PARTS, biases, strict=False)}
    named = {name.removeprefix("encoder."): value for name, value in constants.items() if ".layer." in name}
    return found | {name: np.array(value) for name, value in named.items() if name.startswith("encoder.layer.")}


def _matrix(constants: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """The (in, out) matrix of one product."""
    matrix = constants[f"{name}_int8"].astype(np.float32) * constants[f"{name}_scale"]
    if f"{name}_outliers" in constants:
        matrix[constants[f"{name}_outliers"]] = constants[f"{name}_far"]
    return np.asarray(matrix, np.float32)
