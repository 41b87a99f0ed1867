#!/usr/bin/env python3
"""Make a BERT, RoBERTa or XLM-RoBERTa checkpoint in Hugging Face layout: exact shape, pseudo-random weights.

    make_bert.py OUTDIR [--shape SHAPE] [--dtype bf16|f32] [--seed N] [--tokenizer DIR] [--prefix bert.]

Needs numpy only. Weights are made as make_model.py makes them, and are the same to the byte on every machine. The file
also has what an encoder does without: a pooler, and the numbers of the positions.
"""
import argparse, json, math, os, shutil, struct

import numpy as np

from make_model import (FIXTURES, G_ATT_OUT, G_MLP_IN, G_MLP_OUT, G_QK, G_V, bell, dump, matrix, special_ids, to_bf16,
                        write_modules, write_sums)

SHAPES = {
    "tiny-bert": dict(type="bert", vocab=2048, hidden=64, layers=3, heads=4, inter=128, maxpos=1024, types=2, eps=1e-12),
    "tiny-roberta": dict(type="roberta", vocab=2048, hidden=64, layers=3, heads=4, inter=128, maxpos=1026, types=1, eps=1e-5),
    "tiny-xlmr": dict(type="xlm-roberta", vocab=2048, hidden=64, layers=3, heads=4, inter=128, maxpos=1026, types=1, eps=1e-5),
    "granite-30m-english": dict(type="roberta", vocab=50265, hidden=384, layers=6, heads=12, inter=1536, maxpos=514,
                                types=2, eps=1e-12),
    "granite-125m-english": dict(type="roberta", vocab=50265, hidden=768, layers=12, heads=12, inter=3072, maxpos=514,
                                 types=2, eps=1e-12),
    "granite-107m-multilingual": dict(type="xlm-roberta", vocab=250002, hidden=384, layers=6, heads=12, inter=1536,
                                      maxpos=514, types=1, eps=1e-5),
    "granite-278m-multilingual": dict(type="xlm-roberta", vocab=250002, hidden=768, layers=12, heads=12, inter=3072,
                                      maxpos=514, types=1, eps=1e-5),
}


def names(shape):
    """Yield each tensor's name and shape."""
    H, I = shape["hidden"], shape["inter"]
    yield "embeddings.word_embeddings.weight", [shape["vocab"], H]
    yield "embeddings.position_embeddings.weight", [shape["maxpos"], H]
    yield "embeddings.token_type_embeddings.weight", [shape["types"], H]
    layers = [(f"encoder.layer.{i}.{part}", dims) for i in range(shape["layers"]) for part, dims in (
        ("attention.self.query", [H, H]), ("attention.self.key", [H, H]), ("attention.self.value", [H, H]),
        ("attention.output.dense", [H, H]), ("attention.output.LayerNorm", [H]),
        ("intermediate.dense", [I, H]), ("output.dense", [H, I]), ("output.LayerNorm", [H]))]
    for part, dims in [("embeddings.LayerNorm", [H]), *layers, ("pooler.dense", [H, H])]:
        yield part + ".weight", dims
        yield part + ".bias", dims[:1]


def weight(seed, name, dims):
    """One tensor, float32."""
    if name.endswith(".bias"):
        return bell(f"{seed}/{name}", dims[0], 0.125)
    if name.endswith("LayerNorm.weight"):
        return np.float32(1) + bell(f"{seed}/{name}", dims[0], 0.125)
    if name.startswith("embeddings."):
        return matrix(seed, name, *dims, 0.03125, row_factors="word" in name)
    gain = next(g for part, g in (("self.query", G_QK), ("self.key", G_QK), ("self.value", G_V), ("pooler", 1.0),
                                  ("attention.output", 2 * G_ATT_OUT), ("intermediate", G_MLP_IN),
                                  ("output", 4 * G_MLP_OUT)) if part in name)
    return matrix(seed, name, *dims, gain / math.sqrt(dims[1]))


def write_weights(path, shape, seed, dtype, prefix):
    """The safetensors file; returns how many tensors it has."""
    size = {"bf16": 2, "f32": 4}[dtype]
    header, at, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, dims in sorted(names(shape)):
        w = weight(seed, name, dims)
        assert list(w.shape) == dims, name
        parts.append((to_bf16(w) if dtype == "bf16" else w).astype("<u2" if dtype == "bf16" else "<f4").tobytes())
        header[prefix + name] = {"dtype": {"bf16": "BF16", "f32": "F32"}[dtype], "shape": dims,
                                 "data_offsets": [at, at + math.prod(dims) * size]}
        at += math.prod(dims) * size
    parts.append(np.arange(shape["maxpos"], dtype="<i8").tobytes())
    header[prefix + "embeddings.position_ids"] = {"dtype": "I64", "shape": [1, shape["maxpos"]],
                                                  "data_offsets": [at, at + len(parts[-1])]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    return len(parts)


def config(shape, pad, dtype):
    return {
        "architectures": [{"bert": "BertModel", "roberta": "RobertaModel", "xlm-roberta": "XLMRobertaModel"}[shape["type"]]], "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
        "dtype": {"bf16": "bfloat16", "f32": "float32"}[dtype], "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": shape["hidden"], "initializer_range": 0.02, "intermediate_size": shape["inter"],
        "layer_norm_eps": shape["eps"], "max_position_embeddings": shape["maxpos"], "model_type": shape["type"],
        "num_attention_heads": shape["heads"], "num_hidden_layers": shape["layers"], "pad_token_id": pad,
        "position_embedding_type": "absolute", "type_vocab_size": shape["types"], "use_cache": True,
        "vocab_size": shape["vocab"],
    }


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out")
    ap.add_argument("--shape", default="tiny-bert", choices=sorted(SHAPES))
    ap.add_argument("--dtype", default="bf16", choices=("bf16", "f32"))
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--tokenizer", help="directory with tokenizer.json and tokenizer_config.json")
    ap.add_argument("--prefix", help="put this in front of every tensor name; `bert.`, `roberta.` or none if not given")
    a = ap.parse_args()
    shape = SHAPES[a.shape]
    os.makedirs(a.out, exist_ok=True)
    prefix = a.prefix if a.prefix is not None else {"bert": "bert.", "roberta": "roberta."}.get(shape["type"], "")
    pad = special_ids(a.tokenizer or os.path.join(FIXTURES, a.shape))[2]
    longest = shape["maxpos"] - (0 if shape["type"] == "bert" else pad + 1)
    tok = a.tokenizer or os.path.join(FIXTURES, a.shape)
    for n in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if not os.path.samefile(tok, a.out):
            shutil.copyfile(os.path.join(tok, n), os.path.join(a.out, n))
    dump(os.path.join(a.out, "config.json"), config(shape, pad, a.dtype))
    write_modules(a.out, shape["hidden"], longest)
    count = write_weights(os.path.join(a.out, "model.safetensors"), shape, a.seed, a.dtype, prefix)
    print(f"{a.shape}: {count} tensors")
    print("".join(write_sums(a.out)), end="")


if __name__ == "__main__":
    main()
