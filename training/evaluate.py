"""Measures the model on eval/: against its teacher, BM25, and as f32, int8 and int4 packs run by felsic.

    python evaluate.py --work FOLDER --teacher FOLDER_OF_ALL_MINILM --felsic PROGRAM f32=PACK int8=PACK int4=PACK

Writes FOLDER/figures.json and prints the tables of the model card. Without `--teacher`, what needs the teacher's vectors
is left out, and neither torch nor transformers is needed. `--queries` only counts, without any model, how
many queries share no content word with their answer.
"""

import argparse
import json
import subprocess
from pathlib import Path

import bm25s
import numpy as np
import Stemmer
from scipy.stats import spearmanr

EVAL = Path(__file__).parent / "eval"
STEMMER = Stemmer.Stemmer("english")
# What a question is made of, beside the stop words of bm25s: no content.
STOP = set(bm25s.stopwords.STOPWORDS_EN_PLUS) | set("how what when where who why which do does did can could may might must should would shall need i my me".split())


def lines(name):
    return [json.loads(line) for line in (EVAL / f"{name}.jsonl").open(encoding="utf-8")]


def stems(text):
    """Stems of the words that carry content."""
    words = bm25s.tokenize([text], stopwords=None, stemmer=None, show_progress=False, return_ids=False)[0]
    return {STEMMER.stemWord(w) for w in words if w not in STOP}


class Task:
    """Queries, passages, and the one passage that answers each query."""

    def __init__(self, name, queries, passages, answers):
        self.name, self.queries, self.passages, self.answers = name, queries, passages, np.array(answers)

    def ranks(self, scores):
        """The place of each query's answer, from 0; equal scores count as before it, so that ties win nothing."""
        own = scores[np.arange(len(scores)), self.answers]
        return (scores >= own[:, None]).sum(1) - 1


def tasks():
    documentation, queries = lines("documentation"), lines("queries")
    place = {d["id"]: i for i, d in enumerate(documentation)}
    passages = [d["text"] for d in documentation]
    answers = [place[q["answer"]] for q in queries]
    shared = [bool(stems(q["query"]) & stems(passages[a])) for q, a in zip(queries, answers)]
    found = [Task("documentation, all queries", [q["query"] for q in queries], passages, answers)]
    for wanted, name in ((True, "documentation, a content word shared"), (False, "documentation, no content word shared")):
        chosen = [i for i, s in enumerate(shared) if s == wanted]
        found.append(Task(name, [queries[i]["query"] for i in chosen], passages, [answers[i] for i in chosen]))
    pages = list(dict.fromkeys(d["page"] for d in documentation))
    whole = [" ".join(d["text"] for d in documentation if d["page"] == page) for page in pages]
    page_of = {d["id"]: pages.index(d["page"]) for d in documentation}
    # Up to 1,024 tokens for the student, four times what it was trained with; the teacher reads 256.
    found.append(Task("documentation, whole pages", [q["query"] for q in queries], whole, [page_of[q["answer"]] for q in queries]))
    synsets = lines("wordnet")
    apart = [i for i, s in enumerate(synsets) if not stems(s["definition"]) & stems(s["example"])]
    definitions, examples = [s["definition"] for s in synsets], [s["example"] for s in synsets]
    found.append(Task("WordNet, definition to example", definitions, examples, range(len(synsets))))
    found.append(Task("WordNet, the same where no content word is shared", [definitions[i] for i in apart], examples, apart))
    found.append(Task("WordNet, words to definition", [s["words"] for s in synsets], definitions, range(len(synsets))))
    return found


def figures_of_ranks(ranks):
    """With one answer a query, the ideal gain is 1."""
    hit = ranks < 10
    return {"ndcg@10": float(np.where(hit, 1 / np.log2(ranks + 2), 0).mean()), "recall@10": float(hit.mean()), "queries": len(ranks)}


def bm25(task):
    def tokens(texts):
        return bm25s.tokenize(texts, stopwords="en", stemmer=STEMMER, show_progress=False, return_ids=False)

    index = bm25s.BM25()
    index.index(tokens(task.passages), show_progress=False)
    known = index.vocab_dict
    # Queries of unknown words only score zero everywhere.
    scores = [index.get_scores([t for t in query if t in known]) if any(t in known for t in query)
              else np.zeros(len(task.passages)) for query in tokens(task.queries)]
    return figures_of_ranks(task.ranks(np.array(scores)))


class Embedder:
    """Vectors by text, each text embedded once."""

    def __init__(self, embed):
        self.embed, self.known = embed, {}

    def __call__(self, texts):
        new = [t for t in dict.fromkeys(texts) if t not in self.known]
        if new:
            self.known.update(zip(new, self.embed(new)))
        return np.stack([self.known[t] for t in texts])


