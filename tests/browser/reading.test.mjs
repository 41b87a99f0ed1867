/** The reading of files, as far as it needs no browser: every format, what is refused, and what was made to do harm. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
// @ts-ignore: a dependency of the page
import { unzipSync } from "fflate";
import { files, utf16 } from "../fixtures/files/make.mjs";
import { gzipped, zip } from "../fixtures/files/packing.mjs";
import { xml } from "../fixtures/files/office.mjs";
import { compared, EXPECTED } from "./reading-expected.mjs";
import { readingModules } from "./reading-modules.mjs";

const modules = await readingModules();
const { read } = modules.read;
const { Work, Budget } = modules.work;
const { LONGEST_TEXT, MOST_TEXT_BYTES, MOST_PARTS } = modules.limits;
const FULL = process.env.FELSIC_TEST_FULL !== undefined;

/**
 * Reads a file to its end.
 *
 * @param {Buffer | Blob} file
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
async function all(file, path, signal = new AbortController().signal) {
  const blob = file instanceof Blob ? file : new Blob([Uint8Array.from(file)]);
  /** @type {any[]} */
  const results = [];
  for await (const result of read(blob, path, new Work(signal, new Budget(blob.size)))) results.push(result);
  return results;
}

/** The codes of all results; a document has none. @param {any[]} results */
const codes = (results) => results.map(({ code }) => code);

/** Numbers that are the same in each run. @param {number} seed */
function randomFrom(seed) {
  let state = seed;
  return (/** @type {number} */ below) => (state = (state * 48271) % 0x7fffffff) % below;
}

for (const [name, bytes] of Object.entries(files())) {
  const expected = /** @type {Record<string, any[]>} */ (EXPECTED)[name];
  if (expected) test(`reads ${name}`, async () => assert.deepEqual(compared(await all(bytes, name)), expected));
}

test("a text of any encoding comes back as it was written", async () => {
  const random = randomFrom(11);
  const words = "über Straße naïve Öl fish and chips señor garçon Ærø ¿qué? «voilà» fjord 42 %".split(" ");
  const others = "Привет мир Ελλάδα 日本語のテキスト 한국어 עברית 🌍".split(" ");
  const text = (/** @type {string[]} */ from, /** @type {number} */ length) =>
    Array.from({ length }, () => from[random(from.length)]).join(" ");
  for (let i = 0; i < (FULL ? 2000 : 100); i += 1) {
    const latin = `${text(words, 1 + random(200))}\n`;
    const any = `${latin}${text(others, random(100))}`;
    const files = {
      "utf-8": [any, Buffer.from(any)],
      "utf-8 with mark": [any, Buffer.from(`\ufeff${any}`)],
      "utf-16le with mark": [any, utf16(`\ufeff${any}`)],
      "utf-16be with mark": [any, utf16(`\ufeff${any}`, true)],
      "utf-16le": [latin, utf16(latin)],
      "utf-16be": [latin, utf16(latin, true)],
      "latin-1": [latin, Buffer.from(latin, "latin1")],
    };
    for (const [name, [expected, bytes]] of Object.entries(files)) {
      const [result, ...others] = await all(/** @type {Buffer} */ (bytes), "a.txt");
      assert.equal(result.text, expected, name);
      assert.deepEqual(others, []);
    }
  }
});

test("text of an encoding that nothing declares is refused as such, and no garbage is made of it", async () => {
  const cyrillic = Buffer.from("\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0. \xdd\xf2\xee \xf2\xe5\xea\xf1\xf2.", "latin1");
  const japanese = Buffer.from("93fa967b8cea82cc8365834c835883678142", "hex");
  assert.deepEqual(codes(await all(cyrillic, "a.txt")), ["encoding"]);
  assert.deepEqual(codes(await all(japanese, "a.txt")), ["encoding"]);
  assert.deepEqual(codes(await all(Buffer.from("fffe000041000000", "hex"), "a.txt")), ["encoding"]);
  const declared = Buffer.concat([Buffer.from('<?xml version="1.0" encoding="shift_jis"?><a>'), japanese, Buffer.from("</a>")]);
  assert.match((await all(declared, "a.xml"))[0].text, /日本語のテキスト。/);
});

