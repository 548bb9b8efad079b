"""int8 weights and static int8 activations for an ONNX encoder graph.

Activations get one static scale per tensor, measured on training texts, so a row gives the same vector alone as in any
batch (dynamic scales would depend on its neighbours). Weights are symmetric int8 per output column, held to 7 bits:
with 8, processors without VNNI saturate the int16 sum of two u8 x s8 products (ONNX Runtime, "Quantize ONNX models",
`reduce_range`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.telemetry import switch_off

WEIGHT_MAX = 64  # 255 * 64 * 2 fits int16
MICROSOFT = "com.microsoft"

Feed = dict[str, NDArray[Any]]


def quantise(model: onnx.ModelProto, batches: Iterable[Feed]) -> onnx.ModelProto:
    """int8 for every product with a constant matrix and for the token embeddings; the rest stays fp32."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constants]
    ranges = _activation_ranges(model, sorted({node.input[0] for node in products}), batches)
    biases = _biases(graph, {node.output[0] for node in products}, constants)
    added = {add.output[0] for _, add in biases.values()}
    quantised: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node in products:
            if node.input[0] not in quantised:
                quantised.add(node.input[0])
                nodes.append(_quantise_activation(graph, node.input[0], *ranges[node.input[0]]))
            nodes.append(_quantise_product(graph, node, constants[node.input[1]], biases.get(node.output[0])))
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


def _activation_ranges(
    model: onnx.ModelProto, names: Sequence[str], batches: Iterable[Feed]
) -> dict[str, tuple[float, float]]:
    switch_off()
    import onnxruntime as ort

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    low, high = np.zeros(len(names)), np.zeros(len(names))
    for feed in batches:
        values = session.run(list(names), feed)
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def _constant(graph: onnx.GraphProto, name: str, value: NDArray[Any]) -> str:
    graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _quantise_activation(graph: onnx.GraphProto, name: str, low: float, high: float) -> onnx.NodeProto:
    scale = (high - low) / 255 or 1.0
    _constant(graph, f"{name}_scale", np.array(scale, np.float32))
    _constant(graph, f"{name}_zero", np.array(round(-low / scale), np.uint8))
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
    graph: onnx.GraphProto, node: onnx.NodeProto, weight: onnx.TensorProto, bias: tuple[str, onnx.NodeProto] | None
) -> onnx.NodeProto:
    matrix = numpy_helper.to_array(weight)
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
    return helper.make_node("MatMulIntegerToFloat", inputs, [output], domain=MICROSOFT)


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
