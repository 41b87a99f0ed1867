"""Ids that transformers gives for checkpoints whose files say something about the tokenizer beside tokenizer.json.

    python make_settings.py MODELS OUT.json

Run it once with transformers 4 and once with 5: each run adds its ids to OUT.json. MODELS is tests/fixtures/models. Where
the two give different ids, felsic has to refuse the checkpoint; where they give the same, so must felsic.
"""

import copy
import json
import os
import shutil
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import transformers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

CONFIG, MAP, ADDED, MODEL = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json"
TOKENIZER = "tokenizer.json"
TEXTS = [
    "a [MASK] b zebra quux foo bar <img> the wombat [CLS] x  y",
    " the cat\tsat zebrazebra  foo\u00e9 [MASK][MASK] wombats <mask> z",
    "Zebra the. <bos>the<eos> <|return|> [SEP]x",
    "a <s>x</s> <unk> <pad> <|padding|>  fooe\u0301 foo\u00e9",
    "",
]
CUT = 7


def put(file, *path_and_value):
    """Sets a field."""
    *path, value = path_and_value
    return {"file": file, "path": path, "value": value}


def drop(file, *path):
    """Removes a field."""
    return {"file": file, "path": list(path)}


def write(file, content):
    """Writes a whole file; `None` removes it."""
    return {"file": file, "content": content}


def token(content, typed=True, **flags):
    made = {"content": content, **flags}
    return {"__type": "AddedToken", **made} if typed else made


def older(*changes):
    """Without added_tokens_decoder, so that the older files count."""
    return [drop(CONFIG, "added_tokens_decoder"), *changes]


def byte_level(flag):
    return {"type": "ByteLevel", "add_prefix_space": flag, "trim_offsets": True, "use_regex": True}


def bert(**settings):
    normal = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    return {**normal, **settings}


def listed(models, model, content):
    with open(os.path.join(models, model, CONFIG), encoding="utf-8") as file:
        tokens = json.load(file)["added_tokens_decoder"]
    return next(id for id, token in tokens.items() if token["content"] == content)


