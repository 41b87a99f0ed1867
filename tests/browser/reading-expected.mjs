/** What reading each of the files of `tests/fixtures/files` gives, exactly. */

import { UMLAUTS } from "../fixtures/files/make.mjs";

const text = (/** @type {string} */ path, text = UMLAUTS) => [{ path, kind: "text", text, cut: "text" }];
const refused = (/** @type {string} */ path, /** @type {string} */ code) => [{ path, code }];
const letter = (/** @type {string} */ path) => ({
  path,
  kind: "document",
  text: "# The Garden House\n\n# Rooms\n\nThe house has ten rooms & a hall.\n\n\\# not a heading\n\n## Plants\n\n- Ferns\n  - Maidenhair\n\n| Bed | Plant |\n| North | Fern |\n\nOpen daily.\n\nBy the pond\nstands a bench.\n\nSee the old map.",
  cut: "markdown",
  title: "The Garden House",
});
const box = (/** @type {string} */ path) => [
  {
    path: `${path}/1.eml`,
    kind: "mail",
    text: "First\n\nFrom: mira@example.org\nDate: 2024-04-05 09:30\n\nFrom here on the road is closed.\n\nFrom the hill you see the sea.\nFrom my window, too.",
    cut: "text",
    title: "First",
    date: Date.UTC(2024, 3, 5, 9, 30),
  },
  { path: `${path}/2.eml`, code: "damaged" },
  {
    path: `${path}/3.eml`,
    kind: "mail",
    text: "Third\n\nFrom: jon@example.org\n\nThe last message.",
    cut: "text",
    title: "Third",
  },
];

/** What needs pdf.js, which runs in browsers alone. */
export const PDF = {
  "two-pages.pdf": [
    {
      path: "two-pages.pdf",
      kind: "pdf",
      text: "Lighthouses\n\nA lighthouse warns ships of rocks and shallows. Its lamp turns all night, and in thick fog a horn sounds.\n\nKeepers lived in the tower with their families until the lamps were automatic, which most of them are today. The last keeper left in 1998.",
      cut: "text",
      pages: [0, 205],
      title: "On Lighthouses",
    },
  ],
  "scanned.pdf": refused("scanned.pdf", "empty"),
  "locked.pdf": refused("locked.pdf", "encrypted"),
};

/** What needs windows-1252, which Node takes for Latin-1. */
export const WINDOWS = {
  "windows-1252.txt": text("windows-1252.txt"),
  "plan.rtf": [
    {
      path: "plan.rtf",
      kind: "document",
      text: "# A plan for the garden\n\nCafé by the pond – “with tea.”\n\n| Bed | Plant |\n| North | Fern |\n\nThe end.",
      cut: "markdown",
      title: "A plan for the garden",
    },
  ],
};

