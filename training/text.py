"""Collects the training text and holds the evaluation's text out of it.

    python text.py --work FOLDER            # fetches Debian packages with apt-get, unpacks, reads
    python text.py --work FOLDER --check    # fails if a text of eval/ is in the training text

Writes FOLDER/text/train.jsonl and FOLDER/text/held.jsonl, a line a text: source, document, kind, text.
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import readers
from everyday import everyday

EVAL = Path(__file__).parent / "eval"
HTML_LIBREOFFICE = "usr/share/libreoffice/help/en-US/text/**/*.html"
RUST = "usr/share/doc/rust-doc/html/"
MESSAGES = "usr/share/locale/{}/LC_MESSAGES/*.mo"

# (package, licence, reader, pattern of files, most texts). The licences are those of the packages' copyright files.
SOURCES = [
    ("wordnet-base", "WordNet 3.0 (permissive)", readers.wordnet, "", 260_000),
    ("dict-gcide", "GPL-3+; the dictionary of 1913 in it is in the public domain", readers.gcide, "usr/share/dictd/*.index", 110_000),
    ("dict-foldoc", "GFDL-1.3+", readers.dictd, "usr/share/dictd/*.index", 20_000),
    ("dict-jargon", "public domain", readers.dictd, "usr/share/dictd/*.index", 10_000),
    ("dict-devil", "public domain", readers.dictd, "usr/share/dictd/*.index", 4_000),
    ("(package descriptions)", "each that of its package: free software", readers.package_descriptions, "", 70_000),
    ("python3.11-doc", "PSF-2", readers.html, "usr/share/doc/python3.11/html/[a-hl-z]*/**/*.html", 25_000),
    ("rust-doc", "MIT or Apache-2.0", readers.html, RUST + "[brne][oeud][osm]*/*.html", 8_000),
    ("rust-doc", "MIT or Apache-2.0", readers.html, RUST + "std/[a-z]*/*.html", 8_000),
    ("postgresql-doc-15", "PostgreSQL", readers.html, "**/*.html", 20_000),
    ("cmake-doc", "BSD-3-Clause", readers.html, "**/html/[gmp]*/*.html", 5_000),
    ("apache2-doc", "Apache-2.0", readers.html, "**/manual/en/**/*.html", 12_000),
    ("bind9-doc", "MPL-2.0", readers.html, "**/*.html", 5_000),
    ("libreoffice-help-en-us", "MPL-2.0", readers.html, HTML_LIBREOFFICE, 30_000),
    ("gnome-user-docs", "CC-BY-SA-3.0", readers.html, "usr/share/help/C/**/*.page", 15_000),
    ("gimp-help-en", "GFDL-1.2+", readers.html, "**/en/*.html", 10_000),
    ("gnucash-docs", "GFDL-1.1+", readers.html, "**/gnucash-guide-en/*.html", 8_000),
    ("debian-handbook", "GPL-2+ or CC-BY-SA-3.0", readers.html, "**/en-US/*.html", 8_000),
    ("debian-reference-en", "GPL-2+", readers.html, "**/*.en.html", 5_000),
    ("debian-policy", "GPL-2+", readers.html, "**/*.html", 3_000),
    ("developers-reference", "GPL-2+", readers.html, "**/*.html", 3_000),
    ("installation-guide-amd64", "GPL-2+", readers.html, "**/en/*.html", 3_000),
    ("git-doc", "GPL-2", readers.html, "**/*.html", 12_000),
    ("manpages", "several free licences, see its copyright file", readers.manual_pages, "usr/share/man/man[1-9]/*.gz", 8_000),
    ("manpages-dev", "several free licences, see its copyright file", readers.manual_pages, "usr/share/man/man[1-9]/*.gz", 10_000),
    ("fortunes", "BSD-4-Clause (the collection)", readers.fortunes, "usr/share/games/fortunes/*", 20_000),
    ("fortunes-min", "BSD-4-Clause (the collection)", readers.fortunes, "usr/share/games/fortunes/*", 3_000),
    ("gnucash-common", "GPL-2+", readers.catalogues, MESSAGES.format("de"), 8_000),
    ("evolution-common", "LGPL-2+", readers.catalogues, MESSAGES.format("de"), 6_000),
    ("coreutils", "GPL-3+", readers.catalogues, MESSAGES.format("de"), 2_000),
    ("homebank-data", "GPL-2+", readers.catalogues, MESSAGES.format("de"), 2_000),
    ("tellico-data", "GPL-2+ or GPL-3", readers.catalogues, MESSAGES.format("de"), 3_000),
    ("(own sentences)", "Apache-2.0, as this repository", everyday, "", 45_000),
]
# Documentation that only the evaluation sees, whole: SQLite's, and three parts of Python's.
DOCUMENTATION = [
    ("sqlite3-doc", "public domain", "usr/share/doc/sqlite3/*.html"),
    ("python3.11-doc", "PSF-2", "usr/share/doc/python3.11/html/faq/*.html"),
    ("python3.11-doc", "PSF-2", "usr/share/doc/python3.11/html/tutorial/*.html"),
    ("python3.11-doc", "PSF-2", "usr/share/doc/python3.11/html/howto/*.html"),
]
HELD_OF_100 = 3  # documents (for WordNet: synsets) held out of each source


def held_out(source, document):
    """Whether a document is kept for the evaluation; by its name's hash, so that the answer never changes."""
    if source == "python3.11-doc" and re.search(r"/(faq|tutorial|howto)/", document):
        return True
    return int(hashlib.sha256(f"{source} {document}".encode()).hexdigest()[:8], 16) % 100 < HELD_OF_100


