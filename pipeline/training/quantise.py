"""int8 weights and static int8 activations for an ONNX encoder graph.

Activations get one static scale per tensor, measured on training texts, so a row gives the same vector alone as in any
batch (dynamic scales would depend on its neighbours). Weights are symmetric int8 per output column, held to 7 bits:
with 8, processors without VNNI saturate the int16 sum of two u8 x s8 products (ONNX Runtime, "Quantize ONNX models",
`reduce_range`).

A channel of an activation that reaches far beyond the others would stretch the scale of all: such channels are
multiplied in fp32 beside, as LLM.int8() does (Dettmers et al. 2022, arXiv:2208.07339). Not so before queries, keys and
values: it would cost thrice there, and their outliers were found to matter little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.telemetry import switch_off

WEIGHT_MAX = 64  # 255 * 64 * 2 fits int16
OUTLIER, USUAL = 2.0, 0.99  # an outlier reaches OUTLIER times as far as the channel at the quantile USUAL
MICROSOFT = "com.microsoft"

Feed = dict[str, NDArray[Any]]


def quantise(model: onnx.ModelProto, batches: Iterable[Feed]) -> onnx.ModelProto:
    """int8 for every product with a constant matrix and for the token embeddings; the rest stays fp32."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constants]
    readers = Counter(node.input[0] for node in products)
    spans = _activation_spans(model, readers, batches)
    biases = _biases(graph, {node.output[0] for node in products}, constants)
    added = {add.output[0] for _, add in biases.values()}
    quantised: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node in products:
            if node.input[0] not in quantised:
                quantised.add(node.input[0])
                nodes.append(_quantise_activation(graph, node.input[0], spans[node.input[0]]))
            nodes.extend(
                _quantise_product(
                    graph, node, constants[node.input[1]], biases.get(node.output[0]), spans[node.input[0]].outliers
                )
            )
        elif node.op_type == "Gather" and _is_embedding(constants.get(node.input[0])):
            nodes.extend(_quantise_embedding(graph, node, constants[node.input[0]]))
        elif not added.intersection(node.output):
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    if not any(opset.domain == MICROSOFT for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return model


@dataclass(frozen=True, slots=True)
class Span:
    """How far the usual channels of an activation reach, 0 among it, and which channels reach much farther."""

    low: float
    high: float
    outliers: NDArray[np.int64]

    @classmethod
    def of(cls, low: NDArray[np.float32], high: NDArray[np.float32], *, split: bool) -> Span:
        """From the lowest and the highest value of each channel (d,); all are usual unless they are to be `split`."""
        reach = np.maximum(-low, high)
        usual = reach <= OUTLIER * np.quantile(reach, USUAL) if split else np.full(len(reach), True)
        return cls(min(float(low[usual].min()), 0.0), max(float(high[usual].max()), 0.0), np.flatnonzero(~usual))


def _activation_spans(model: onnx.ModelProto, readers: Mapping[str, int], batches: Iterable[Feed]) -> dict[str, Span]:
    """Of each activation in `readers`, which says how many products read it."""
    switch_off()
    import onnxruntime as ort

    names, probe = sorted(readers), onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    found: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for feed in batches:
        for name, value in zip(names, session.run(names, feed), strict=True):
            channels = value.reshape(-1, value.shape[-1])
            low, high = found.get(name, (channels[0], channels[0]))
            found[name] = np.minimum(low, channels.min(axis=0)), np.maximum(high, channels.max(axis=0))
    return {name: Span.of(*channels, split=readers[name] == 1) for name, channels in found.items()}


def _constant(graph: onnx.GraphProto, name: str, value: NDArray[Any]) -> str:
    graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _quantise_activation(graph: onnx.GraphProto, name: str, span: Span) -> onnx.NodeProto:
    scale = (span.high - span.low) / 255 or 1.0
    _constant(graph, f"{name}_scale", np.array(scale, np.float32))
    _constant(graph, f"{name}_zero", np.array(round(-span.low / scale), np.uint8))
    return helper.make_node("QuantizeLinear", [name, f"{name}_scale", f"{name}_zero"], [f"{name}_int8"])


def _biases(
    graph: onnx.GraphProto, outputs: set[str], constants: dict[str, onnx.TensorProto]
) -> dict[str, tuple[str, onnx.NodeProto]]:
    """Product output -> (bias name, the Add that applies it), where that Add is its only reader."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = {}
    for output in outputs:
        node = readers[output][0]
        others = [name for name in node.input if name != output]
        if len(readers[output]) == 1 and node.op_type == "Add" and others[0] in constants:
            found[output] = (others[0], node)
    return found


def _quantise_product(
    graph: onnx.GraphProto, node: onnx.NodeProto, weight: onnx.TensorProto, bias: tuple[str, onnx.NodeProto] | None,
    outliers: NDArray[np.int64],
) -> list[onnx.NodeProto]:  # fmt: skip
    """The int8 product with its bias, and the fp32 product of the outlier channels added to it."""
    matrix = numpy_helper.to_array(weight).copy()
    far = matrix[outliers].copy()
    matrix[outliers] = 0
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / WEIGHT_MAX
    left, name = node.input[0], weight.name
    _constant(graph, f"{name}_int8", np.rint(matrix / scale).astype(np.int8))
    _constant(graph, f"{name}_scale", scale.astype(np.float32))
    _constant(graph, f"{name}_zero", np.zeros(len(scale), np.int8))
    inputs = [f"{left}_int8", f"{name}_int8", f"{left}_scale", f"{name}_scale", f"{left}_zero", f"{name}_zero"]
    output = node.output[0]
    if bias is not None:
        inputs.append(bias[0])
        output = bias[1].output[0]
    if not len(outliers):
        return [helper.make_node("MatMulIntegerToFloat", inputs, [output], domain=MICROSOFT)]
    _constant(graph, f"{name}_far", far.astype(np.float32))
    _constant(graph, f"{name}_outliers", outliers)
    return [
        helper.make_node("MatMulIntegerToFloat", inputs, [f"{output}_near"], domain=MICROSOFT),
        helper.make_node("Gather", [left, f"{name}_outliers"], [f"{output}_channels"], axis=-1),
        helper.make_node("MatMul", [f"{output}_channels", f"{name}_far"], [f"{output}_far"]),
        helper.make_node("Add", [f"{output}_near", f"{output}_far"], [output]),
    ]


def _is_embedding(table: onnx.TensorProto | None) -> bool:
    return table is not None and len(table.dims) == 2 and table.dims[0] > 1000


def _quantise_embedding(graph: onnx.GraphProto, node: onnx.NodeProto, table: onnx.TensorProto) -> list[onnx.NodeProto]:
    matrix = numpy_helper.to_array(table)
    scale = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), 1e-12) / 127
    _constant(graph, f"{table.name}_int8", np.rint(matrix / scale).astype(np.int8))
    _constant(graph, f"{table.name}_scale", scale.astype(np.float32))
    out = node.output[0]
    return [
        helper.make_node("Gather", [f"{table.name}_int8", node.input[1]], [f"{out}_int8"]),
        helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{table.name}_scale", node.input[1]], [f"{out}_scale"]),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]