def cases(models):
    mask = listed(models, "tiny-gelu", "[MASK]")
    decoder = ("added_tokens_decoder",)
    gelu = {
        "as it is": [],
        "listed without lstrip": [put(CONFIG, *decoder, mask, "lstrip", False)],
        "listed with rstrip": [put(CONFIG, *decoder, mask, "rstrip", True)],
        "listed as a word": [put(CONFIG, *decoder, mask, "single_word", True)],
        "listed as normalized": [put(CONFIG, *decoder, mask, "normalized", True)],
        "listed, not special": [put(CONFIG, *decoder, mask, "special", False)],
        "listed alone": [put(CONFIG, *decoder, "9999", token("zebra", typed=False))],
        "listed alone, special": [put(CONFIG, *decoder, "9999", token("zebra", typed=False, special=True))],
        "listed alone, in order of ids": [
            put(CONFIG, *decoder, "10000", token("quux", typed=False)),
            put(CONFIG, *decoder, "9999", token("zebra", typed=False)),
        ],
        "listed with the id of another": [put(CONFIG, *decoder, mask, token("zebra", typed=False, special=True))],
        "listed as in the vocabulary": [put(CONFIG, *decoder, "9999", token("the", typed=False))],
        "not listed": [drop(CONFIG, *decoder, mask)],
        "an empty list": [put(CONFIG, *decoder, {})],
        "listed and null": [put(CONFIG, *decoder, None)],
        "a special token of its own": [put(CONFIG, "mask_token", "quux")],
        "a special token with flags": [put(CONFIG, "mask_token", token("quux", lstrip=True))],
        "a special token with flags, and listed": [put(CONFIG, "mask_token", token("[MASK]", rstrip=True, lstrip=False))],
        "a special token with flags, not listed": [
            drop(CONFIG, *decoder, mask),
            put(CONFIG, "mask_token", token("[MASK]", rstrip=True, lstrip=False)),
        ],
        "a special token of the vocabulary": [put(CONFIG, "mask_token", "the")],
        "one special token twice": [put(CONFIG, "cls_token", "zebra"), put(CONFIG, "sep_token", "zebra")],
        "additional tokens": [put(CONFIG, "additional_special_tokens", ["foo", "the"])],
        "additional tokens with flags": [
            put(CONFIG, "additional_special_tokens", [token("foo", lstrip=True, normalized=True)])
        ],
        "additional tokens with some flags": [put(CONFIG, "additional_special_tokens", [token("foo", lstrip=True)])],
        "additional tokens with some flags, special": [
            put(CONFIG, "additional_special_tokens", [token("foo", lstrip=True, special=True)])
        ],
        "additional tokens with the flags of others": [
            put(CONFIG, "additional_special_tokens", [token("<|padding|>", rstrip=True, normalized=False)])
        ],
        "listed with some flags, and special": [
            put(CONFIG, *decoder, "9999", token("fooe\u0301", typed=False)),
            put(CONFIG, "mask_token", "fooe\u0301"),
        ],
        "listed with some flags, and additional": [
            put(CONFIG, *decoder, "9999", token("fooe\u0301", typed=False)),
            put(CONFIG, "additional_special_tokens", ["fooe\u0301"]),
        ],
        "additional tokens with other flags": [put(CONFIG, "additional_special_tokens", [token("[MASK]", rstrip=True)])],
        "extra tokens by name": [put(CONFIG, "extra_special_tokens", {"image_token": "<img>"})],
        "extra tokens": [put(CONFIG, "extra_special_tokens", ["<img>"])],
        "no extra tokens": [put(CONFIG, "extra_special_tokens", {})],
        "extra and additional tokens": [
            put(CONFIG, "extra_special_tokens", {"image_token": "<img>"}),
            put(CONFIG, "additional_special_tokens", ["foo"]),
        ],
        "a field that ends in _token": [put(CONFIG, "image_token", "<img>")],
        "a field that ends in _token, and known": [put(CONFIG, "image_token", "[MASK]")],
        "tokens of the model": [put(CONFIG, "model_specific_special_tokens", {"image_token": "<img>"})],
        "map without effect": [put(MAP, "mask_token", "quux")],
        "map with other flags": older(put(MAP, "mask_token", token("[MASK]", typed=False, lstrip=False, rstrip=True))),
        "map with a token": older(put(MAP, "mask_token", token("quux", typed=False, rstrip=True))),
        "map with a token, without flags": older(put(MAP, "mask_token", "quux")),
        "map with null": older(put(MAP, "mask_token", None)),
        "map with additional tokens": older(put(MAP, "additional_special_tokens", ["foo", "bar"])),
        "map with additional tokens and flags": older(
            put(MAP, "additional_special_tokens", ["foo", token("bar", typed=False, lstrip=True)])
        ),
        "map and additional tokens, the same": older(
            put(MAP, "additional_special_tokens", ["foo"]), put(CONFIG, "additional_special_tokens", ["foo"])
        ),
        "map and additional tokens, others": older(
            put(MAP, "additional_special_tokens", ["foo"]), put(CONFIG, "additional_special_tokens", ["bar"])
        ),
        "map with a field that ends in _token": older(put(MAP, "image_token", "<img>")),
        "added_tokens.json": older(write(ADDED, {"wombat": 5000})),
        "added_tokens.json, special": older(write(ADDED, {"quux": 5000}), put(MAP, "mask_token", "quux")),
        "added_tokens.json with the id of another": older(write(ADDED, {"wombat": int(mask)})),
        "added_tokens.json with a known token": older(write(ADDED, {"[MASK]": int(mask)})),
        "added_tokens.json with a known token elsewhere": older(write(ADDED, {"[MASK]": 5000})),
        "added_tokens.json without effect": [write(ADDED, {"wombat": 5000})],
        "no tokenizer_config.json": [write(CONFIG, None)],
        "no tokenizer_config.json, added_tokens.json": [write(CONFIG, None), write(ADDED, {"wombat": 5000})],
        "no files but tokenizer.json": [write(CONFIG, None), write(MAP, None)],
        "prefix space": [put(CONFIG, "add_prefix_space", True)],
        "no prefix space": [put(CONFIG, "add_prefix_space", False)],
        "prefix space of tokenizer.json": [put(TOKENIZER, "pre_tokenizer", byte_level(True))],
        "prefix space of both": [put(TOKENIZER, "pre_tokenizer", byte_level(True)), put(CONFIG, "add_prefix_space", True)],
        "prefix space is null": [put(TOKENIZER, "pre_tokenizer", byte_level(True)), put(CONFIG, "add_prefix_space", None)],
        "split special tokens": [put(CONFIG, "split_special_tokens", True)],
        "from slow": [put(CONFIG, "from_slow", True)],
        "files by version": [put(CONFIG, "fast_tokenizer_files", ["tokenizer.4.0.0.json"])],
        "cut from the left": [put(CONFIG, "truncation_side", "left")],
        "cut from the left, by tokenizer.json": [
            put(TOKENIZER, "truncation", {"direction": "Left", "max_length": 7, "strategy": "LongestFirst", "stride": 0})
        ],
        "cut from the right after all": [
            put(TOKENIZER, "truncation", {"direction": "Left", "max_length": 7, "strategy": "LongestFirst", "stride": 0}),
            put(CONFIG, "truncation_side", "right"),
        ],
        "padded from the left": [put(CONFIG, "padding_side", "left")],
        "padding token of tokenizer.json": [
            drop(CONFIG, "pad_token"),
            put(
                TOKENIZER,
                "padding",
                {
                    "strategy": "BatchLongest",
                    "direction": "Right",
                    "pad_to_multiple_of": None,
                    "pad_id": 0,
                    "pad_type_id": 0,
                    "pad_token": "zebra",
                },
            ),
        ],
        "what ModernBERT ignores": [
            put(CONFIG, "do_lower_case", True),
            put(CONFIG, "strip_accents", True),
            put(CONFIG, "add_bos_token", True),
            put(CONFIG, "add_eos_token", True),
            put(CONFIG, "chat_template", "{{ messages }}"),
            put(CONFIG, "clean_up_tokenization_spaces", False),
            put(CONFIG, "model_input_names", ["input_ids"]),
            put(CONFIG, "max_length", 4),
        ],
        "no post_processor, beginning token": [
            put(TOKENIZER, "post_processor", None),
            put(CONFIG, "add_bos_token", True),
            put(CONFIG, "bos_token", "[SEP]"),
        ],
        "BertProcessing": [put(TOKENIZER, "post_processor", {"type": "BertProcessing", "sep": ["[SEP]", 1928], "cls": ["[CLS]", 1927]})],
        "RobertaProcessing": [
            put(
                TOKENIZER,
                "post_processor",
                {
                    "type": "RobertaProcessing",
                    "sep": ["[SEP]", 1928],
                    "cls": ["[CLS]", 1927],
                    "trim_offsets": True,
                    "add_prefix_space": False,
                },
            )
        ],
        "an unknown token that is only an added one": [put(TOKENIZER, "model", "unk_token", "[UNK]")],
        "class PreTrainedTokenizer": [put(CONFIG, "tokenizer_class", "PreTrainedTokenizer")],
        "no class": [drop(CONFIG, "tokenizer_class")],
        "class TokenizersBackend": [put(CONFIG, "tokenizer_class", "TokenizersBackend")],
        "class GPT2Tokenizer": [put(CONFIG, "tokenizer_class", "GPT2Tokenizer")],
        "class GPT2Tokenizer of config.json": [drop(CONFIG, "tokenizer_class"), put(MODEL, "tokenizer_class", "GPT2Tokenizer")],
        "class BertTokenizer": [put(CONFIG, "tokenizer_class", "BertTokenizer")],
        "class BertTokenizer, its normalizer": [
            put(CONFIG, "tokenizer_class", "BertTokenizer"),
            put(TOKENIZER, "normalizer", bert()),
        ],
        "class BertTokenizer, another case": [
            put(CONFIG, "tokenizer_class", "BertTokenizer"),
            put(CONFIG, "do_lower_case", False),
            put(TOKENIZER, "normalizer", bert()),
        ],
        "class RobertaTokenizer": [put(CONFIG, "tokenizer_class", "RobertaTokenizer")],
        "class GemmaTokenizer": [
            put(CONFIG, "tokenizer_class", "GemmaTokenizer"),
            put(CONFIG, "bos_token", "[CLS]"),
            put(CONFIG, "eos_token", "[SEP]"),
        ],
        "class GemmaTokenizer, the same template": [
            put(CONFIG, "tokenizer_class", "GemmaTokenizer"),
            put(CONFIG, "bos_token", "[CLS]"),
            put(CONFIG, "eos_token", "[SEP]"),
            put(CONFIG, "add_eos_token", True),
        ],
        "class GemmaTokenizer of config.json": [
            drop(CONFIG, "tokenizer_class"),
            put(MODEL, "tokenizer_class", "GemmaTokenizer"),
        ],
        "class of nobody": [put(CONFIG, "tokenizer_class", "FooTokenizer")],
        "code of the checkpoint": [put(CONFIG, "auto_map", {"AutoTokenizer": ["a.B", "a.C"]})],
    }
    others = {
        "tiny-silu": {
            "prefix space, in a sequence": [put(CONFIG, "add_prefix_space", True)],
            "listed alone, in a sequence": [put(CONFIG, *decoder, "9999", token("zebra", typed=False, normalized=True))],
        },
        "tiny-gemma": {
            "class GemmaTokenizerFast": [put(CONFIG, "tokenizer_class", "GemmaTokenizerFast")],
            "class GemmaTokenizerFast with an end": [
                put(CONFIG, "tokenizer_class", "GemmaTokenizerFast"),
                put(CONFIG, "add_eos_token", True),
            ],
            "class LlamaTokenizerFast": [put(CONFIG, "tokenizer_class", "LlamaTokenizerFast")],
            "listed alone, normalized": [put(CONFIG, *decoder, "9999", token("the cat", typed=False))],
            "additional tokens, and a normaliser": [put(CONFIG, "additional_special_tokens", ["the cat"])],
        },
    }
    for name, changes in gelu.items():
        yield {"name": name, "model": "tiny-gelu", "changes": changes}
    for model, of_model in others.items():
        for name, changes in of_model.items():
            yield {"name": name, "model": model, "changes": changes}


