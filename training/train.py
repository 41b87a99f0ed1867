"""Distils the teacher into a small ModernBERT with CLS pooling.

    python train.py --work FOLDER --teacher FOLDER_OF_ALL_MINILM --minutes 70

Reads FOLDER/text, FOLDER/teacher and FOLDER/tokenizer; writes a checkpoint that felsic packs into FOLDER/student,
every few minutes and at the end, and lines of figures into FOLDER/train.log.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import ModernBertConfig, ModernBertModel

from forward import cls_vectors
from teacher import SHARD, Teacher, pad
from tokenizer import save as save_tokenizer

SEED = 11
LONGEST = 256  # tokens of a text in training; the positions go further
POSITIONS = 1024
RUN = 16  # texts of one cluster that stand together in a batch
TOKENS_A_BATCH, TEXTS_A_BATCH = 4096, 192
TEMPERATURE = 0.05


def new_student(tokenizer, arguments):
    ids = {f"{name}_token_id": tokenizer.token_to_id(f"[{token}]") for name, token in
           (("pad", "PAD"), ("cls", "CLS"), ("sep", "SEP"), ("bos", "CLS"), ("eos", "SEP"))}
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=arguments.hidden,
        intermediate_size=arguments.intermediate,
        num_hidden_layers=arguments.layers,
        num_attention_heads=arguments.hidden // 64,
        max_position_embeddings=POSITIONS,
        local_attention=128,
        global_attn_every_n_layers=3,
        hidden_activation="gelu",
        classifier_pooling="cls",
        attn_implementation="eager",  # on short texts faster than the fused kernel
        **ids,
    )
    return ModernBertModel(config)


def projection(rows, width):
    """An orthonormal [teacher's width, width] that keeps most of the rows, turned at random.

    Turned, so that no column of the student's vector matters more than another: layer norm and groups of int8
    treat columns alike.
    """
    _, _, axes = np.linalg.svd(rows.astype(np.float32), full_matrices=False)
    turn, _ = np.linalg.qr(np.random.default_rng(SEED).normal(size=(width, width)))
    return torch.tensor((axes[:width].T @ turn).astype(np.float32))


@torch.no_grad()
def start_as_bag_of_words(student, tokenizer, teacher, project):
    """The table from the teacher's reading of each token, a last layer that copies the mean into CLS, others silent.

    So the first step already has a model that knows words; training has to learn which count, and order.
    """
    texts = [tokenizer.decode([i]).strip() or " " for i in range(tokenizer.get_vocab_size())]
    rows = torch.tensor(teacher.embed(texts)) @ project
    table = student.embeddings.tok_embeddings.weight
    table.copy_(0.1 * math.sqrt(table.shape[1]) * functional.normalize(rows, dim=1) + 0.005 * torch.randn_like(table))
    for layer in student.layers[:-1]:
        layer.attn.Wo.weight.zero_()
        layer.mlp.Wo.weight.zero_()
    eye = torch.eye(table.shape[1])
    attention = student.layers[-1].attn
    attention.Wqkv.weight[-len(eye) :] += eye
    attention.Wo.weight += 2 * eye


def clusters(rows, count=400, rounds=4):
    """The number of each row's cluster, by k-means on the sphere."""
    rng = np.random.default_rng(SEED)
    sample = torch.tensor(rows[rng.choice(len(rows), min(len(rows), 60_000), replace=False)]).float()
    centres = sample[:count].clone()
    for _ in range(rounds):
        nearest = (sample @ centres.T).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, sample)
        centres = functional.normalize(sums + 1e-3 * centres, dim=1)
    parts = (torch.tensor(rows[i : i + SHARD]).float() @ centres.T for i in range(0, len(rows), SHARD))
    return torch.cat([p.argmax(1) for p in parts]).numpy()


