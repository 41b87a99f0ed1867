#!/usr/bin/env python3
"""A second, independent implementation of the encoder: numpy only, no torch, no transformers.

    numpy_forward.py MODELDIR GOLDENS.json [--limit N] [--float64]

Reads config.json in either form and model.safetensors, runs the token ids stored in GOLDENS.json
and compares with the embeddings (and, where present, the hidden states) stored there.
DESIGN.md describes what is computed.
"""
import argparse, base64, json, math, os, struct, sys

import numpy as np


def read_safetensors(path):
    """{name without 'model.': float32 array}"""
    with open(path, "rb") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(n))
    data = np.memmap(path, np.uint8, "r", offset=8 + n)
    out = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        a, b = t["data_offsets"]
        raw = np.asarray(data[a:b])
        if t["dtype"] == "BF16":
            w = (raw.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
        elif t["dtype"] == "F32":
            w = raw.view("<f4").copy()
        elif t["dtype"] == "F16":
            w = raw.view("<f2").astype(np.float32)
        else:
            raise SystemExit(f"{name}: dtype {t['dtype']} not expected")
        out[name[6:] if name.startswith("model.") else name] = w.reshape(t["shape"])
    return out


def erf(x):
    """Error function, element by element (double precision)."""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


class Config:
    def __init__(self, c):
        self.hidden, self.layers = c["hidden_size"], c["num_hidden_layers"]
        self.heads, self.inter = c["num_attention_heads"], c["intermediate_size"]
        self.head = self.hidden // self.heads
        self.eps = c.get("norm_eps", 1e-5)
        self.act = c.get("hidden_activation", "gelu")
        self.half = c.get("local_attention", 128) // 2
        for key in ("norm_bias", "mlp_bias", "attention_bias"):
            assert not c.get(key, False), key
        types = c.get("layer_types")
        if types is None:
            every = c.get("global_attn_every_n_layers", 3)
            types = ["sliding_attention" if i % every else "full_attention" for i in range(self.layers)]
        self.is_global = [t == "full_attention" for t in types]
        rope = c.get("rope_parameters") or {}

        def theta(kind, old, default):
            p = rope.get(kind) or {}
            assert p.get("rope_type", "default") == "default"
            return p["rope_theta"] if "rope_theta" in p else c.get(old) or default
        self.theta = {True: theta("full_attention", "global_rope_theta", 160000.0),
                      False: theta("sliding_attention", "local_rope_theta", 10000.0)}


class Encoder:
    def __init__(self, folder, dtype=np.float32):
        with open(os.path.join(folder, "config.json")) as f:
            self.c = Config(json.load(f))
        self.dt = dtype
        w = read_safetensors(os.path.join(folder, "model.safetensors"))
        self.table = w.pop("embeddings.tok_embeddings.weight")      # stays float32: it is large
        self.w = {k: v.astype(dtype) for k, v in w.items()}
        self.hook = None                                            # hook(name, x) may replace a layer's input

    def norm(self, x, name):
        m = x.mean(-1, keepdims=True)
        v = ((x - m) ** 2).mean(-1, keepdims=True)
        return (x - m) / np.sqrt(v + self.dt(self.c.eps)) * self.w[name]

    def linear(self, x, name):
        if self.hook:
            return self.hook(self, x, name)
        return x @ self.w[name].T

    def activate(self, x):
        if self.c.act == "silu":
            with np.errstate(over="ignore"):
                return x / (1 + np.exp(-x))
        return (x * 0.5 * (1 + erf(x / math.sqrt(2)))).astype(self.dt)

    def rope(self, n, is_global):
        d = self.c.head
        inv = 1.0 / (np.float64(self.c.theta[is_global]) ** (np.arange(0, d, 2) / d))
        ang = np.arange(n)[:, None].astype(np.float32) * inv.astype(np.float32)[None, :]
        return np.cos(ang).astype(self.dt), np.sin(ang).astype(self.dt)

    def attention(self, x, i):
        c, n = self.c, x.shape[0]
        qkv = self.linear(x, f"layers.{i}.attn.Wqkv.weight")
        q, k, v = qkv.reshape(n, 3, c.heads, c.head).transpose(1, 2, 0, 3)      # [3][heads, n, head]
        cos, sin = self.rope(n, c.is_global[i])

        def turn(t):
            a, b = t[..., : c.head // 2], t[..., c.head // 2:]
            return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
        q, k = turn(q), turn(k)
        out = np.empty((c.heads, n, c.head), self.dt)
        for lo in range(0, n, 512):                                 # blocks of queries: little memory
            hi = min(n, lo + 512)
            a, b = (0, n) if c.is_global[i] else (max(0, lo - c.half), min(n, hi + c.half))
            s = q[:, lo:hi] @ k[:, a:b].transpose(0, 2, 1) * self.dt(c.head ** -0.5)
            if not c.is_global[i]:
                dist = np.abs(np.arange(lo, hi)[:, None] - np.arange(a, b)[None, :])
                s = np.where(dist <= c.half, s, self.dt(-np.inf))
            s = np.exp(s - s.max(-1, keepdims=True))
            out[:, lo:hi] = (s / s.sum(-1, keepdims=True)) @ v[:, a:b]
        if self.hook_probs is not None:
            self.hook_probs(i, s / s.sum(-1, keepdims=True))
        return self.linear(out.transpose(1, 0, 2).reshape(n, c.hidden), f"layers.{i}.attn.Wo.weight")

    hook_probs = None

    def forward(self, ids, states=None):
        x = self.norm(self.table[np.asarray(ids)].astype(self.dt), "embeddings.norm.weight")
        if states is not None:
            states.append(x)
        for i in range(self.c.layers):
            h = x if i == 0 else self.norm(x, f"layers.{i}.attn_norm.weight")
            x = x + self.attention(h, i)
            h = self.linear(self.norm(x, f"layers.{i}.mlp_norm.weight"), f"layers.{i}.mlp.Wi.weight")
            x = x + self.linear(self.activate(h[:, : self.c.inter]) * h[:, self.c.inter:], f"layers.{i}.mlp.Wo.weight")
            if states is not None:
                states.append(x)
        return self.norm(x, "final_norm.weight")

    def embed(self, ids, states=None):
        v = self.forward(ids, states)[0]
        return v / max(math.sqrt(float((v.astype(np.float64) ** 2).sum())), 1e-12)


def unpack(text, shape=None):
    v = np.frombuffer(base64.b64decode(text), "<f4")
    return v if shape is None else v.reshape(shape)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("goldens")
    ap.add_argument("--limit", type=int, default=10 ** 9, help="skip texts with more token ids than this")
    ap.add_argument("--float64", action="store_true")
    a = ap.parse_args()
    with open(a.goldens, encoding="utf-8") as f:
        g = json.load(f)
    e = Encoder(a.model, np.float64 if a.float64 else np.float32)
    worst = worst_state = 0.0
    low = 1.0
    n = 0
    for t in g["texts"]:
        if len(t["ids"]) > a.limit:
            continue
        states = [] if "hidden" in t else None
        v, want = e.embed(t["ids"], states), unpack(t["embedding"])
        worst = max(worst, float(np.abs(v - want).max()))
        low = min(low, float(v @ want))
        n += 1
        if states:
            for got, saved in zip(states, t["hidden"]):
                saved = unpack(saved, (len(t["ids"]), -1))
                worst_state = max(worst_state, float(np.abs(got - saved).max() / np.abs(saved).max()))
    print(f"{n} texts: largest difference of an embedding component {worst:.3g}, lowest cosine {low:.9f}, "
          f"largest hidden-state difference relative to that state's largest value {worst_state:.3g}")
    if worst > 1e-5:
        sys.exit("FAILED: more than 1e-5")


if __name__ == "__main__":
    main()
