/** Markdown as a person reads it, and where a result of the search box leads. Nothing here needs a browser. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "./harness.mjs";
import { searchModules } from "./search-modules.mjs";

/** @type {import("./search-modules.mjs").Modules} */
let modules;

before(async () => {
  modules = await searchModules();
});

/** @param {string} markdown */
const plain = (markdown) => modules.plain.plainMarkdown(markdown).text;

test("marks of Markdown go, and what a person reads stays", () => {
  for (const [markdown, text] of [
    ["**Undo** the *last* commit", "Undo the last commit"],
    ["__Undo__ the _last_ commit, ~~perhaps~~", "Undo the last commit, perhaps"],
    ["***both*** and **one *in* another**", "both and one in another"],
    ["2 * 3 * 4, snake_case_name, a ** b", "2 * 3 * 4, snake_case_name, a ** b"],
    ["*open and _never closed", "*open and _never closed"],
    ["bold **over\ntwo lines** here", "bold over\ntwo lines here"],
    ['read [the guide](guide.md#a_(b) "A title") first', "read the guide first"],
    ["[`git reset`](reset.md) and [one][1], [two][]", "git reset and one, two"],
    ["a [shortcut] and [x] and a] b", "a [shortcut] and [x] and a] b"],
    ["[![badge](b.svg)](ci) built", "badge built"],
    ["![A *plan*](plan.png)", "A plan"],
    ["<https://example.org/a_b_c> or <me@example.org>", "https://example.org/a_b_c or me@example.org"],
    ["press <kbd>Ctrl</kbd>-K<br/>now <!-- *not* -->", "press Ctrl-Know "],
    ["a < b and c > d", "a < b and c > d"],
    ["`**not bold**` and ``a ` b``", "**not bold** and a ` b"],
    ["an `open code", "an `open code"],
    ["\\*stars\\* and C:\\\\dir", "*stars* and C:\\dir"],
    ["## Install ##\n\nText", "Install\n\nText"],
    ["Install\n=======\nText", "Install\nText"],
    ["> quoted\n> > twice", "quoted\ntwice"],
    ["- one\n- **two**\n  1. three", "- one\n- two\n  1. three"],
    ["above\n\n* * *\n\nbelow", "above\n\n\nbelow"],
    ["| Name | Bytes |\n|------|:-----:|\n| `a`  | **4** |", "Name | Bytes\na  | 4"],
    ["```js\nconst a = b ** c; // __x__\n```\n\n**after**", "const a = b ** c; // __x__\n\nafter"],
    ["~~~\n```\n~~~", "```\n"],
    ["See the [guide].\n\n[guide]: https://example.org/", "See the [guide].\n\n"],
    // Of what is nothing but marks.
    ["[guide]: https://example.org/", "[guide]: https://example.org/"],
    ["", ""],
    ["   \n", "   \n"],
    ["Just text.\r\nTwo lines", "Just text.\r\nTwo lines"],
  ]) {
    assert.equal(plain(/** @type {string} */ (markdown)), text, JSON.stringify(markdown));
  }
});

test("what is marked in a text is marked without its marks", () => {
  const markdown = "# Undo\n\nTo **undo** a [commit](undo.md), run `git reset`.";
  const ranges = ["Undo", "undo", "commit", "(undo", "git reset", "`git reset`"].map((word) => {
    const start = markdown.indexOf(word);
    return { start, end: start + word.length };
  });
  const shown = modules.plain.plainMarkdown(markdown, ranges);
  const words = shown.ranges.map(({ start, end }) => shown.text.slice(start, end));
  // Of what is not shown nothing is marked.
  assert.deepEqual(words, ["Undo", "undo", "commit", "git reset", "git reset"]);
  const odd = [
    { start: -5, end: 3 },
    { start: 7, end: 2 },
    { start: NaN, end: NaN },
    { start: 0, end: 1e9 },
  ];
  for (const { start, end } of modules.plain.plainMarkdown(markdown, odd).ranges) {
    assert.ok(0 <= start && start < end && end <= shown.text.length, `${start} ${end}`);
  }
});

