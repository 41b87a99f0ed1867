#!/usr/bin/env python3
"""Add sentence-transformers' Dense modules to a checkpoint: two layers behind the pooling, pseudo-random weights.

    make_dense.py CHECKPOINT [--seed N]

Needs numpy only. The first layer has a bias and a tanh, the second neither; they make 48 and 32 components. Weights are
made as make_model.py makes them.
"""
import argparse, json, os, struct

from make_model import bell, dump, matrix


def write_layer(folder, seed, rows, cols, activation, bias):
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(folder)
    dump(os.path.join(folder, "config.json"), {
        "in_features": cols, "out_features": rows, "bias": bias, "activation_function": activation})
    tensors = {"linear.weight": matrix(seed, f"{name}.weight", rows, cols, 2 / cols ** 0.5)}
    if bias:
        tensors["linear.bias"] = bell(f"{seed}/{name}.bias", rows, 0.25)
    header, at, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for tensor, values in sorted(tensors.items()):
        parts.append(values.astype("<f4").tobytes())
        header[tensor] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("checkpoint")
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    with open(os.path.join(a.checkpoint, "config.json"), encoding="utf-8") as f:
        hidden = json.load(f)["hidden_size"]
    own = "sentence_transformers.models."
    write_layer(os.path.join(a.checkpoint, "2_Dense"), a.seed, 48, hidden, "torch.nn.modules.activation.Tanh", True)
    write_layer(os.path.join(a.checkpoint, "3_Dense"), a.seed, 32, 48, "torch.nn.modules.linear.Identity", False)
    dump(os.path.join(a.checkpoint, "modules.json"), [
        {"idx": 0, "name": "0", "path": "", "type": own + "Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": own + "Pooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": own + "Dense"},
        {"idx": 3, "name": "3", "path": "3_Dense", "type": own + "Dense"},
        {"idx": 4, "name": "4", "path": "4_Normalize", "type": own + "Normalize"}])


if __name__ == "__main__":
    main()
