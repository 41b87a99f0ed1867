#!/usr/bin/env python3
"""make_peer.py OUT.onnx: an ONNX file of the 97M shape, int8 as the published file is (98 MB), for speed comparisons.

The skeleton beside this script is the graph that optimum-onnx 0.1.0 exports for a ModernBERT of the 97M shape, quantised with
onnxruntime.quantization.quantize_dynamic (QInt8; MatMul and Gather), without its large tensors. This script puts seeded random
8-bit values of the same shapes there; scales, zero points and all small tensors are those of the export, so numbers stay in a sane
range. Speed and memory do not depend on the values. Inputs: input_ids, attention_mask (int64, [batch, tokens]); output:
last_hidden_state. Needs the Python packages onnx and numpy.
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


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    model = onnx.load(SKELETON)
    fill(model)
    onnx.save(model, sys.argv[1])
    print(sys.argv[1], Path(sys.argv[1]).stat().st_size, "bytes")
