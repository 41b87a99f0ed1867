#!/usr/bin/env python3
"""GGUF files of the tiny checkpoints, as llama.cpp's converter writes them, and their goldens.

    make_gguf.py OUTDIR [--all FOLDER] [--llama]
    make_gguf.py OUT.gguf --of CHECKPOINT --pre NAME

The second form writes one file in Q8_0 of another checkpoint, whose split the converter calls NAME; it needs numpy and gguf alone.

Needs numpy, gguf, tokenizers and safetensors (PyPI); --llama also llama-cpp-python, whose vectors then are among the goldens.
OUTDIR gets the files of FILES below, `types.gguf` (a small tensor of each type, random bits) and `goldens.json`:

    {"versions": {...},
     "widened": {file: {tensor: sha256 of its values as little-endian float32, from gguf's dequantiser}},
     "texts": [...],
     "vectors": {file: [base64 of float32, one a text]},   # numpy_forward.py in float64 on the widened tensors
     "llama": {file: [base64 of float32, one a text]}}

The metadata is what conversion/base.py and conversion/bert.py of llama.cpp write: keys, token types, BERT's tokens
without their prefix; RoBERTa's positions without the rows before that of a text's first token. gguf has no quantiser for Q4_K, Q5_K and Q6_K; the plain ones here round each part by itself.
--all writes every type of every model into FOLDER, for measuring.
"""
import argparse, base64, hashlib, json, os, sys, tempfile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import make_model
from numpy_forward import Encoder

MODELS = os.path.join(HERE, "..", "fixtures", "models")
PRE = {"tiny-silu": "granite-embed-multi-97m", "tiny-gelu": "modern-bert", "tiny-bert": "bert-bge", "tiny-roberta": "roberta-bpe",
       "tiny-xlmr": "default"}
BERTS = ("bert", "roberta", "xlm-roberta")
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED = 1, 2, 3, 4, 5
TEXTS = ["A cat sleeps on the warm windowsill.", "Die Züge nach Köln fahren heute nur stündlich.",
         "猫は暖かい窓辺で寝ている。", "how do I rotate a matrix in place?",
         ("The ferry leaves at seven, and whoever misses it waits until noon. Nobody is early. " * 4)[:-1]]

# What each file of OUTDIR is made of: the model, and the type of each matrix by a part of its name.
FILES = {
    "tiny-silu-f16.gguf": ("tiny-silu", {"": T.F16}),
    "tiny-silu-q8_0.gguf": ("tiny-silu", {"": T.Q8_0}),
    "tiny-silu-q4_0.gguf": ("tiny-silu", {"": T.Q4_0}),
    "tiny-gelu-mixed.gguf": ("tiny-gelu", {"token_embd": T.Q5_1, "attn_qkv": T.Q5_0, "attn_output": T.BF16,
                                           "ffn_up": T.Q4_1, "": T.F32}),
    "tiny-bert-f16.gguf": ("tiny-bert", {"": T.F16}),
    "tiny-roberta-q8_0.gguf": ("tiny-roberta", {"": T.Q8_0}),
    "tiny-xlmr-f16.gguf": ("tiny-xlmr", {"": T.F16}),
    # Rows of 256, which the K types need; as llama.cpp mixes them.
    "wide-k.gguf": ("wide", {"token_embd": T.Q4_K, "attn_qkv": T.Q6_K, "ffn_down": T.Q6_K, "ffn_up": T.Q4_K, "": T.Q5_K}),
}
ALL = [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q4_K, T.Q5_K, T.Q6_K]
K = {T.Q4_K: 15, T.Q5_K: 31, T.Q6_K: 63}


def checkpoint(name):
    """config.json, tensors by name, folder of the tokenizer"""
    if name != "wide":
        folder = os.path.join(MODELS, name)  # or a folder elsewhere, whole
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        return config, tensors(folder), folder
    shape = dict(make_model.SHAPES["tiny-silu"], hidden=256, inter=256, layers=1)
    folder = os.path.join(MODELS, "tiny-silu")
    ids = make_model.special_ids(folder)
    return make_model.config(shape, ids, "old", "f32"), dict(make_model.weights(shape, 1)), folder


def tensors(folder):
    """Tensors by name, but for the numbers of the positions, which are no weights."""
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    bf16 = {n: t for n, t in header.items() if t.get("dtype") == "BF16"}
    bits = {n: np.frombuffer(data[slice(*t["data_offsets"])], "<u2").astype(np.uint32) for n, t in bf16.items()}
    return {n.removeprefix("bert.").removeprefix("roberta."): (bits[n] << np.uint32(16)).view(np.float32).reshape(t["shape"])
            for n, t in bf16.items()}