test("of any text a part is left, in its order, and soon", () => {
  const random = modules.random.seeded(5);
  const pieces = [
    "*",
    "**",
    "_",
    "`",
    "```\n",
    "[",
    "](",
    ")",
    "][",
    "<",
    ">",
    "<b>",
    "\\",
    "|",
    "\n",
    "\n\n",
    "# ",
    "- ",
    "a",
    "word ",
    "🙂",
  ];
  const guide = readFileSync(join(root, "search/tests/cut/fixtures/guide.md"), "utf8");
  for (let round = 0; round < 2000; round += 1) {
    let markdown = round % 50 === 0 ? guide : "";
    const count = Math.floor(random() * 40);
    for (let at = 0; at < count; at += 1) markdown += pieces[Math.floor(random() * pieces.length)];
    const marks = Array.from(markdown.matchAll(/word|a/g), ({ 0: word, index: start }) => ({ start, end: start + word.length }));
    const { text, ranges } = modules.plain.plainMarkdown(markdown, marks);
    let from = 0;
    for (const character of text) {
      from = markdown.indexOf(character, from) + character.length;
      assert.ok(from >= character.length, JSON.stringify(markdown));
    }
    for (const { start, end } of ranges)
      assert.match(text.slice(start, end), /^(word|wor|wo|w|a|ord)$/, JSON.stringify(markdown));
  }
  // What this process computes counts, not what others do meanwhile.
  const soon = (/** @type {string} */ text, /** @type {string} */ name) => {
    const before = process.cpuUsage();
    plain(text);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 2_000_000, name);
  };
  for (const piece of [...pieces, "](", "[a](", "<a", "<!--", "``` `", "`a", "*a ", "**a_", "| -", "-|", "> ", "[a]: ", "\\["]) {
    soon(piece.repeat(20_000), piece);
  }
  const [gap, ticks] = [" ".repeat(50_000), "`".repeat(50_000)];
  for (const line of [`a${gap}b`, `---${gap}b`, `|-${gap}b`, `${ticks}${gap}b\``]) soon(line, line.slice(0, 4));
});

test("a result leads to its heading, and shows no marks", () => {
  const base = "https://example.org/docs/";
  const hit = { id: "a", url: "a.html", kind: "text", passage: { text: "Undo the last commit", trail: [] }, highlights: [] };
  const { linkOf, shownOf } = modules.links;
  const to = (/** @type {string | undefined} */ anchor, url = "a.html") =>
    linkOf({ ...hit, url, passage: { ...hit.passage, ...(anchor !== undefined && { anchor }) } }, base)?.split(":~:");
  const words = "text=Undo%20the%20last%20commit";
  assert.deepEqual(to("undo"), ["https://example.org/docs/a.html#undo", words]);
  assert.deepEqual(to(undefined), ["https://example.org/docs/a.html#", words]);
  assert.deepEqual(to(""), ["https://example.org/docs/a.html#", words]);
  assert.deepEqual(to("über uns"), ["https://example.org/docs/a.html#%C3%BCber%20uns", words]);
  // Nothing in an anchor is more than a part of an id.
  assert.deepEqual(to("a:~:text=b#c"), ["https://example.org/docs/a.html#a%3A~%3Atext%3Db%23c", words]);
  assert.deepEqual(to("\ud800"), ["https://example.org/docs/a.html#", words]);
  // An address that leads somewhere already stays.
  assert.deepEqual(to("undo", "a.html#part"), ["https://example.org/docs/a.html#part", words]);
  assert.equal(to("undo", "javascript:alert(1)"), undefined);

  const text = "Run **git reset** [now](b.md), or `git revert`.";
  const found = { ...hit, passage: { text, trail: [] }, highlights: [{ start: 6, end: 9 }] };
  assert.deepEqual(shownOf(found), { text, ranges: found.highlights });
  const shown = shownOf({ ...found, kind: "markdown" });
  assert.deepEqual(shown, { text: "Run git reset now, or git revert.", ranges: [{ start: 4, end: 7 }] });
  const link = linkOf({ ...found, kind: "markdown" }, base) ?? "";
  assert.equal(decodeURIComponent(link.split(":~:text=")[1] ?? ""), "Run git reset now, or git");
});
