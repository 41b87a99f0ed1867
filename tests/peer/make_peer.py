#!/usr/bin/env python3
"""make_peer.py OUT.onnx [--f32]: an ONNX file of the 97M shape, int8 as the published file is (98 MB), for speed comparisons.

The skeleton beside this script is the graph that optimum-onnx 0.1.0 exports for a ModernBERT of the 97M shape, quantised with
onnxruntime.quantization.quantize_dynamic (QInt8; MatMul and Gather), without its large tensors. This script puts seeded random
8-bit values of the same shapes there; scales, zero points and all small tensors are those of the export, so numbers stay in a sane
range. Speed and memory do not depend on the values. Inputs: input_ids, attention_mask (int64, [batch, tokens]); output:
last_hidden_state. With --f32, the same weights as 32-bit numbers (390 MB), and plain products in place of quantised ones. Needs the Python packages onnx and numpy.
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

SKELETON = Path(__file__).with_name("granite-97m-q8.skeleton.pb")


def fill(model: onnx.ModelProto) -> None:
    rng = np.random.default_rng(1)
    for tensor in model.graph.initializer:
        if tensor.doc_string != "removed":
            continue
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        middle, low, high = (128, 0, 255) if dtype == np.uint8 else (0, -127, 127)
        values = np.clip(rng.normal(middle, 32, tuple(tensor.dims)), low, high).round().astype(dtype)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def widen(model: onnx.ModelProto) -> None:
    """Makes plain f32 products and a plain table of what quantize_dynamic has made."""
    graph = model.graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    reader = {name: [node for node in graph.node if name in node.input] for name in maker}

    def widened(name: str) -> str:
        """Puts a matrix in f32 in the place of a quantised one; returns its name."""
        stem = name.removesuffix("_quantized")
        values = (tensors[name].astype(np.float32) - tensors[f"{stem}_zero_point"]) * tensors[f"{stem}_scale"]
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), stem))
        return stem

    replaced = {}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            # The integers are widened, then multiplied by both scales.
            [cast] = reader[node.output[0]]
            [scaled] = reader[cast.output[0]]
            inputs = [maker[node.input[0]].input[0], widened(node.input[1])]
            replaced[scaled.output[0]] = onnx.helper.make_node("MatMul", inputs, scaled.output)
        elif node.op_type == "DequantizeLinear":
            gather = maker[node.input[0]]
            inputs = [widened(gather.input[0]), gather.input[1]]
            replaced[node.output[0]] = onnx.helper.make_node("Gather", inputs, node.output)
    nodes = [replaced.get(node.output[0], node) for node in graph.node]
    # What only they have read goes, from the end on.
    kept, wanted = [], {output.name for output in graph.output}
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    read = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(read)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--f32"]):
        sys.exit(__doc__)
    model = onnx.load(SKELETON)
    fill(model)
    if sys.argv[2:]:
        widen(model)
    onnx.save(model, sys.argv[1])
    print(sys.argv[1], Path(sys.argv[1]).stat().st_size, "bytes")
