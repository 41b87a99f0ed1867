#!/usr/bin/env python3
"""How alike a model finds 200 pairs of sentences, as sentence-transformers computes it in f32.

    make_pairs.py MODELDIR OUT.json

pairs.txt has on each line a sentence, the same in other words, one about the same things, and one about something near. A pair is the first
with each of the others, and with the first of the next line. Layout of OUT.json:

    {"versions": {...}, "texts": [...], "pairs": [[index, index, cosine], ...]}
"""
import json, os, sys

import numpy as np
import sentence_transformers
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(os.path.join(HERE, "pairs.txt"), encoding="utf-8") as f:
        lines = [[text.strip() for text in line.split("|")] for line in f]
    texts = [text for line in lines for text in line]
    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu", local_files_only=True)
    # One at a time: what fills up a batch may change the last bits.
    vectors = np.stack([model.encode([text], normalize_embeddings=True)[0] for text in texts]).astype(np.float64)
    firsts = range(0, len(texts), 4)
    pairs = [(first, first + other) for first in firsts for other in (1, 2, 3)]
    pairs += [(first, (first + 4) % len(texts)) for first in firsts]
    versions = {"sentence-transformers": sentence_transformers.__version__, "torch": torch.__version__}
    scored = [[a, b, round(float(vectors[a] @ vectors[b]), 7)] for a, b in pairs]
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as f:
        body = {"versions": versions, "texts": texts}
        f.write(json.dumps(body, indent=1, ensure_ascii=False)[:-2] + ',\n "pairs": [\n  ')
        f.write(",\n  ".join(json.dumps(pair) for pair in scored) + "\n ]\n}\n")


if __name__ == "__main__":
    main()