def felsic(program, pack):
    def embed(texts):
        asked = "".join(json.dumps(t) + "\n" for t in texts)
        done = subprocess.run([program, "embed", "--model", pack], input=asked, capture_output=True, text=True, check=True)
        return np.array([json.loads(line)["embedding"] for line in done.stdout.splitlines()], np.float32)

    return Embedder(embed)


def teacher(folder, kept):
    """The teacher in f32; its vectors are kept in a file, since they do not change from model to model."""

    def embed(texts):
        import torch
        from teacher import Teacher

        return Teacher(folder, torch.float32).embed(texts)

    embedder = Embedder(embed)
    if kept.exists():
        embedder.known = dict(zip(json.loads(kept.with_suffix(".json").read_text()), np.load(kept)))
    return embedder


def keep(embedder, kept):
    np.save(kept, np.stack(list(embedder.known.values())))
    kept.with_suffix(".json").write_text(json.dumps(list(embedder.known)))


def spearman(embed, pairs):
    ours = (embed([p["a"] for p in pairs]) * embed([p["b"] for p in pairs])).sum(1)
    theirs = np.array([p["teacher"] for p in pairs])
    kinds = {"all": np.ones(len(pairs), bool), **{k: np.array([p["kind"] == k for p in pairs]) for k in ("random", "middle", "near")}}
    found = {f"spearman, {kind} pairs": float(spearmanr(ours[chosen], theirs[chosen])[0]) for kind, chosen in kinds.items()}
    return {**found, "mean difference of cosines": float(np.abs(ours - theirs).mean())}


def every_pair(embed, reference, texts):
    """Spearman's correlation over all pairs of the texts."""
    upper = np.triu_indices(len(texts), 1)
    ours, theirs = embed(texts), reference(texts)
    return float(spearmanr((ours @ ours.T)[upper], (theirs @ theirs.T)[upper])[0])


def worst(task, embed, count=8):
    """The queries whose answer stands farthest down, with what stands first in its place."""
    scores = embed(task.queries) @ embed(task.passages).T
    ranks = task.ranks(scores)
    for query in np.argsort(-ranks)[:count]:
        found, wanted = task.passages[scores[query].argmax()], task.passages[task.answers[query]]
        print(f"{ranks[query] + 1}: {task.queries[query]}\n    found:  {found[:90]}\n    wanted: {wanted[:90]}")


def table(columns, rows, value):
    print("|  | " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for row in rows:
        print(f"| {row} | " + " | ".join(value(row, column) for column in columns) + " |")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("packs", nargs="*", help="NAME=FOLDER")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--felsic")
    parser.add_argument("--queries", action="store_true")
    arguments = parser.parse_args()
    todo = tasks()
    if arguments.queries:
        for task in todo:
            print(f"{task.name}: {len(task.queries)} queries, {len(task.passages)} passages")
        return
    kept = arguments.work / "teacher-eval.npy"
    embedders = {"teacher": teacher(arguments.teacher, kept)} if arguments.teacher else {}
    embedders |= {n: felsic(arguments.felsic, folder) for n, folder in (p.split("=", 1) for p in arguments.packs)}
    pairs = lines("pairs")
    some = sorted({p["a"] for p in pairs if p["kind"] == "random"})
    figures = {"bm25": {task.name: bm25(task) for task in todo}}
    for name, embed in embedders.items():
        of = figures[name] = {task.name: figures_of_ranks(task.ranks(embed(task.queries) @ embed(task.passages).T)) for task in todo}
        of["pairs"] = spearman(embed, pairs)
        if "teacher" in embedders:
            of["pairs"][f"spearman, every pair of {len(some)} texts"] = every_pair(embed, embedders["teacher"], some)
    for name in figures.keys() - {"bm25", "teacher"}:
        if "f32" in embedders:
            apart = 1 - (embedders[name](some) * embedders["f32"](some)).sum(1)
            figures[name]["pairs"]["least cosine to f32"] = 1 - float(apart.max())
    if "teacher" in embedders:
        keep(embedders["teacher"], kept)
    (arguments.work / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    for measure in ("ndcg@10", "recall@10"):
        print(f"{measure}\n")
        table(list(figures), [t.name for t in todo], lambda row, column: f"{100 * figures[column][row][measure]:.1f}")
    columns = [n for n in figures if n != "bm25"]
    rows = dict.fromkeys(row for column in columns for row in figures[column]["pairs"])
    table(columns, rows, lambda row, column: f"{figures[column]['pairs'].get(row, 1):.4f}")
    if "int8" in embedders:
        worst(todo[0], embedders["int8"])


if __name__ == "__main__":
    main()