test("bytes that are no text are refused, whatever the name is", async () => {
  const random = randomFrom(5);
  for (let i = 0; i < (FULL ? 20_000 : 1000); i += 1) {
    const bytes = Buffer.from(Array.from({ length: 64 + random(2000) }, () => random(256)));
    const name = ["a.txt", "a.md", "a.html", "a.csv", "a.json", "a.py", "a.pdf", "a.docx", "a.eml", "a.mbox", "a.zip", "a"][
      i % 12
    ];
    for (const { code } of await all(bytes, /** @type {string} */ (name))) assert.ok(code, `${name}, ${bytes.toString("hex")}`);
  }
  // Numbers of two bytes have zeros on one side, as UTF-16 has.
  const numbers = Buffer.alloc(4000);
  for (let i = 0; i < 4000; i += 2) numbers.writeUInt16LE(random(3) === 0 ? random(65536) : random(256), i);
  assert.deepEqual(codes(await all(numbers, "a.txt")), ["binary"]);
});

test("a file of more than a document may have is refused before it is read", async () => {
  let slices = 0;
  const huge = /** @type {any} */ ({
    size: MOST_TEXT_BYTES + 1,
    slice(/** @type {number} */ start, /** @type {number} */ end) {
      slices += end - start;
      return new Blob([new Uint8Array(end - start).fill(97)]);
    },
  });
  const results = [];
  for await (const result of read(huge, "a.txt", new Work(new AbortController().signal, new Budget(huge.size))))
    results.push(result);
  assert.deepEqual(codes(results), ["too-large"]);
  assert.ok(slices <= 4096);
  const long = new Blob(["a".repeat(LONGEST_TEXT), "b"]);
  assert.deepEqual(codes(await all(long, "a.txt")), ["too-large"]);
});

test("a file that the browser does not give is unreadable", async () => {
  const gone = /** @type {any} */ ({
    size: 10,
    slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException("gone", "NotFoundError")) }),
  });
  const results = [];
  for await (const result of read(gone, "a.txt", new Work(new AbortController().signal, new Budget(10)))) results.push(result);
  assert.deepEqual(codes(results), ["unreadable"]);
});

test("archives that unpack to far more than they are end early", async () => {
  // All entries are one part: the list of parts is small, and what it unpacks to is not.
  const bomb = overlapping(zip([{ name: "a.txt", data: "a".repeat(10_000_000) }]), 50);
  const results = await all(bomb, "bomb.zip");
  assert.ok(results.length < 12, String(results.length));
  assert.deepEqual(compared(results.slice(-1)), [{ path: "bomb.zip", code: "too-large" }]);
  // A size that is not the part's own does not help.
  const lying = zip([{ name: "a.txt", data: "a".repeat(70_000_000), size: 10 }]);
  assert.deepEqual(codes(await all(lying, "lying.zip")), ["too-large"]);
  assert.deepEqual(codes(await all(gzipped(Buffer.alloc(80_000_000, 97)), "bomb.txt.gz")), ["too-large"]);
});

test("archives in archives are read twice and no deeper", async () => {
  let file = zip([{ name: "note.txt", data: "A note." }]);
  for (const expected of [undefined, undefined, undefined, "too-many", "too-many"]) {
    const [result, ...others] = await all(file, "a.zip");
    assert.equal(result.code, expected);
    assert.deepEqual(others, []);
    file = zip([{ name: "a.zip", data: file }]);
  }
});

test("an archive of too many parts is read as far as it may", async () => {
  const most = FULL ? MOST_PARTS : 300;
  const many = overlapping(zip([{ name: "a.txt", data: "A note.", stored: true }]), most + 10);
  const work = new Work(new AbortController().signal, new Budget(many.length, most));
  const results = [];
  for await (const result of read(new Blob([Uint8Array.from(many)]), "many.zip", work)) results.push(result);
  assert.equal(results.length, most + 1);
  assert.deepEqual(compared(results.slice(-1)), [{ path: "many.zip", code: "too-many" }]);
  assert.equal(new Set(results.map(({ path }) => path)).size, results.length);
});

