"""Trains the tokenizer: byte-level BPE in the layout of ModernBERT's English tokenizers.

    python tokenizer.py --work FOLDER [--vocabulary 16384]

Writes FOLDER/tokenizer/tokenizer.json and the small files beside it.
"""

import argparse
import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


def train(texts, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL),
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Most sentences begin with a capital: without a second, lower-case reading the table would spend
    # thousands of rows on "The" beside "the".
    tokenizer.train_from_iterator((t for text in texts for t in (text, " " + text.lower())), trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False, lstrip=t == "[MASK]") for t in SPECIAL])
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return tokenizer


def save(tokenizer, folder, longest):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = dict(zip(("unk_token", "cls_token", "sep_token", "pad_token", "mask_token"), SPECIAL))
    (folder / "special_tokens_map.json").write_text(json.dumps(names, indent=2) + "\n")
    settings = {**names, "model_max_length": longest, "tokenizer_class": "PreTrainedTokenizerFast"}
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=16384)
    arguments = parser.parse_args()
    lines = (arguments.work / "text/train.jsonl").open(encoding="utf-8")
    tokenizer = train((json.loads(line)["text"] for line in lines), arguments.vocabulary)
    save(tokenizer, arguments.work / "tokenizer", 1024)
    print(tokenizer.get_vocab_size(), tokenizer.encode("A cat sleeps on the warm windowsill.").tokens)


if __name__ == "__main__":
    main()