def apply(folder, change):
    path = os.path.join(folder, change["file"])
    if "content" in change:
        if change["content"] is None:
            os.remove(path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(change["content"], file)
        return
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    *parents, last = change["path"]
    place = value
    for name in parents:
        place = place[name]
    if "value" in change:
        place[last] = copy.deepcopy(change["value"])
    else:
        place.pop(last, None)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def ids_of(models, case):
    with tempfile.TemporaryDirectory() as folder:
        copied = os.path.join(folder, case["model"])
        shutil.copytree(os.path.join(models, case["model"]), copied, ignore=shutil.ignore_patterns("*.safetensors"))
        for change in case["changes"]:
            apply(copied, change)
        try:
            tokenizer = AutoTokenizer.from_pretrained(copied)
            whole = [tokenizer(text)["input_ids"] for text in TEXTS]
            cut = [tokenizer(text, truncation=True, max_length=CUT)["input_ids"] for text in TEXTS]
        except Exception as error:  # whatever it is: the checkpoint is not to be loaded
            return type(error).__name__
        return {"whole": whole, "cut": cut}


def main():
    models, out = sys.argv[1:]
    generation = transformers.__version__.split(".")[0]
    made = {"transformers": {}, "texts": TEXTS, "cut": CUT, "cases": list(cases(models))}
    if os.path.exists(out):
        with open(out, encoding="utf-8") as file:
            before = json.load(file)
        made["transformers"] = before["transformers"]
        for case, old in zip(made["cases"], before["cases"], strict=True):
            assert {**old, "ids": 0} == {**case, "ids": 0}, "another generation of cases: remove the file"
            case["ids"] = old["ids"]
    made["transformers"][generation] = transformers.__version__
    for case in made["cases"]:
        ids = case.setdefault("ids", {})
        ids[generation] = ids_of(models, case)
        # What all versions agree on stands there once.
        if len(ids) == 2 and len({json.dumps(given) for given in ids.values()}) == 1:
            case["ids"] = {"both": ids[generation]}
    with open(out, "w", encoding="utf-8") as file:
        file.write("{\n")
        for name in ("transformers", "texts", "cut"):
            file.write(f" {json.dumps(name)}: {json.dumps(made[name])},\n")
        rows = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in made["cases"])
        file.write(f' "cases": [\n{rows}\n ]\n}}\n')


if __name__ == "__main__":
    main()