def epoch_batches(lengths, cluster, rng):
    """Batches of texts of like length, in which texts of like meaning meet."""
    bucket = -(-lengths // 8)
    shuffled = rng.permutation(len(lengths))
    cluster_rank = rng.permutation(cluster.max() + 1)[cluster]
    order = shuffled[np.lexsort((cluster_rank[shuffled], bucket[shuffled]))]
    found = []
    for size in np.unique(bucket):
        members = order[bucket[order] == size]
        runs = [members[i : i + RUN] for i in range(0, len(members), RUN)]
        rng.shuffle(runs)
        members = np.concatenate(runs)
        count = max(RUN, min(TEXTS_A_BATCH, TOKENS_A_BATCH // (8 * size)))
        found += [members[i : i + count] for i in range(0, len(members), count)]
    rng.shuffle(found)
    return [b for b in found if len(b) >= RUN]


def loss_of(vectors, targets, project):
    """Near the teacher's vector, near its cosines between the batch's texts, near its ranking of neighbours."""
    vectors = functional.normalize(vectors, dim=1)
    wanted = functional.normalize(targets @ project, dim=1)
    direct = (1 - (vectors * wanted).sum(1)).mean()
    ours, theirs = vectors @ vectors.T, targets @ targets.T
    off = ~torch.eye(len(vectors), dtype=torch.bool)
    relations = functional.mse_loss(ours[off], theirs[off])
    hide = torch.where(off, 0.0, -1e4)
    ranking = functional.kl_div(
        functional.log_softmax(ours / TEMPERATURE + hide, dim=1),
        functional.log_softmax(theirs / TEMPERATURE + hide, dim=1),
        log_target=True, reduction="batchmean",
    )
    return direct + 10 * relations + 0.5 * ranking, (direct.item(), relations.item(), ranking.item())


def vectors_of(student, ids, pad_id, first=0):
    return cls_vectors(student, *pad(ids, pad_id), first)


def check_forward(student):
    """Stops where our forward pass differs from transformers' by more than bf16 does."""
    ids, mask = torch.randint(5, student.config.vocab_size, (4, 150)), torch.ones(4, 150, dtype=torch.long)
    mask[0, 40:] = 0
    with torch.inference_mode():
        theirs = student(ids, attention_mask=mask).last_hidden_state[:, 0]
        cosine = functional.cosine_similarity(cls_vectors(student, ids, mask), theirs).min().item()
    if cosine < 0.999:
        raise SystemExit(f"forward.py: cosine {cosine} with transformers")
    return cosine


class Held:
    """Held-out texts, to follow the training by; the figures that count are evaluate.py's."""

    def __init__(self, work, tokenizer, teacher, count=1500):
        lines = [json.loads(line) for line in (work / "text/held.jsonl").open()]
        lines = [one for one in lines if one["source"] not in ("sqlite3-doc", "python3.11-doc")]
        texts = [t["text"] for t in np.random.default_rng(5).choice(lines, count, replace=False)]
        self.ids = [e.ids for e in tokenizer.encode_batch(texts)]
        rows = torch.tensor(teacher.embed(texts))
        self.cosines = rows @ rows.T
        self.near = self.cosines.fill_diagonal_(-1).topk(5).indices

    @torch.inference_mode()
    def figures(self, student, pad_id):
        rows = torch.cat([vectors_of(student, self.ids[i : i + 100], pad_id) for i in range(0, len(self.ids), 100)])
        rows = functional.normalize(rows, dim=1)
        ours = rows @ rows.T
        upper = torch.triu_indices(len(rows), len(rows), 1)
        every = spearmanr(ours[upper[0], upper[1]], self.cosines[upper[0], upper[1]])[0]
        near = spearmanr(ours.gather(1, self.near).flatten(), self.cosines.gather(1, self.near).flatten())[0]
        found = ours.fill_diagonal_(-1).topk(5).indices
        shared = np.mean([len(set(a.tolist()) & set(b.tolist())) / 5 for a, b in zip(found, self.near)])
        return f"spearman {every:.4f}, of near pairs {near:.4f}, same 5 neighbours {shared:.3f}"


def save(student, tokenizer, folder):
    """A checkpoint folder like those of sentence-transformers. Written beside and moved: readers find it whole."""
    part = folder.with_name(folder.name + ".part")
    student.save_pretrained(part)
    save_tokenizer(tokenizer, part, POSITIONS)
    (part / "1_Pooling").mkdir(exist_ok=True)
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    files = {
        "1_Pooling/config.json": {"word_embedding_dimension": student.config.hidden_size,
                                  **{f"pooling_mode_{m}": m == "cls_token" for m in modes}, "include_prompt": False},
        "modules.json": [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                         for i, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")))],
        "sentence_bert_config.json": {"max_seq_length": POSITIONS, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "", "document": ""}, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    }
    for name, value in files.items():
        (part / name).write_text(json.dumps(value, indent=2) + "\n")
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        os.rename(folder, old)
    os.rename(part, folder)
    if old.exists():
        for path in sorted(old.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        old.rmdir()


class Texts:
    """Ids of the training texts and the teacher's rows, as far as teacher.py has come."""

    def __init__(self, work, tokenizer):
        self.folder = work / "teacher"
        texts = [json.loads(line)["text"] for line in (work / "text/train.jsonl").open()]
        tokenizer.enable_truncation(LONGEST)
        self.ids = [e.ids for e in tokenizer.encode_batch(texts)]
        tokenizer.no_truncation()
        self.shards = []

    def refresh(self):
        """Takes new shards; returns whether there were any."""
        before = len(self.shards)
        while (path := self.folder / f"{len(self.shards):03}.npy").exists():
            self.shards.append(np.load(path))
        if len(self.shards) == before:
            return False
        self.rows = np.concatenate(self.shards)
        self.lengths = np.array([len(ids) for ids in self.ids[: len(self.rows)]])
        self.cluster = clusters(self.rows)
        return True


def optimizers(student, rate):
    """Muon for the layers' matrices, which here learns in half as many steps; AdamW for the table and the norms."""
    table = student.embeddings.tok_embeddings.weight
    matrices = [p for p in student.parameters() if p.ndim == 2 and p is not table]
    norms = [p for p in student.parameters() if p.ndim < 2]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([table, *norms], lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def rate(done):
    """Of the peak rate: up in the first two hundredths of the time, then down to nothing."""
    return min(1.0, done / 0.02) * max(0.0, 1 - done) ** 0.9


def train(student, tokenizer, texts, held, project, first, minutes, arguments):
    """Trains for so many minutes the table and the layers from `first` on."""
    log = (arguments.work / "train.log").open("a")
    both = optimizers(student, arguments.rate)
    rng, pad_id = np.random.default_rng(SEED + first), tokenizer.token_to_id("[PAD]")
    began = saved = time.monotonic()
    steps, seen, sums = 0, 0, np.zeros(3)
    while True:
        texts.refresh()
        for batch in epoch_batches(texts.lengths, texts.cluster, rng):
            done = (time.monotonic() - began) / (60 * minutes)
            for group in (group for optimizer in both for group in optimizer.param_groups):
                group["lr"] = arguments.rate * rate(done)
            vectors = vectors_of(student, [texts.ids[i] for i in batch], pad_id, first)
            loss, parts = loss_of(vectors, torch.tensor(texts.rows[batch]).float(), project)
            student.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            for optimizer in both:
                optimizer.step()
            steps, seen, sums = steps + 1, seen + int(texts.lengths[batch].sum()), sums + parts
            last = done >= 1
            if steps % 100 == 0 or last:
                passed = (time.monotonic() - began) / 60
                print(f"{passed:.1f} min, step {steps}, {seen / 1e6:.2f} M tokens of {len(texts.rows)} texts, "
                      f"loss {' '.join(f'{s / (steps % 100 or 100):.4f}' for s in sums)}", file=log, flush=True)
                sums[:] = 0
                if (wanted := arguments.work / "threads").exists():  # another number while it runs
                    torch.set_num_threads(int(wanted.read_text()))
            if time.monotonic() - saved > 60 * arguments.save_every or last:
                print(held.figures(student, pad_id), file=log, flush=True)
                save(student, tokenizer, arguments.work / "student")
                saved = time.monotonic()
            if last:
                return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--words-minutes", type=float, default=6, help="of these, for the table and the last layer alone")
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--intermediate", type=int, default=768)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    tokenizer = Tokenizer.from_file(str(arguments.work / "tokenizer/tokenizer.json"))
    teacher = Teacher(arguments.teacher)
    texts = Texts(arguments.work, tokenizer)
    texts.refresh()
    project = projection(texts.rows[:20_000], arguments.hidden)
    student = new_student(tokenizer, arguments)
    start_as_bag_of_words(student, tokenizer, teacher, project)
    held = Held(arguments.work, tokenizer, teacher)
    with (arguments.work / "train.log").open("a") as log:
        count = sum(p.numel() for p in student.parameters())
        print(f"{count:,} parameters; forward pass as transformers' to {check_forward(student):.5f}; {held.figures(student, tokenizer.token_to_id('[PAD]'))}", file=log)
    # The words first, with the last layer alone: ten times as fast, and most of the way. Then all layers.
    train(student, tokenizer, texts, held, project, len(student.layers) - 1, arguments.words_minutes, arguments)
    train(student, tokenizer, texts, held, project, 0, arguments.minutes - arguments.words_minutes, arguments)


if __name__ == "__main__":
    main()
