#!/usr/bin/env python3
"""Make a model directory in Hugging Face layout: exact shape, pseudo-random weights.

    make_model.py OUTDIR --shape SHAPE [--dtype bf16|f32] [--seed N] [--tokenizer DIR]
                         [--config-form old|new|both] [--prefix model.]

SHAPE: tiny-silu, tiny-gelu, tiny-gemma (`tiny` = tiny-silu), granite-97m, granite-311m,
granite-english, granite-small-english.

Needs numpy only. The result is the same to the byte on every machine: all random numbers come
from integer arithmetic (splitmix64), each value then goes through IEEE single-precision
multiplications only. The sha256 of every file is printed and written to SHA256SUMS.

How a weight is made (so that other languages can repeat it):
    base    = first 8 bytes, little-endian, of sha256("<seed>/<tensor name without prefix>")
    z_i     = splitmix64 output for state base + (i+1) * 0x9E3779B97F4A7C15   (i = flat row-major index)
    s_i     = sum of the four 16-bit lanes of z_i, minus 131070          (bell-shaped, |s| <= 131070)
    value_i = float32(s_i) * float32(std / 37837.2277...)                (divisor = its own std)
    then, for linear layers, times a per-row factor k/16 with k = 8..23 (second stream, name + "/row")
    then the changes for outlier channels described in `weights()`.
The weights are shaped to be numerically interesting (sharp attention, residual outlier channels,
rows of unequal size); they mean nothing.
"""
import argparse, hashlib, json, math, os, shutil, struct, sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "fixtures", "models")   # the tiny models bring the small tokenizers

# vocab, hidden, layers, heads, intermediate, activation, local window, max positions,
# global theta, local theta, default tokenizer (that of a tiny model), config form
SHAPES = {
    "tiny-silu": dict(vocab=2048, hidden=64, layers=4, heads=4, inter=96, act="silu", local=16, maxpos=8192,
                      gtheta=150000.0, ltheta=160000.0, tok="tiny-silu", form="old"),
    "tiny-gelu": dict(vocab=2048, hidden=64, layers=4, heads=4, inter=96, act="gelu", local=16, maxpos=8192,
                      gtheta=80000.0, ltheta=10000.0, tok="tiny-gelu", form="new"),
    "tiny-gemma": dict(vocab=4104, hidden=64, layers=4, heads=4, inter=96, act="gelu", local=16, maxpos=32768,
                       gtheta=150000.0, ltheta=160000.0, tok="tiny-gemma", form="both"),
    "granite-97m": dict(vocab=180000, hidden=384, layers=12, heads=12, inter=1536, act="silu", local=128,
                        maxpos=32768, gtheta=150000.0, ltheta=160000.0, tok=None, form="old"),
    "granite-311m": dict(vocab=262152, hidden=768, layers=22, heads=12, inter=1152, act="gelu", local=128,
                         maxpos=32768, gtheta=150000.0, ltheta=160000.0, tok=None, form="old"),
    "granite-english": dict(vocab=50368, hidden=768, layers=22, heads=12, inter=1152, act="gelu", local=128,
                            maxpos=8192, gtheta=80000.0, ltheta=10000.0, tok=None, form="old"),
    "granite-small-english": dict(vocab=50368, hidden=384, layers=12, heads=12, inter=1536, act="gelu", local=128,
                                  maxpos=8192, gtheta=80000.0, ltheta=10000.0, tok=None, form="old"),
}
SHAPES["tiny"] = SHAPES["tiny-silu"]
IDS = {  # used when no tokenizer is given: bos/cls, eos/sep, pad
    "granite-97m": (179934, 179938, 179935), "granite-311m": (2, 1, 0),
    "granite-english": (50281, 50282, 50283), "granite-small-english": (50281, 50282, 50283),
}
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LANE_STD = math.sqrt(4 * (65536.0 ** 2 - 1) / 12)


def stream(name, n, offset=0):
    base = np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    with np.errstate(over="ignore"):
        z = base + (np.arange(offset + 1, offset + n + 1, dtype=np.uint64)) * GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def bell(name, n, std, offset=0):
    z = stream(name, n, offset)
    m = np.uint64(0xFFFF)
    s = (z & m).astype(np.int32)
    for k in (16, 32, 48):
        s += ((z >> np.uint64(k)) & m).astype(np.int32)
    return (s - 131070).astype(np.float32) * np.float32(std / LANE_STD)