/** Names the one part of an archive many times. @param {Buffer} archive @param {number} times */
function overlapping(archive, times) {
  const end = archive.subarray(-22);
  const [size, at] = [end.readUInt32LE(12), end.readUInt32LE(16)];
  const entries = Buffer.concat(Array(times).fill(archive.subarray(at, at + size)));
  const tail = Buffer.from(end);
  tail.writeUInt16LE(Math.min(times, 65_534), 8);
  tail.writeUInt16LE(Math.min(times, 65_534), 10);
  tail.writeUInt32LE(entries.length, 12);
  return Buffer.concat([archive.subarray(0, at), entries, tail]);
}

test("an archive behind a program, and one with a comment, are archives", async () => {
  const whole = zip([{ name: "a.txt", data: "A note." }]);
  const comment = Buffer.concat([whole, Buffer.from("PK\x05\x06 is how it ends")]);
  comment.writeUInt16LE(comment.length - whole.length, whole.length - 2);
  assert.equal((await all(comment, "a.zip"))[0].text, "A note.");
  const { Zip } = modules.zip;
  const moved = await Zip.open(new Blob([Buffer.concat([Buffer.alloc(5000, 1), whole])]));
  const work = new Work(new AbortController().signal, new Budget(100));
  assert.equal(Buffer.from(await moved.bytes(moved.find("a.txt"), work, 100)).toString(), "A note.");
});

test("no name leads out of its archive, and no two parts have one path", () => {
  const names = new modules.names.Names("a.zip");
  const made = [
    "../../etc/x",
    "/x/../y",
    "C:\\x\\y",
    "x",
    "x",
    "x (2)",
    "",
    "..",
    "a\0\u202eb.txt",
    "n".repeat(5000) + ".txt",
  ].map((name) => names.of(name));
  assert.deepEqual(made.slice(0, 9), [
    "a.zip/etc/x",
    "a.zip/x/y",
    "a.zip/C:/x/y",
    "a.zip/x",
    "a.zip/x (2)",
    "a.zip/x (2) (2)",
    "a.zip/part",
    "a.zip/part (2)",
    "a.zip/ab.txt",
  ]);
  assert.ok(made[9].length < 450 && made[9].endsWith("n.txt"));
});

/** A document of Word whose text is this XML. @param {string} body */
const docx = (body) =>
  zip([
    { name: "[Content_Types].xml", data: xml("<Types/>") },
    { name: "word/document.xml", data: body },
  ]);

test("entities of XML are not expanded, and nothing is loaded", async () => {
  const laughs = `<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "http://127.0.0.1:1/">]>`;
  for (const entity of ["a", "b", "c"]) {
    const results = await all(docx(`${laughs}<d><p><r><t>&${entity};</t></r></p></d>`), "a.docx");
    assert.deepEqual(codes(results), ["damaged"]);
  }
  assert.deepEqual(codes(await all(docx("<d>".repeat(100_000)), "a.docx")), ["damaged"]);
  assert.deepEqual(codes(await all(docx("<d><p><t>text</t>"), "a.docx")), ["damaged"]);
  assert.equal((await all(docx("<d><p><t>a &amp; b &#252;</t></p></d>"), "a.docx"))[0].text, "a & b ü");
});

