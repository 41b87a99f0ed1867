"""Makes the evaluation's files from held-out text; run once, the files are kept in eval/.

    python build_eval.py --work FOLDER passages   # eval/documentation.jsonl; its queries are written by hand
    python build_eval.py --work FOLDER wordnet    # eval/wordnet.jsonl
    python build_eval.py --work FOLDER pairs --teacher FOLDER_OF_ALL_MINILM   # eval/pairs.jsonl
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np

import readers
from text import EVAL, held_out, normal

PYTHON = "python3.11-doc", "usr/share/doc/python3.11/html/"
SQLITE = "sqlite3-doc", "usr/share/doc/sqlite3/"
PAGES = {
    PYTHON: """faq/general faq/gui faq/library faq/programming faq/windows faq/design faq/extending tutorial/appetite
    tutorial/classes tutorial/controlflow tutorial/datastructures tutorial/errors tutorial/floatingpoint
    tutorial/inputoutput tutorial/interpreter tutorial/introduction tutorial/modules tutorial/stdlib tutorial/stdlib2
    tutorial/venv howto/sockets howto/unicode howto/logging howto/regex howto/sorting howto/functional howto/urllib2
    howto/curses howto/enum howto/logging-cookbook howto/pyporting""",
    SQLITE: """faq whentouse howtocorrupt atomiccommit wal isolation security quirks tempfiles whynotgit useovernet famous
    different lockingv3 queryplanner selfcontained serverless transactional zeroconf nulls foreignkeys autoinc backup
    datatype3 inmemorydb limits undoredo partialindex testing whyc sharedcache speed appfileformat fasterthanfs
    flextypegood footprint gencol malloc mmap onefile recovery rowidtable stricttables threadsafe uri withoutrowid
    codeofethics consortium copyright lts psow vtab cli mostdeployed th3 invalidutf locrsf""",
}


# What pairs are made of: held-out text whose licence lets it stand in this repository; most texts of each.
PAIR_SOURCES = {"wordnet-base": 2500, "sqlite3-doc": 700, "python3.11-doc": 700, "postgresql-doc-15": 400, "rust-doc": 400,
                "apache2-doc": 300, "cmake-doc": 139, "dict-jargon": 150, "dict-devil": 26}


def passages(_arguments):
    """Paragraphs of 35 to 110 words of the chosen pages, none twice."""
    seen, found = set(), []
    for (package, folder), pages in PAGES.items():
        for page in pages.split():
            path = _arguments.work / "x" / package / folder / f"{page}.html"
            for text in readers.html_paragraphs(path):
                if 35 <= len(text.split()) <= 110 and readers.useful(text) and normal(text) not in seen:
                    seen.add(normal(text))
                    found.append({"page": f"{package.split('-')[0]}/{page}", "text": text})
    rng = random.Random(4)
    by_page = {}
    for one in found:
        by_page.setdefault(one["page"], []).append(one)
    kept = [one for page in by_page.values() for one in rng.sample(page, min(12, len(page)))]
    return [{"id": number, **one} for number, one in enumerate(kept)]


def wordnet(arguments):
    """Held-out synsets that have an example: words, definition, example."""
    held = {normal(json.loads(line)["text"]) for line in (arguments.work / "text/held.jsonl").open()}
    found = []
    for synset, words, definition, examples in readers.wordnet_synsets(arguments.work / "x" / "wordnet-base"):
        # Not held where another synset has the same definition.
        if examples and len(definition.split()) >= 4 and held_out("wordnet-base", synset) and {normal(definition), normal(examples[0])} <= held:
            found.append({"synset": synset, "words": ", ".join(words), "definition": definition, "example": examples[0]})
    return found


def pairs(arguments):
    """1,000 random pairs, 1,000 of near neighbours by the teacher, 1,000 in between; no text in two pairs of a kind."""
    from teacher import Teacher
    import torch

    rng = random.Random(6)
    by_source = {}
    for line in (arguments.work / "text/held.jsonl").open():
        one = json.loads(line)
        if one["source"] in PAIR_SOURCES and 4 <= len(one["text"].split()) <= 150:
            by_source.setdefault(one["source"], []).append(one["text"])
    texts = [t for source, all_ in sorted(by_source.items()) for t in rng.sample(all_, min(PAIR_SOURCES[source], len(all_)))]
    rng.shuffle(texts)
    torch.set_num_threads(1)
    rows = Teacher(arguments.teacher, torch.float32).embed(texts)
    order = np.argsort(-(rows @ rows.T), axis=1)
    kinds = {"random": lambda i: rng.randrange(len(texts)), "near": lambda i: order[i][rng.randint(1, 4)],
             "middle": lambda i: order[i][int(10 ** rng.uniform(0.8, 3))]}
    found = []
    for kind, other in kinds.items():
        taken, firsts = set(), rng.sample(range(len(texts)), len(texts))
        for first in firsts:
            second = int(other(first))
            cosine = float(rows[first] @ rows[second])
            if len(taken) < 2000 and first != second and cosine < 0.99 and not {first, second} & taken:
                taken |= {first, second}
                found.append({"kind": kind, "a": texts[first], "b": texts[second], "teacher": round(cosine, 5)})
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["passages", "wordnet", "pairs"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    arguments = parser.parse_args()
    name = {"passages": "documentation"}.get(arguments.what, arguments.what)
    lines = globals()[arguments.what](arguments)
    EVAL.mkdir(exist_ok=True)
    with (EVAL / f"{name}.jsonl").open("w") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