def matrix(seed, name, rows, cols, std, row_factors=True):
    """One linear layer or table, in chunks of rows (small memory)."""
    w = np.empty((rows, cols), np.float32)
    step = max(1, (1 << 22) // cols)
    for r in range(0, rows, step):
        k = min(step, rows - r)
        w[r:r + k] = bell(f"{seed}/{name}", k * cols, std, r * cols).reshape(k, cols)
    if row_factors:
        f = (stream(f"{seed}/{name}/row", rows) % np.uint64(16)).astype(np.float32)
        w *= ((f + np.float32(8)) / np.float32(16))[:, None]
    return w


def outlier_channels(seed, hidden):
    n = max(2, hidden // 128)
    picked = []
    for z in stream(f"{seed}/outliers", 64):
        c = int(z % np.uint64(hidden))
        if c not in picked:
            picked.append(c)
        if len(picked) == n:
            return sorted(picked)


# Gains, chosen by experiment so that attention is clearly non-uniform and the embeddings of
# different texts differ clearly.
G_QK, G_V, G_ATT_OUT, G_MLP_IN, G_MLP_OUT = 1.5, 1.125, 0.5, 1.0, 0.3125


def weights(shape, seed):
    """Yield (name, float32 array) in the order of their names."""
    H, L, I, V = shape["hidden"], shape["layers"], shape["inter"], shape["vocab"]
    f32 = np.float32
    out = outlier_channels(seed, H)

    def norm(name, low):
        g = f32(1) + bell(f"{seed}/{name}", H, 0.125)
        g[out] *= f32(low)                    # trained models damp their outlier channels in the norms
        return g

    names = ["embeddings.norm.weight", "embeddings.tok_embeddings.weight", "final_norm.weight"]
    for i in range(L):
        names += [f"layers.{i}.attn.Wqkv.weight", f"layers.{i}.attn.Wo.weight",
                  f"layers.{i}.mlp.Wi.weight", f"layers.{i}.mlp.Wo.weight", f"layers.{i}.mlp_norm.weight"]
        if i:
            names.append(f"layers.{i}.attn_norm.weight")
    depth = math.sqrt(12.0 / L)               # deeper models get smaller steps
    for name in sorted(names):
        if name == "embeddings.tok_embeddings.weight":
            w = matrix(seed, name, V, H, 0.03125)
            w[:, out] = w[:, out] * f32(4) + f32(0.25)      # large and one-sided in the outlier channels
        elif name == "embeddings.norm.weight":
            w = norm(name, 1.0)
        elif name == "final_norm.weight":
            w = norm(name, 0.375)
        elif name.endswith("norm.weight"):
            w = norm(name, 0.375)
        elif name.endswith("Wqkv.weight"):
            w = matrix(seed, name, 3 * H, H, 1 / math.sqrt(H))
            w[:2 * H] *= f32(G_QK)
            w[2 * H:] *= f32(G_V)
        elif name.endswith("attn.Wo.weight"):
            w = matrix(seed, name, H, H, G_ATT_OUT * depth / math.sqrt(H))
            w[out] *= f32(3)                                # rows that write into the outlier channels
        elif name.endswith("mlp.Wi.weight"):
            w = matrix(seed, name, 2 * I, H, G_MLP_IN / math.sqrt(H))
            w[: 2 * I : 61] *= f32(2.5)                     # a few strong units
        else:
            w = matrix(seed, name, H, I, G_MLP_OUT * depth / math.sqrt(I))
            w[out] *= f32(4)
            w[:, ::53] *= f32(2)
        yield name, w


def to_bf16(w):
    """Round to nearest even; the result as uint16."""
    u = w.view(np.uint32)
    return ((u + np.uint32(0x7FFF) + ((u >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def write_safetensors(path, shape, seed, dtype, prefix):
    size = {"bf16": 2, "f32": 4}[dtype]
    H, L, I, V = shape["hidden"], shape["layers"], shape["inter"], shape["vocab"]

    def dims(n):
        if n.endswith("norm.weight"):
            return [H]
        if "tok_embeddings" in n:
            return [V, H]
        return {"Wqkv": [3 * H, H], "attn.Wo": [H, H], "Wi": [2 * I, H], "mlp.Wo": [H, I]}[
            "Wqkv" if "Wqkv" in n else "Wi" if "Wi" in n else ("attn.Wo" if "attn.Wo" in n else "mlp.Wo")]
    names = ["embeddings.norm.weight", "embeddings.tok_embeddings.weight", "final_norm.weight"]
    for i in range(L):
        names += [f"layers.{i}.{t}.weight" for t in ("attn.Wqkv", "attn.Wo", "mlp.Wi", "mlp.Wo", "mlp_norm")]
        names += [f"layers.{i}.attn_norm.weight"] if i else []
    header, at, params = {"__metadata__": {"format": "pt"}}, 0, 0
    for n in sorted(names):
        count = math.prod(dims(n))
        header[prefix + n] = {"dtype": {"bf16": "BF16", "f32": "F32"}[dtype], "shape": dims(n),
                              "data_offsets": [at, at + count * size]}
        at += count * size
        params += count
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for n, w in weights(shape, seed):
            assert list(w.shape) == dims(n), n
            f.write((to_bf16(w) if dtype == "bf16" else w).astype("<u2" if dtype == "bf16" else "<f4").tobytes())
    return len(names), params


def config(shape, ids, form, dtype):
    bos, eos, pad = ids
    c = {
        "architectures": ["ModernBertModel"], "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": bos, "classifier_activation": "gelu",
        "classifier_bias": False, "classifier_dropout": 0.0, "classifier_pooling": "cls", "cls_token_id": bos,
        "decoder_bias": True, "deterministic_flash_attn": False,
        "dtype": {"bf16": "bfloat16", "f32": "float32"}[dtype], "embedding_dropout": 0.0, "eos_token_id": eos,
        "hidden_activation": shape["act"], "hidden_size": shape["hidden"], "initializer_cutoff_factor": 2.0,
        "initializer_range": 0.02, "intermediate_size": shape["inter"], "local_attention": shape["local"],
        "max_position_embeddings": shape["maxpos"], "mlp_bias": False, "mlp_dropout": 0.0,
        "model_type": "modernbert", "norm_bias": False, "norm_eps": 1e-05,
        "num_attention_heads": shape["heads"], "num_hidden_layers": shape["layers"], "pad_token_id": pad,
        "sep_token_id": eos, "tie_word_embeddings": True, "vocab_size": shape["vocab"],
    }
    if form in ("old", "both"):
        c.update({"global_attn_every_n_layers": 3, "global_rope_theta": shape["gtheta"],
                  "local_rope_theta": shape["ltheta"], "layer_norm_eps": 1e-05,
                  "position_embedding_type": "absolute"})
    if form in ("new", "both"):
        c.update({"layer_types": ["sliding_attention" if i % 3 else "full_attention"
                                  for i in range(shape["layers"])],
                  "rope_parameters": {
                      "full_attention": {"rope_theta": shape["gtheta"], "rope_type": "default"},
                      "sliding_attention": {"rope_theta": shape["ltheta"], "rope_type": "default"}}})
    return dict(sorted(c.items()))


def special_ids(tokdir):
    """bos/cls, eos/sep and pad ids from a tokenizer directory."""
    with open(os.path.join(tokdir, "tokenizer.json"), encoding="utf-8") as f:
        t = json.load(f)
    with open(os.path.join(tokdir, "tokenizer_config.json"), encoding="utf-8") as f:
        c = json.load(f)
    vocab = t["model"]["vocab"]
    ids = dict(vocab) if isinstance(vocab, dict) else {piece: i for i, (piece, _) in enumerate(vocab)}
    ids.update({a["content"]: a["id"] for a in t["added_tokens"]})
    first = ids[c.get("cls_token") or c["bos_token"]]
    last = ids[c.get("sep_token") or c["eos_token"]]
    return first, last, ids[c["pad_token"]]


def dump(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def write_modules(out, hidden, longest):
    """What sentence-transformers keeps beside config.json."""
    os.makedirs(os.path.join(out, "1_Pooling"), exist_ok=True)
    dump(os.path.join(out, "modules.json"), [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])
    dump(os.path.join(out, "1_Pooling", "config.json"), {
        "word_embedding_dimension": hidden, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
        "pooling_mode_weightedmean_tokens": False, "pooling_mode_lasttoken": False, "include_prompt": False})
    dump(os.path.join(out, "sentence_bert_config.json"), {"max_seq_length": longest, "do_lower_case": False})
    dump(os.path.join(out, "config_sentence_transformers.json"), {
        "prompts": {"query": "", "document": ""}, "default_prompt_name": None, "similarity_fn_name": "cosine"})


def write_sums(out):
    """Hash all files into SHA256SUMS; the lines come back."""
    lines = []
    for root, _, files in sorted(os.walk(out)):
        for name in sorted(files):
            if name == "SHA256SUMS":
                continue
            p = os.path.join(root, name)
            h = hashlib.sha256()
            with open(p, "rb") as f:
                for block in iter(lambda: f.read(1 << 20), b""):
                    h.update(block)
            lines.append(f"{h.hexdigest()}  {os.path.relpath(p, out).replace(os.sep, '/')}\n")
    with open(os.path.join(out, "SHA256SUMS"), "w", newline="\n") as f:
        f.writelines(lines)
    return lines


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out")
    ap.add_argument("--shape", required=True, choices=sorted(SHAPES))
    ap.add_argument("--dtype", default="bf16", choices=("bf16", "f32"))
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--tokenizer", help="directory with tokenizer.json and tokenizer_config.json")
    ap.add_argument("--config-form", choices=("old", "new", "both"))
    ap.add_argument("--prefix", default="", help="put this in front of every tensor name, e.g. 'model.'")
    a = ap.parse_args()
    shape = SHAPES[a.shape]
    os.makedirs(a.out, exist_ok=True)
    tok = a.tokenizer or (os.path.join(FIXTURES, shape["tok"]) if shape["tok"] else None)
    if tok:
        for n in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if not os.path.exists(os.path.join(a.out, n)) or not os.path.samefile(tok, a.out):
                shutil.copyfile(os.path.join(tok, n), os.path.join(a.out, n))
        ids = special_ids(tok)
    else:
        ids = IDS[a.shape]
        print("note: no --tokenizer given, so no tokenizer files were written", file=sys.stderr)
    dump(os.path.join(a.out, "config.json"), config(shape, ids, a.config_form or shape["form"], a.dtype))
    H = shape["hidden"]
    write_modules(a.out, H, shape["maxpos"])
    n, params = write_safetensors(os.path.join(a.out, "model.safetensors"), shape, a.seed, a.dtype, a.prefix)
    lines = write_sums(a.out)
    print(f"{a.shape}: {n} tensors, {params} parameters, outlier channels {outlier_channels(a.seed, H)}")
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