test("what has the name of a format and is another is told by its bytes", async () => {
  const all_ = files();
  const as = async (/** @type {string} */ file, /** @type {string} */ name) =>
    (await all(/** @type {Buffer} */ (all_[file]), name))[0];
  assert.equal((await as("letter.docx", "letter.zip")).kind, "document");
  assert.equal((await as("book.epub", "book")).kind, "book");
  assert.equal((await as("utf-8.txt", "a.docx")).code, "damaged");
  assert.equal((await as("utf-8.txt", "a.eml")).code, "damaged");
  assert.equal((await as("utf-8.txt", "a.unheard-of")).kind, "text");
  assert.equal((await as("page.html", "saved")).kind, "page");
  assert.equal((await as("parts.zip", "program.jar")).code, "binary");
  assert.equal(
    (await all(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><text>a</text></svg>'), "a.svg"))[0].code,
    "binary",
  );
  assert.equal((await all(Buffer.from("<html><script>app()</script></html>"), "a.html"))[0].code, "empty");
});

test("a part of a document that is broken keeps no other out, and is told", async () => {
  const spoilt = (/** @type {string} */ file, /** @type {RegExp} */ part) => {
    const parts = Object.entries(unzipSync(/** @type {Buffer} */ (files()[file])));
    return zip(
      parts.map(([name, data]) => ({ name, data: part.test(name) ? "<broken" : Buffer.from(/** @type {any} */ (data)) })),
    );
  };
  const read = async (/** @type {string} */ file, /** @type {RegExp} */ part) => {
    const [document, ...refusals] = await all(spoilt(file, part), file);
    return [document.text, ...compared(refusals)];
  };
  const slides = await read("talk.pptx", /slides\/slide1\.xml$/);
  assert.deepEqual(slides, [
    "# The Sea\n\n- Tides\n  - Spring tides\n\nSpeak slowly.",
    { path: "talk.pptx/slide 2", code: "damaged" },
  ]);
  const [letter, ...notes] = await read("letter.docx", /footnotes/);
  assert.match(letter, /stands a bench\.$/);
  assert.deepEqual(notes, [{ path: "letter.docx/footnotes", code: "damaged" }]);
  const [plain, ...styles] = await read("letter.docx", /styles/);
  assert.match(plain, /^The Garden House\n\nRooms/);
  assert.deepEqual(styles, [{ path: "letter.docx/styles", code: "damaged" }]);
  assert.deepEqual(codes(await all(spoilt("letter.docx", /document\.xml$/), "letter.docx")), ["damaged"]);
});

test("pictures that are in a page as text are left out", async () => {
  const picture = `data:image/png;base64,${"iVBO".repeat(6_000_000)}`;
  const [page] = await all(Buffer.from(`<html><body><img src="${picture}"><p>A pond.</p></body></html>`), "a.html");
  assert.equal(page.text, '<html><body><img src="data:,"><p>A pond.</p></body></html>');
});

test("each part is found again by its path, and nothing else is unpacked for it", async () => {
  const { partOf } = modules.read;
  const parts = {
    "parts.zip": ["parts.zip/notes/a.txt", "parts.zip/b (2).txt", "parts.zip/letter.docx", "parts.zip/inner.zip/deep.txt"],
    "letter.eml": ["letter.eml/seats.csv"],
    "box.mbox": ["box.mbox/3.eml"],
    "notes.txt.gz": ["notes.txt.gz/notes.txt"],
  };
  for (const [name, paths] of Object.entries(parts)) {
    const bytes = /** @type {Buffer} */ (files()[name]);
    const blob = new Blob([Uint8Array.from(bytes)]);
    const { signal } = new AbortController();
    for (const path of paths) {
      const part = await partOf(blob, name, path, signal);
      const again = await all(new Blob([await part.arrayBuffer()]), path);
      assert.deepEqual(
        again,
        (await all(bytes, name)).filter((result) => result.path === path),
        path,
      );
    }
    assert.equal(await partOf(blob, name, `${name}/nowhere`, signal), undefined);
    assert.equal(await partOf(blob, name, "another.zip", signal), undefined);
  }
  // The part behind one that unpacks to too much is found.
  const bomb = zip([
    { name: "a.txt", data: "a".repeat(70_000_000) },
    { name: "b.txt", data: "A note." },
  ]);
  const part = await partOf(new Blob([Uint8Array.from(bomb)]), "a.zip", "a.zip/b.txt", new AbortController().signal);
  assert.equal(Buffer.from(await part.arrayBuffer()).toString(), "A note.");
});

test("rich text that was cut off keeps its words, and groups that never end do no harm", async () => {
  const [cut] = await all(Buffer.from("{\\rtf1 Before.\\par\\intbl North\\cell Fe"), "a.rtf");
  assert.equal(cut.text, "Before.\n\n| North | Fe |");
  assert.equal((await all(Buffer.from("{\\rtf1 The\0end\\'00 is\\u0? near."), "a.rtf"))[0].text, "The end  is  near.");
  assert.deepEqual(codes(await all(Buffer.from(`{\\rtf1${"{".repeat(1_000_000)}`), "a.rtf")), ["damaged"]);
});

test("a mailbox is read in pieces, wherever they end", async () => {
  const random = randomFrom(3);
  const bodies = Array.from({ length: 60 }, (_, i) => {
    const lines = Array.from(
      { length: 1 + random(2500) },
      () => "x".repeat(random(80)) + (random(50) === 0 ? "\n\nFrom here on" : ""),
    );
    return `Message ${i}\n${lines.join("\n")}\nlast line ${i}`;
  });
  const box = bodies.map(
    (body) => `From a@example.org Fri Apr  5 09:30:00 2024\nSubject: s\n\n${body.replace(/^(>*From )/gm, ">$1")}\n\n`,
  );
  const blob = new Blob(box);
  assert.ok(blob.size > 3_000_000);
  const found = [];
  const work = new Work(new AbortController().signal, new Budget(blob.size));
  for await (const message of modules.mbox.messages(blob, work)) found.push(Buffer.from(message).toString().trim());
  assert.deepEqual(
    found,
    bodies.map((body) => `Subject: s\n\n${body}`.trim()),
  );
  // A message that is too large is left out, and the next one is not.
  const large = new Blob([
    box[0] ?? "",
    "From b Fri Apr  5 09:30:00 2024\nSubject: s\n\n",
    ...Array(70).fill(`${"y".repeat(999)}\n`.repeat(1000)),
    "\n",
    box[1] ?? "",
  ]);
  const sizes = [];
  for await (const message of modules.mbox.messages(large, work)) sizes.push(message?.length);
  assert.equal(sizes.length, 3);
  assert.equal(sizes[1], undefined);
  assert.ok(sizes[2] > 0);
});

test("pages that were made to take long do not", { timeout: 30_000 }, () => {
  const { Markdown } = modules.markdown;
  const pieces = [
    "<a ",
    '<a "',
    "<a '\"",
    "<!--",
    "<![CDATA[",
    "<",
    "</",
    "<title>",
    "<svg>",
    "<head>",
    "<td>",
    "<table>",
    "<ul><li>",
    "&",
    "&#",
    "<h1>",
    '<a b="',
  ];
  for (const piece of pieces) {
    for (const page of [piece.repeat(200_000), `${piece.repeat(200_000)}>`]) {
      const begin = performance.now();
      modules.html.addHtml(page, new Markdown("plain"));
      const time = performance.now() - begin;
      assert.ok(time < 5000, `${piece}: ${time} ms`);
    }
  }
});

test("HTML becomes text with headings, items and rows", () => {
  const { Markdown } = modules.markdown;
  const markdown = (/** @type {string} */ html) => {
    const document = new Markdown();
    modules.html.addHtml(html, document);
    return document.finish().text;
  };
  assert.equal(
    markdown(
      '<head><title>x</title><body><h2>A <i>b</i> &eacute;&#x2014;&#151;</h2><p>one<br>two <!-- c --> <a href="x>y">three</a><ul><li>i<ul><li>j</ul></ul><script>"</p>"</script><pre>k\n  l</pre><table><tr><th>a<td>b<tr><td><p>c</p><p>d</p></table>1 < 2',
    ).replace("\u0097", "—"),
    "## A b é——\n\none\ntwo three\n\n- i\n  - j\n\nk\nl\n\n| a | b |\n| c d |\n\n1 < 2",
  );
  assert.equal(
    markdown("<p># a</p><p>---</p><p>```</p><h1>C # a_b *c* [d] #</h1>"),
    "\\# a\n\n\\---\n\n\\```\n\n# C # a_b \\*c\\* \\[d\\] \\#",
  );
});

test("lines of a PDF become paragraphs, columns and whole words; running heads stand once", () => {
  const { linesOf, textOf } = modules["pdf-lines"];
  const run = (/** @type {string} */ str, x = 40, y = 500, size = 10, width = str.length * size * 0.5) => ({
    str,
    width,
    transform: [size, 0, 0, size, x, y],
  });
  const text = (/** @type {any[][]} */ ...pages) => textOf(pages.map(linesOf));
  // Runs of one line, with and without a gap; a superscript.
  assert.equal(
    text([run("Water is H"), run("2", 90, 498, 6, 3), run("O", 93, 500), run("and wet.", 105, 500)]).text,
    "Water is H2O and wet.",
  );
  // Two columns: a sentence goes on at the top of the second.
  const columns = [
    run("The left column ends", 40, 200),
    run("in the middle of a", 40, 188),
    run("sentence. Then more.", 300, 500),
    run("text follows here.", 300, 488),
  ];
  assert.equal(
    text(columns.slice(0, 2).concat([run("long sentence.", 300, 500)])).text,
    "The left column ends in the middle of a long sentence.",
  );
  // Hyphens that lines make, and those that words have.
  const hyphens = [
    run("An exam-", 40, 500),
    run("ple in Baden-", 40, 488),
    run("Württemberg with Vor-", 40, 476),
    run("und Nachteile.", 40, 464),
  ];
  assert.equal(text(hyphens).text, "An example in Baden-Württemberg with Vor- und Nachteile.");
  // A word that a page divides: the page begins in it.
  const divided = text([run("It was exam-")], [run("ined in June.")]);
  assert.deepEqual(divided, { text: "It was examined in June.", pages: [0, 11] });
  const pages = Array.from({ length: 4 }, (_, i) => [
    run("A History of Lamps", 40, 580),
    run(`Chapter ${"abcd"[i]} begins.`, 40, 500),
    run(`${i + 1}`, 200, 20),
  ]);
  assert.equal(
    text(...pages).text,
    "A History of Lamps\n\nChapter a begins.\n\nChapter b begins.\n\nChapter c begins.\n\nChapter d begins.",
  );
  // Turned by 90 degrees, as wide tables are.
  const turned = (/** @type {string} */ str, /** @type {number} */ x, /** @type {number} */ y) => ({
    str,
    width: 30,
    transform: [0, 10, -10, 0, x, y],
  });
  assert.equal(text([turned("first", 100, 40), turned("line,", 100, 75), turned("second", 112, 40)]).text, "first line, second");
  assert.equal(text([run("\uf0b7 a pond")]).text, "• a pond");
  const hebrew = [run("שלום", 200), run("עולם", 170), run("טוב", 145)].map((run) => ({ ...run, dir: "rtl" }));
  assert.equal(text(hebrew).text, "שלום עולם טוב");
  // Lines of a program, and of a poem, stay lines.
  const program = [run("if it rains {"), run("stay at home with a book and a large pot of tea }", 40, 488), run("}", 40, 476)];
  assert.equal(text(program).text, "if it rains {\nstay at home with a book and a large pot of tea }\n}".replace("}\n}", "} }"));
  assert.deepEqual(text([], [], [run("late")], []), { text: "late", pages: [0, 0, 0, 4] });
  assert.equal(text([run("日本語の", 40, 500), run("テキスト。", 40, 488)]).text, "日本語のテキスト。");
});

test("a passage is found on its page, whatever is between its letters, and as far as it is there", () => {
  const { partsOf } = modules["pdf-boxes"];
  const runs = ["The exam-", "ple ends in the middle of", " a sen"].map((str) => ({ str, width: 1, transform: [] }));
  const marked = (/** @type {string} */ text) =>
    partsOf(runs, text).map((/** @type {any} */ { run, start, end }) => {
      const { str } = runs[run] ?? { str: "" };
      return str.slice(Math.round(start * str.length), Math.round(end * str.length));
    });
  assert.deepEqual(marked("example"), ["exam", "ple"]);
  assert.deepEqual(marked("EXAMPLE\n\nends"), ["exam", "ple ends"]);
  assert.deepEqual(marked("Before it something. The example ends in the middle of a sentence that goes on elsewhere."), [
    "The exam",
    "ple ends in the middle of",
    "a sen",
  ]);
  assert.deepEqual(marked("something else"), []);
  assert.deepEqual(marked("–"), []);
});

test("names of files say what they are", () => {
  const { kindOf, ENDINGS, ACCEPT } = modules.endings;
  const kinds = [
    "a/b.PDF",
    "x.tar.gz",
    "Makefile",
    "a.b/README",
    ".gitignore",
    "a.md",
    "a.htm",
    "a.tsv",
    "a.docx",
    "a.odp",
    "a.epub",
    "a.mbox",
    "a.exe",
  ].map(kindOf);
  assert.deepEqual(kinds, [
    "pdf",
    undefined,
    "code",
    undefined,
    "code",
    "markdown",
    "page",
    "table",
    "document",
    "slides",
    "book",
    "mail",
    undefined,
  ]);
  assert.ok(ENDINGS.every((/** @type {string} */ ending) => /^\.[a-z\d]+$/.test(ending)) && ENDINGS.includes(".zip"));
  assert.equal(ACCEPT, ENDINGS.join(","));
});

test("an abort ends the reading, with its reason", async () => {
  const many = zip(Array.from({ length: 50 }, (_, i) => ({ name: `${i}.txt`, data: "A note." })));
  const abort = new AbortController();
  const results = [];
  const reading = read(new Blob([Uint8Array.from(many)]), "a.zip", new Work(abort.signal, new Budget(many.length)));
  await assert.rejects(async () => {
    for await (const result of reading) {
      results.push(result);
      if (results.length === 2) abort.abort(new Error("enough"));
    }
  }, /enough/);
  assert.equal(results.length, 2);
  await assert.rejects(all(many, "a.zip", AbortSignal.abort(new Error("early"))), /early/);
});

test("spoilt files of every format end in refusals and documents", { timeout: FULL ? 3_600_000 : 60_000 }, async () => {
  const random = randomFrom(17);
  const rounds = FULL ? 2000 : 25;
  for (const [name, whole] of Object.entries(files())) {
    if (whole.length === 0 || (name.endsWith(".pdf") && whole.toString("latin1").startsWith("%PDF"))) continue;
    for (let round = 0; round < rounds; round += 1) {
      const bytes = Buffer.from(whole.subarray(0, round % 3 === 0 ? 1 + random(whole.length) : whole.length));
      for (let flips = random(12); flips > 0; flips -= 1) {
        const at = random(bytes.length);
        bytes.writeUInt8(random(2) === 0 ? random(256) : bytes.readUInt8(at) ^ (1 << random(8)), at);
      }
      await endsWell(bytes, name);
    }
  }
});

test(
  "spoilt parts of documents, packed as they should be, end in refusals and documents",
  { timeout: FULL ? 3_600_000 : 60_000 },
  async () => {
    const random = randomFrom(23);
    const pieces = [
      "<",
      ">",
      "</w:p>",
      "<w:p>",
      "<w:tbl>",
      "</w:tc>",
      "<text:p>",
      "</table:table>",
      "&amp;",
      '"',
      "]]>",
      "<a:p>",
      "\0",
      "\ufffe",
      "<table:table-row>",
      "<x".repeat(50),
    ];
    for (const [name, whole] of Object.entries(files())) {
      if (!/\.(?:docx|pptx|xlsx|od[tps]|epub)$/.test(name) || !whole.toString("latin1").startsWith("PK")) continue;
      const parts = Object.entries(unzipSync(whole)).map(([name, data]) => ({ name, data: Buffer.from(data) }));
      for (let round = 0; round < (FULL ? 5000 : 60); round += 1) {
        const spoilt = parts.map((part) => ({ ...part }));
        for (let changes = 1 + random(3); changes > 0; changes -= 1) {
          const part = spoilt[random(spoilt.length)];
          if (!part || part.name === "mimetype") continue;
          const [from, length] = [random(part.data.length), random(40)];
          const piece = Buffer.from(pieces[random(pieces.length)] ?? "");
          part.data = Buffer.concat([part.data.subarray(0, from), piece, part.data.subarray(from + length * random(2))]);
        }
        if (random(4) === 0) spoilt.splice(1 + random(spoilt.length - 1), 1);
        await endsWell(zip(spoilt), name);
      }
    }
  },
);

/** Reading ends soon, and in nothing but documents and refusals. @param {Buffer} bytes @param {string} name */
async function endsWell(bytes, name) {
  const begin = performance.now();
  const results = await all(bytes, name);
  const what = `${name}: ${bytes.toString("base64")}`;
  assert.ok(performance.now() - begin < 10_000, what);
  assert.ok(results.length > 0, what);
  for (const { path, code, text, pages, detail } of results) {
    assert.ok(path === name || path.startsWith(`${name}/`), what);
    assert.ok(code !== undefined || (text.trim() !== "" && !text.includes("\0")), what);
    for (const [i, page] of (pages ?? []).entries()) assert.ok(page >= (pages[i - 1] ?? 0) && page <= text.length, what);
    // A mistake of the reader itself would look like a damaged file.
    assert.doesNotMatch(detail ?? "", /TypeError|ReferenceError|is not (?:a function|iterable)/, what);
  }
}
