"""Readers of the formats that the training text comes in. Each yields (document, kind, text).

`document` names the unit that is held out as a whole; `kind` is "short" (a gloss, a sentence, a heading) or
"passage" (a paragraph, or several of one page).
"""

import gettext
import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

SPACE = re.compile(r"\s+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
PASSAGE_WORDS = 170


def clean(text):
    """One line, single spaces."""
    return SPACE.sub(" ", text).strip()


def useful(text, least=3, most=220):
    """Whether a text looks like English prose: words, mostly letters."""
    words = text.split()
    if not least <= len(words) <= most:
        return False
    letters = sum(c.isalpha() and c.isascii() or c == " " for c in text)
    return letters >= 0.8 * len(text)


def sentences(paragraph):
    """The sentences of a paragraph, by punctuation."""
    return [s for s in SENTENCE_END.split(paragraph) if useful(s, 4, 60)]


def paragraphs_as_texts(document, paragraphs):
    """Paragraphs whole, joined to longer passages, and cut into sentences, in turn."""
    joined, turn = [], 0
    for paragraph in paragraphs:
        words = len(paragraph.split())
        if words <= 12:
            if useful(paragraph):
                yield document, "short", paragraph
            continue
        turn += 1
        if turn % 4 == 0:
            joined.append(paragraph)
            if sum(len(p.split()) for p in joined) > 60:
                text = " ".join(joined)
                yield document, "passage", " ".join(text.split()[:PASSAGE_WORDS])
                joined = []
        elif turn % 4 == 1 and useful(paragraph, 12, PASSAGE_WORDS):
            yield document, "passage", paragraph
        else:
            for sentence in sentences(paragraph):
                yield document, "short", sentence


class Paragraphs(HTMLParser):
    """Text of headings, paragraphs and list items; code blocks, scripts and navigation are left out."""

    BLOCKS = {"p", "li", "dd", "dt", "td", "th", "div", "section", "h1", "h2", "h3", "h4", "title", "desc", "item", "br"}
    HIDDEN = {"pre", "script", "style", "nav", "header", "footer", "table", "svg", "info", "revision", "credit"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.parts, self.hidden = [], [], 0

    def end_block(self):
        text = clean("".join(self.parts)).rstrip("¶§")
        if text:
            self.found.append(text)
        self.parts = []

    def handle_starttag(self, tag, attrs):
        if tag in self.HIDDEN:
            self.hidden += 1
        if tag in self.BLOCKS:
            self.end_block()

    def handle_endtag(self, tag):
        if tag in self.HIDDEN and self.hidden:
            self.hidden -= 1
        if tag in self.BLOCKS:
            self.end_block()

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def html_paragraphs(path):
    parser = Paragraphs()
    parser.feed(path.read_text("utf-8", "replace"))
    parser.end_block()
    return parser.found


def html(root, pattern):
    for path in sorted(Path(root).glob(pattern)):
        if path.is_file():
            yield from paragraphs_as_texts(str(path.relative_to(root)), html_paragraphs(path))


def wordnet_synsets(root):
    """(synset, words, definition, examples) of WordNet's data files."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (Path(root) / "usr/share/wordnet" / f"data.{part}").open(encoding="utf-8"):
            if line.startswith("  "):
                continue
            fields, gloss = line.split(" | ", 1)
            fields = fields.split()
            count = int(fields[3], 16)
            words = [re.sub(r"\(.*\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(count)]
            pieces = [p.strip() for p in re.split(r";\s*(?=\")", gloss.strip())]
            definition = clean(pieces[0].strip('; "'))
            examples = [clean(p.strip('; "').split('"')[0]) for p in pieces[1:]]
            yield f"{part}:{fields[0]}", words, definition, [e for e in examples if len(e.split()) >= 3]


def wordnet(root, _pattern):
    for synset, words, definition, examples in wordnet_synsets(root):
        yield synset, "short", definition
        for example in examples:
            yield synset, "short", example
        number = int(synset.split(":")[1])
        if number % 3 == 0:
            yield synset, "short", f"{', '.join(words)}: {definition}"
        elif number % 3 == 1:
            yield synset, "short", ", ".join(words)


def dictd_digits(text):
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    value = 0
    for letter in text:
        value = value * 64 + digits.index(letter)
    return value


def dictd_entries(root, pattern):
    """(headword, entry) of a dictd dictionary, each entry once."""
    index = next(Path(root).glob(pattern))
    data = gzip.open(index.with_suffix(".dict.dz")).read()
    seen = set()
    for line in index.open(encoding="utf-8"):
        word, start, length = line.rstrip("\n").split("\t")[:3]
        start = dictd_digits(start)
        if word.startswith("00") or start in seen:
            continue
        seen.add(start)
        yield word, data[start : start + dictd_digits(length)].decode("utf-8", "replace")


def gcide(root, pattern):
    """Senses and quotations of the dictionary, without pronunciation, origin and references."""
    for word, entry in dictd_entries(root, pattern):
        entry = re.sub(r"^.*?\\.*?\\", "", entry, count=1, flags=re.S)
        entry = re.sub(r"\[[^\[\]]*\]", " ", entry)
        entry = re.sub(r"\[[^\[\]]*\]", "\n\n", entry)
        entry = re.sub(r"--\s*[A-Z][\w.' ]*(\(.*?\))?\.?", "\n\n", entry).replace("{", "").replace("}", "")
        for number, piece in enumerate(re.split(r"\n\s*\n|\n\s*(?=\d+\. )", entry)):
            piece = clean(piece)
            piece = re.sub(r"^[,;.\s]*((a|n|v|adv|t|i|pl|prep|conj|p|imp|vb|&)\.\s*)+[;,\s]*", "", piece)
            piece = re.sub(r"^(\d+\.|\([a-z]\)|Note:|Syn:|\(\w+\.\))\s*", "", piece)
            piece = re.sub(r"^\([A-Z][\w. &,]*\)\s*", "", piece)
            if useful(piece, 4, 90):
                named = number == 0 and len(piece) % 4 == 0
                yield word, "short" if len(piece) < 300 else "passage", f"{word}: {piece}" if named else piece


def dictd(root, pattern):
    """Paragraphs of any other dictd dictionary."""
    for word, entry in dictd_entries(root, pattern):
        entry = re.sub(r"<[^>]*>|\([0-9]{4}-[0-9-]*\)", "", entry).replace("{", "").replace("}", "")
        found = [clean(p) for p in re.split(r"\n\s*\n", entry)]
        yield from paragraphs_as_texts(word, found)


def manual_pages(root, pattern):
    for path in sorted(Path(root).glob(pattern)):
        if path.is_symlink() or path.is_dir():
            continue
        source = gzip.open(path).read().decode("utf-8", "replace")
        source = re.sub(r"(?ms)^\.(EX|nf|TS)$.*?^\.(EE|fi|TE)$", "\n", source)
        source = re.sub(r"\\f.|\\\(..|\\&|\\\||\\[cp]", "", source).replace("\\-", "-").replace("\\(aq", "'")
        lines, found = [], []
        for line in source.split("\n") + [".PP"]:
            macro = re.match(r"\.(B|I|BR|IR|RB|RI|BI|IB)\s+(.*)", line)
            if macro:
                lines.append(re.sub(r'["]|\s+(?=[,.;:)(])', "", macro[2]))
            elif line.startswith((".", "'")):
                if line[1:3] in ("PP", "TP", "SH", "IP", "SS", "P", "LP") or not line[1:].strip():
                    found.append(clean(" ".join(lines)))
                    lines = []
            else:
                lines.append(line)
        yield from paragraphs_as_texts(path.name, [p for p in found if p])


def fortunes(root, pattern):
    for path in sorted(Path(root).glob(pattern)):
        if path.suffix or path.is_symlink():
            continue
        for number, saying in enumerate(path.read_text("utf-8", "replace").split("\n%\n")):
            saying = clean(re.split(r"\n\s*-- ", saying)[0])
            if useful(saying, 4, 120):
                yield f"{path.name}:{number}", "short" if len(saying) < 300 else "passage", saying


def catalogues(root, pattern):
    """The English messages of translation catalogues."""
    for path in sorted(Path(root).glob(pattern)):
        for message in gettext.GNUTranslations(path.open("rb"))._catalog:
            text = message[0] if isinstance(message, tuple) else message
            text = clean(re.sub(r"<[^>]*>", "", text.split("\x04")[-1]).replace("_", "").replace("&", ""))
            if "%" not in text and useful(text, 3, 120):
                yield text[:40], "short", text


def package_descriptions(root, _pattern):
    """Summaries and paragraphs of Debian's package descriptions."""
    for block in (Path(root) / "descriptions.txt").read_text("utf-8").split("\n\n"):
        name = re.search(r"(?m)^Package: (.*)$", block)
        if not name:
            continue
        lines = re.sub(r"(?s)^.*?^Description(-en)?: ", "", block, count=1, flags=re.M).split("\n")
        if useful(lines[0], 3):
            yield name[1], "short", lines[0]
        body = [clean(p) for p in re.split(r"(?m)^ \.$|^ {2,}[*-]", "\n".join(lines[1:]))]
        yield from paragraphs_as_texts(name[1], [p for p in body if p])