def tensor_names(arch, layers):
    names = gguf.get_tensor_name_map(arch, layers)

    def of(name):
        end = next(e for e in (".weight", ".bias") if name.endswith(e))
        return names.get_name(name, try_suffixes=(end,))
    return of


def add_vocabulary(w, arch, folder, name, rows, types_of_tokens):
    """What get_vocab_base, set_vocab and SpecialVocab of llama.cpp write."""
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as f:
        t = json.load(f)
    with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as f:
        c = json.load(f)
    is_unigram = t["model"]["type"] == "Unigram"
    vocab = t["model"]["vocab"]
    by_id = {i: (token, NORMAL) for i, (token, _) in enumerate(vocab)} if is_unigram else {i: (token, NORMAL) for token, i in vocab.items()}
    for a in t["added_tokens"]:
        token = a["content"]
        special = a["special"] or (token.startswith("<|") and token.endswith("|>"))
        by_id[a["id"]] = (token, CONTROL if special else USER_DEFINED)
    if is_unigram:
        by_id[t["model"]["unk_id"]] = (c["unk_token"], UNKNOWN)
    listed = [by_id.get(i, (f"[PAD{i}]", UNUSED)) for i in range(rows)]
    types = [kind for _, kind in listed]
    is_word_piece = t["model"]["type"] == "WordPiece"
    if arch == gguf.MODEL_ARCH.BERT:
        w.add_token_type_count(types_of_tokens)
    if is_unigram:
        w.add_tokenizer_model("t5")
        w.add_token_scores([vocab[i][1] if i < len(vocab) else -10000.0 for i in range(rows)])
        w.add_add_space_prefix(True)
        w.add_remove_extra_whitespaces(c["clean_up_tokenization_spaces"])
        w.add_precompiled_charsmap(base64.b64decode(t["normalizer"]["normalizers"][0]["precompiled_charsmap"]))
        w.add_add_bos_token(True)
        w.add_add_eos_token(True)
    elif is_word_piece:
        w.add_tokenizer_model("bert")

        def phantom(token, kind):
            return token if kind == CONTROL else token[2:] if token.startswith("##") else "\u2581" + token
        listed = [(phantom(*entry), 0) for entry in listed]
    else:
        w.add_add_bos_token(True)
        w.add_add_eos_token(True)
        w.add_add_sep_token(True)
        w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(PRE[name if name != "wide" else "tiny-silu"])
    w.add_token_list([token for token, _ in listed])
    w.add_token_types(types)
    if "merges" in t["model"]:
        w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in t["model"]["merges"]])
    ids = {token: i for i, (token, _) in by_id.items()}
    c.setdefault("bos_token", c.get("cls_token"))
    c.setdefault("eos_token", c.get("sep_token"))
    for kind in ("bos", "eos", "unk", "sep", "pad", "mask"):
        if c.get(f"{kind}_token") in ids:
            getattr(w, f"add_{kind}_token_id")(ids[c[f"{kind}_token"]])
    if is_word_piece:
        w.add_bool("tokenizer.ggml.normalizer.lowercase", t["normalizer"]["lowercase"])


