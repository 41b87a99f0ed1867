"""The teacher's embeddings of the training text, in shards.

    python teacher.py --work FOLDER --model FOLDER_OF_ALL_MINILM [--most N]

Writes FOLDER/teacher/NNN.npy (f16, one row a text, in the order of train.jsonl). Shards that exist are kept, so
it can be stopped and continued; train.py takes what there is.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertModel

SHARD = 25_000
LONGEST = 256
TOKENS_A_BATCH = 8192


class Teacher:
    """all-MiniLM-L6-v2: the mean over the tokens, normalised."""

    def __init__(self, folder, dtype=torch.bfloat16):
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)
        self.model = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype).eval()

    @torch.inference_mode()
    def embed(self, texts):
        """f32 rows of length 1, in the texts' order."""
        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        rows = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        for batch in batches(ids):
            padded, mask = pad([ids[i] for i in batch], 0)
            states = self.model(padded, attention_mask=mask).last_hidden_state.float()
            mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            rows[batch] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return rows


def batches(ids, tokens=TOKENS_A_BATCH):
    """Indices in batches of about so many tokens, texts of like length together."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and len(ids[order[end]]) * (end + 1 - start) <= tokens:
            end += 1
        yield order[start:end]
        start = end


def pad(ids, pad_id):
    longest = max(map(len, ids))
    padded = torch.full((len(ids), longest), pad_id)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, one in enumerate(ids):
        padded[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return padded, mask


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--most", type=int, default=10**9)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    texts = [json.loads(line)["text"] for line in (arguments.work / "text/train.jsonl").open()][: arguments.most]
    out = arguments.work / "teacher"
    out.mkdir(exist_ok=True)
    teacher = Teacher(arguments.model)
    for number, start in enumerate(range(0, len(texts), SHARD)):
        path = out / f"{number:03}.npy"
        if path.exists():
            continue
        began = time.time()
        rows = teacher.embed(texts[start : start + SHARD]).astype(np.float16)
        np.save(path.with_suffix(".part.npy"), rows)
        path.with_suffix(".part.npy").rename(path)
        print(f"shard {number}: {len(rows)} texts in {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
