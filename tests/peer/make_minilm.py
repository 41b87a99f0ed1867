#!/usr/bin/env python3
"""make_minilm.py CHECKPOINT OUTDIR: all-MiniLM-L6-v2 as transformers.js loads it, laid out as on the Hugging Face Hub: an ONNX file in 8 bits.

The graph is what torch exports of transformers' model (the ops of optimum's export: opset 17, plain attention), quantised with
onnxruntime.quantization.quantize_dynamic, as the files on the hub are. Needs the Python packages torch, transformers, onnx and onnxruntime; it
compares its vector of a sentence with the model's own.
"""
import os
import shutil
import sys
import tempfile

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModel, AutoTokenizer

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Hidden(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    checkpoint, out = sys.argv[1:]
    os.makedirs(os.path.join(out, "onnx"), exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(os.path.join(checkpoint, name), os.path.join(out, name))
    model = AutoModel.from_pretrained(checkpoint, attn_implementation="eager", dtype=torch.float32).eval()
    text = AutoTokenizer.from_pretrained(checkpoint)(["A cat sleeps on the warm windowsill."], return_tensors="pt")
    inputs = tuple(text[name] for name in INPUTS)
    file = os.path.join(out, "onnx/model_quantized.onnx")
    with tempfile.TemporaryDirectory() as temporary:
        wide = os.path.join(temporary, "model.onnx")
        axes = {name: {0: "batch", 1: "tokens"} for name in (*INPUTS, "last_hidden_state")}
        torch.onnx.export(Hidden(model).eval(), inputs, wide, input_names=list(INPUTS), output_names=["last_hidden_state"],
                          dynamic_axes=axes, opset_version=17, dynamo=False)
        quantize_dynamic(wide, file, weight_type=QuantType.QInt8)
    with torch.no_grad():
        wanted = model(**text).last_hidden_state.mean(1)[0].numpy()
    session = onnxruntime.InferenceSession(file)
    made = session.run(None, {name: value.numpy() for name, value in zip(INPUTS, inputs)})[0].mean(1)[0]
    cosine = float(made @ wanted / np.linalg.norm(made) / np.linalg.norm(wanted))
    print(file, os.path.getsize(file), f"bytes; cosine with the checkpoint {cosine:.4f}")
    assert cosine > 0.95


if __name__ == "__main__":
    main()