def normal(text):
    """What two texts have in common that differ in case, punctuation and spaces only."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def fetch(work):
    """Debian packages, unpacked without being installed."""
    (work / "debs").mkdir(parents=True, exist_ok=True)
    packages = {source[0] for source in SOURCES + DOCUMENTATION if not source[0].startswith("(")}
    for package in sorted(packages):
        root = work / "x" / package
        if root.exists():
            continue
        subprocess.run(["apt-get", "download", "-q", package], cwd=work / "debs", check=True)
        deb = next((work / "debs").glob(f"{package}_*.deb"))
        root.mkdir(parents=True)
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    descriptions = work / "x" / "(package descriptions)" / "descriptions.txt"
    if not descriptions.exists():
        descriptions.parent.mkdir(parents=True, exist_ok=True)
        names = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True).stdout.split()
        names = sorted(n for n in names if not re.search(r"-(dbg|dbgsym|dev|data|l10n|common)$", n))
        with descriptions.open("w") as out:
            for start in range(0, len(names), 2000):
                command = ["apt-cache", "show", "--no-all-versions", *names[start : start + 2000]]
                out.write(subprocess.run(command, capture_output=True, text=True).stdout)


def collect(work):
    """Reads every source; returns the texts for training and those held out."""
    train, held, seen, table = [], [], set(), []
    for source, licence, reader, pattern, most in SOURCES:
        found = []
        for document, kind, text in reader(work / "x" / source, pattern):
            key = normal(text)
            if len(key) > 8 and key not in seen:
                seen.add(key)
                found.append({"source": source, "document": document, "kind": kind, "text": text})
        kept = [t for t in found if not held_out(source, t["document"])]
        held += [t for t in found if held_out(source, t["document"])]
        if len(kept) > most:
            kept = random.Random(1).sample(kept, most)
        train += kept
        kinds = Counter(t["kind"] for t in kept)
        table.append(f"| {source} | {licence} | {len(kept):,} | {kinds['passage']:,} |")
        print(table[-1], flush=True)
    return train, held, table


def evaluation_texts():
    """Every text of eval/, queries and passages and pairs."""
    for path in sorted(EVAL.glob("*.jsonl")):
        for line in path.open(encoding="utf-8"):
            for value in json.loads(line).values():
                if isinstance(value, str) and len(value.split()) > 2:
                    yield value


def without_evaluation(train, held):
    """Training texts that do not repeat a held-out text: not the same, and no long text inside of another."""
    held_keys = {normal(t["text"]) for t in held} | {normal(t) for t in evaluation_texts()}
    pieces = {" ".join(key.split()[i : i + 12]) for key in held_keys for i in range(0, len(key.split()) - 11, 4)}
    return [t for t in train if not repeats(normal(t["text"]), held_keys, pieces)]


def repeats(key, held_keys, pieces):
    words = key.split()
    return key in held_keys or any(" ".join(words[i : i + 12]) in pieces for i in range(len(words) - 11))


def check(work):
    """Names the evaluation's texts that are in the training text; their number is the exit status."""
    held_keys = {normal(t) for t in evaluation_texts()}
    pieces = {" ".join(k.split()[i : i + 12]) for k in held_keys for i in range(0, len(k.split()) - 11, 4)}
    bad = [t for line in (work / "text/train.jsonl").open() if repeats(normal((t := json.loads(line))["text"]), held_keys, pieces)]
    for text in bad[:20]:
        print("in the training text:", text["source"], text["text"][:100])
    print(f"{len(held_keys)} texts of the evaluation, {len(bad)} training texts repeat one")
    sys.exit(1 if bad else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.work)
    fetch(arguments.work)
    train, held, table = collect(arguments.work)
    for package, licence, pattern in DOCUMENTATION:
        for document, kind, text in readers.html(arguments.work / "x" / package, pattern):
            held.append({"source": package, "document": document, "kind": kind, "text": text})
    before = len(train)
    train = without_evaluation(train, held)
    random.Random(2).shuffle(train)
    out = arguments.work / "text"
    out.mkdir(exist_ok=True)
    for name, texts in (("train", train), ("held", held)):
        with (out / f"{name}.jsonl").open("w") as file:
            file.writelines(json.dumps(t) + "\n" for t in texts)
    (out / "sources.md").write_text("\n".join(["| source | licence | texts | of which passages |", "| --- | --- | --- | --- |", *table]) + "\n")
    words = sum(len(t["text"].split()) for t in train)
    print(f"{len(train):,} texts, {words:,} words; {before - len(train)} left out for repeating held-out text; {len(held):,} held out")


if __name__ == "__main__":
    main()