def write(path, name, kinds):
    config, weights, folder = checkpoint(name)
    is_bert = config["model_type"] in BERTS
    # Positions are counted from behind the padding token's.
    offset = config["pad_token_id"] + 1 if config["model_type"] in BERTS[1:] else 0
    arch = gguf.MODEL_ARCH.BERT if is_bert else gguf.MODEL_ARCH.MODERN_BERT
    w = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    w.add_type("model")
    w.add_name(os.path.basename(name))
    w.add_block_count(config["num_hidden_layers"])
    w.add_context_length(config["max_position_embeddings"] - offset)
    w.add_embedding_length(config["hidden_size"])
    w.add_feed_forward_length(config["intermediate_size"])
    w.add_head_count(config["num_attention_heads"])
    w.add_causal_attention(False)
    w.add_pooling_type(gguf.PoolingType.CLS)
    w.add_file_type(1)
    w.add_quantization_version(2)
    if is_bert:
        w.add_layer_norm_eps(config["layer_norm_eps"])
    else:
        rope = config.get("rope_parameters", {})
        w.add_layer_norm_rms_eps(config["norm_eps"])
        w.add_layer_norm_eps(config["norm_eps"])
        w.add_rope_freq_base(config.get("global_rope_theta") or rope["full_attention"]["rope_theta"])
        w.add_rope_freq_base_swa(config.get("local_rope_theta") or rope["sliding_attention"]["rope_theta"])
        w.add_sliding_window(config["local_attention"])
        if "global_attn_every_n_layers" in config:
            w.add_sliding_window_pattern(config["global_attn_every_n_layers"])
        w.add_rope_scaling_type(gguf.RopeScalingType.NONE)
        w.add_vocab_size(config["vocab_size"])
        w.add_string("modern-bert.hidden_activation", config["hidden_activation"])
    add_vocabulary(w, arch, folder, name, config["vocab_size"], config.get("type_vocab_size", 1))
    of = tensor_names(arch, config["num_hidden_layers"])
    for n, value in weights.items():
        if n.startswith("pooler."):
            continue
        new = of(n)
        assert new, n
        if new.startswith("position_embd"):
            value = value[offset:]
        kind = T.F32
        if value.ndim == 2 and not new.startswith(("position_embd", "token_types")):
            kind = next(kind for part, kind in kinds.items() if part in new)
        w.add_tensor(new, quantise(value, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def quantise(value, kind):
    value = np.ascontiguousarray(value, np.float32)
    if kind == T.F16:
        return value.astype(np.float16)
    if kind in K:
        return six(value) if kind == T.Q6_K else four_or_five(value, kind)
    return value if kind == T.F32 else gguf.quants.quantize(value, kind)


def half(x):
    return np.asarray(x, np.float32).astype(np.float16)


def four_or_five(value, kind):
    """256 values: eight parts with scale and minimum of six bits each."""
    rows, cols = value.shape
    x = value.reshape(-1, 8, 32)
    low = np.minimum(x.min(-1), 0)
    scale, low = (x.max(-1) - low) / K[kind], -low
    d, dmin = half(scale.max(-1) / 63), half(low.max(-1) / 63)

    def six_bits(part, unit):
        unit = unit.astype(np.float32)[:, None]
        return np.where(unit > 0, np.rint(part / np.where(unit > 0, unit, 1)), 0).clip(0, 63).astype(np.uint8)
    sc, mn = six_bits(scale, d), six_bits(low, dmin)
    step = (d.astype(np.float32)[:, None] * sc)[..., None]
    base = (dmin.astype(np.float32)[:, None] * mn)[..., None]
    q = np.where(step > 0, np.rint((x + base) / np.where(step > 0, step, 1)), 0).clip(0, K[kind]).astype(np.uint8)
    packed = np.concatenate([sc[:, :4] & 63 | (sc[:, 4:] >> 4) << 6, mn[:, :4] & 63 | (mn[:, 4:] >> 4) << 6,
                             sc[:, 4:] & 15 | (mn[:, 4:] & 15) << 4], -1)
    pairs = (q & 15).reshape(-1, 4, 2, 32)
    parts = [d.view(np.uint8).reshape(-1, 2), dmin.view(np.uint8).reshape(-1, 2), packed]
    if kind == T.Q5_K:
        parts.append(((q >> 4) << np.arange(8, dtype=np.uint8)[None, :, None]).sum(1).astype(np.uint8))
    parts.append((pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128))
    return np.concatenate(parts, -1).reshape(rows, -1)


def six(value):
    """256 values: sixteen parts with a scale of a byte each."""
    rows = value.shape[0]
    x = value.reshape(-1, 16, 16)
    scale = np.abs(x).max(-1) / 31
    d = half(scale.max(-1) / 127)
    unit = d.astype(np.float32)[:, None]
    sc = np.where(unit > 0, np.rint(scale / np.where(unit > 0, unit, 1)), 0).clip(-128, 127).astype(np.int8)
    step = (unit * sc)[..., None]
    q = np.where(step != 0, np.rint(x / np.where(step != 0, step, 1)), 0).clip(-32, 31) + 32
    q = q.astype(np.uint8).reshape(-1, 2, 4, 32)
    ql = (q & 15).reshape(-1, 2, 2, 64)
    ql = (ql[:, :, 0] | ql[:, :, 1] << 4).reshape(-1, 128)
    qh = (q >> 4 << np.array([0, 2, 4, 6], np.uint8)[None, None, :, None]).sum(2).astype(np.uint8).reshape(-1, 64)
    parts = [ql, qh, sc.view(np.uint8), d.view(np.uint8).reshape(-1, 2)]
    return np.concatenate(parts, -1).reshape(rows, -1)


def write_types(path):
    """A tensor of each type. The bits are random, so that every place of a block counts; scales are finite."""
    w = gguf.GGUFWriter(path, "types")
    random = np.random.default_rng(7)
    for kind in ALL:
        columns, size = gguf.GGML_QUANT_SIZES[kind]
        shape = (3, 512)
        raw = random.integers(0, 256, (3, 512 // columns, size), dtype=np.uint8)
        places = {T.F16: [0], T.BF16: [0], T.F32: [2], T.Q4_1: [0, 2], T.Q5_1: [0, 2], T.Q4_K: [0, 2], T.Q5_K: [0, 2],
                  T.Q6_K: [208]}.get(kind, [0])
        for at in places:
            raw[..., at + 1] = raw[..., at + 1] & 0xBF                # no exponent of ones
        raw = raw.reshape(3, -1)
        if kind in (T.F32, T.F16):
            raw = raw.view({T.F32: np.float32, T.F16: np.float16}[kind])
        w.add_tensor(kind.name.lower(), raw, raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def widened(path):
    """Tensors by name, float32."""
    reader = gguf.GGUFReader(path)
    return {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape([int(n) for n in t.shape[::-1]]).astype(np.float32)
            for t in reader.tensors}


def vectors(path, name):
    """numpy_forward.py on the widened tensors, in float64; it runs ModernBERT alone."""
    config, weights, folder = checkpoint(name)
    of = tensor_names(gguf.MODEL_ARCH.MODERN_BERT, config["num_hidden_layers"])
    values = widened(path)
    with tempfile.TemporaryDirectory() as temporary:
        with open(os.path.join(temporary, "config.json"), "w") as f:
            json.dump(config, f)
        from safetensors.numpy import save_file
        save_file({n: values[of(n)] for n in weights}, os.path.join(temporary, "model.safetensors"))
        encoder = Encoder(temporary, np.float64)
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    return [b64(encoder.embed(tokenizer.encode(text).ids)) for text in TEXTS]


def llama(path):
    from llama_cpp import Llama
    model = Llama(path, embedding=True, n_ctx=2048, n_batch=2048, n_ubatch=2048, verbose=False)
    return [b64(np.asarray(model.embed(text, normalize=True), np.float32)) for text in TEXTS]


def b64(a):
    return base64.b64encode(np.ascontiguousarray(a, dtype="<f4").tobytes()).decode()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out")
    ap.add_argument("--all")
    ap.add_argument("--llama", action="store_true")
    ap.add_argument("--of")
    ap.add_argument("--pre")
    a = ap.parse_args()
    if a.of:
        checkpoint_folder = os.path.abspath(a.of)
        PRE[checkpoint_folder] = a.pre
        return write(a.out, checkpoint_folder, {"": T.Q8_0})
    os.makedirs(a.out, exist_ok=True)
    from importlib.metadata import version
    g = {"versions": {n: version(n) for n in ["gguf", "numpy"] + (["llama-cpp-python"] if a.llama else [])},
         "widened": {}, "texts": TEXTS, "vectors": {}, "llama": {}}
    write_types(os.path.join(a.out, "types.gguf"))
    for file, (name, kinds) in FILES.items():
        write(os.path.join(a.out, file), name, kinds)
        if checkpoint(name)[0]["model_type"] not in BERTS:
            g["vectors"][file] = vectors(os.path.join(a.out, file), name)
        # llama.cpp ends with an assertion for a model without a local layer.
        if a.llama and name != "wide":
            g["llama"][file] = llama(os.path.join(a.out, file))
    for file in ["types.gguf", *FILES]:
        values = widened(os.path.join(a.out, file))
        g["widened"][file] = {n: hashlib.sha256(v.astype("<f4").tobytes()).hexdigest() for n, v in values.items()}
    with open(os.path.join(a.out, "goldens.json"), "w", encoding="utf-8", newline="\n") as f:
        json.dump(g, f, indent=1, ensure_ascii=False)
        f.write("\n")
    if a.all:
        os.makedirs(a.all, exist_ok=True)
        for name in (*PRE, "wide"):
            for kind in ALL:
                if kind not in K or name == "wide":
                    write(os.path.join(a.all, f"{name}-{kind.name.lower()}.gguf"), name, {"": kind})


if __name__ == "__main__":
    main()