export const EXPECTED = {
  "utf-8.txt": text("utf-8.txt"),
  "marked.txt": text("marked.txt"),
  "utf-16le.txt": text("utf-16le.txt"),
  "utf-16be.txt": text("utf-16be.txt"),
  "unmarked-16le.txt": text("unmarked-16le.txt"),
  "unmarked-16be.txt": text("unmarked-16be.txt"),
  "latin-1.txt": text("latin-1.txt", UMLAUTS.replace("–", "-").replace("€", "$")),
  "cut-off.txt": text("cut-off.txt", `${UMLAUTS}ende `),
  README: text("README", "What this folder holds.\n"),
  "notes.md": [{ path: "notes.md", kind: "markdown", text: "# Garden\n\nThe roses bloom in June.\n", cut: "markdown" }],
  "page.html": [
    {
      path: "page.html",
      kind: "page",
      text: '<!doctype html><html><head><meta charset="windows-1251"><title>Привет</title></head><body><p>Привет, мир</p></body></html>',
      cut: "html",
    },
  ],
  "saved.mhtml": [
    {
      path: "saved.mhtml",
      kind: "page",
      text: '<html><head><meta charset="utf-8"></head><body><p>The café opens.</p></body></html>',
      cut: "html",
      title: "A saved page",
    },
  ],
  "data.ipynb": [
    {
      path: "data.ipynb",
      kind: "markdown",
      text: "# Tides\nHigh at noon.\n\n```\nprint(1)\n```",
      cut: "markdown",
    },
  ],
  "table.csv": [{ path: "table.csv", kind: "table", text: "city;people\nUlm;126000\nBonn;331000\n", cut: "csv" }],
  "table.tsv": [{ path: "table.tsv", kind: "table", text: "city\tpeople\nUlm\t126000\n", cut: "csv" }],
  "data.json": [{ path: "data.json", kind: "data", text: '[{ "city": "Ulm" }, { "city": "Bonn" }]', cut: "json" }],
  "data.jsonl": [{ path: "data.jsonl", kind: "data", text: '{"city":"Ulm"}\n{"city":"Bonn"}\n', cut: "json" }],
  "program.py": [{ path: "program.py", kind: "code", text: "# -*- coding: koi8-r -*-\nname = 'МИРМИРМИР'\n", cut: "code" }],
  Dockerfile: [{ path: "Dockerfile", kind: "code", text: "FROM scratch\nCOPY . .\n", cut: "code" }],
  "letter.docx": [letter("letter.docx")],
  "locked.docx": refused("locked.docx", "encrypted"),
  "essay.odt": [
    {
      path: "essay.odt",
      kind: "document",
      text: "# Bees\n\nBees dance to tell where flowers are.\n\nFound by Frisch.\n\n## Hives\n\n- Comb\n  - Wax\n\n| Month | Honey |",
      cut: "markdown",
      title: "On Bees",
    },
  ],
  "locked.odt": refused("locked.odt", "encrypted"),
  "talk.odp": [
    {
      path: "talk.odp",
      kind: "slides",
      text: "# Rivers\n\n- Source\n\nShow the map.\n\n# Lakes",
      cut: "markdown",
      pages: [0, 35],
      title: "Rivers",
    },
  ],
  "sheets.ods": [{ path: "sheets.ods/Hives", kind: "table", text: "hive,,,kg\nEast,x,x,12\n", cut: "csv", title: "Hives" }],
  "talk.pptx": [
    {
      path: "talk.pptx",
      kind: "slides",
      text: "# The Sea\n\n- Tides\n  - Spring tides\n\nSpeak slowly.\n\n# Harbours\n\n| Year | Ships |",
      cut: "markdown",
      pages: [0, 52],
      title: "The Sea",
    },
  ],
  "sheets.xlsx": [
    {
      path: "sheets.xlsx/Cities",
      kind: "table",
      text: 'city,,people\n"Ulm, Danube",,126000\n',
      cut: "csv",
      title: "Cities",
    },
  ],
  "book.epub": [
    {
      path: "book.epub",
      kind: "book",
      text: "# The Ascent\n\nThe path was steep & stony…\n\n#2 came later.\n\n# The Keeper\n\nShe lit the lamp each evening.",
      cut: "markdown",
      title: "The Lamp on the Hill",
    },
    { path: "book.epub/OEBPS/gone.xhtml", code: "damaged" },
  ],
  "locked.epub": refused("locked.epub", "encrypted"),
  "letter.eml": [
    {
      path: "letter.eml",
      kind: "mail",
      text: "Café on Friday\n\nFrom: Mira Example <mira@example.org>\nTo: Jon Example <jon@example.org>, team@example.org\nDate: 2024-04-05 07:30\n\nLet us meet in the café at noon.",
      cut: "text",
      title: "Café on Friday",
      date: Date.UTC(2024, 3, 5, 7, 30),
    },
    { path: "letter.eml/seats.csv", kind: "table", text: "name,seat\nMira,4\nJon,5\n", cut: "csv" },
  ],
  "news.eml": [
    {
      path: "news.eml",
      kind: "mail",
      text: "Spring news\n\nFrom: news@example.org\nDate: 2024-04-01 08:00\n\nSpring\n\nThe gardens open on Sunday.\n\nTea & cake.",
      cut: "text",
      title: "Spring news",
      date: Date.UTC(2024, 3, 1, 8),
    },
  ],
  "box.mbox": box("box.mbox"),
  Inbox: box("Inbox"),
  "parts.zip": [
    ...text("parts.zip/notes/a.txt", "The first note."),
    ...text("parts.zip/b.txt", "The second note."),
    ...text("parts.zip/b (2).txt", "Another second note."),
    letter("parts.zip/letter.docx"),
    ...refused("parts.zip/picture.png", "binary"),
    ...refused("parts.zip/spoilt.txt", "damaged"),
    ...text("parts.zip/inner.zip/deep.txt", "A note in an archive in an archive."),
    ...refused("parts.zip/locked.txt", "encrypted"),
    ...text("parts.zip/last.txt", "The last note."),
  ],
  "locked.zip": refused("locked.zip/a.txt", "encrypted"),
  "notes.txt.gz": text("notes.txt.gz/notes.txt", "A note that gzip has packed."),
  "picture.png": refused("picture.png", "binary"),
  "picture.txt": refused("picture.txt", "binary"),
  "text.pdf": refused("text.pdf", "damaged"),
  "empty.txt": refused("empty.txt", "empty"),
};

/** Results without what only a report of a bug needs. @param {Record<string, unknown>[]} results */
export function compared(results) {
  return results.map(({ detail: _, ...result }) => result);
}
