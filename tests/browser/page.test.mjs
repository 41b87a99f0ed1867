/** The private-search page, as a person uses it. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { screenshots, start } from "./harness.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ page: "/www/index.html", needs: ["tiny-silu-int8", "tiny-gelu-int8"] });
  mkdirSync(screenshots, { recursive: true });
});

after(() => environment?.close());

/**
 * Opens a separate page, which must not write anything to the console.
 *
 * @param {import("playwright-core").BrowserContextOptions} [options]
 * @param {string} [query]
 */
async function open(options = {}, query = "") {
  const context = await environment.browser.newContext(options);
  const page = await context.newPage();
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(environment.server.url(`/www/index.html${query}`));
  return { context, page, said };
}

/** @param {Page} page @param {string} selector @param {RegExp} text */
async function shows(page, selector, text) {
  await page.waitForFunction(
    ([selector, source]) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? ""),
    /** @type {const} */ ([selector, text.source]),
  );
}

/** One of the samples. */
const QUERY = "Volcanoes form where molten rock finds a way through the crust.";

const LOOKS = /** @type {const} */ ({
  desktop: { viewport: { width: 1280, height: 900 } },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`samples are embedded, searched and shown: ${look}`, async () => {
    const { context, page, said } = await open(options);
    await shows(page, "#model-state", /^Ready/);
    assert.match(await page.locator("#notice").innerText(), /built-in model: small, for English/);

    await page.getByRole("button", { name: "Add samples" }).click();
    await shows(page, "#library", /^24 texts, ready to search/);
    await page.getByLabel("What are you looking for?").fill(QUERY);
    await shows(page, "#summary", /^The nearest 10 of 24 texts/);

    const hits = await page.locator("#results li").evaluateAll((items) =>
      items.map((item) => ({
        text: item.querySelector(".passage")?.textContent,
        score: Number(item.querySelector(".score")?.textContent),
      })),
    );
    assert.equal(hits.length, 10);
    assert.equal(hits[0]?.text, QUERY);
    assert.ok((hits[0]?.score ?? 0) > 0.999);
    for (const [index, { score }] of hits.entries()) {
      assert.ok(score <= (hits[index - 1]?.score ?? 1) && score >= -1, "best first");
    }
    const facts = await page.locator("#facts").innerText();
    for (const fact of [/felsic-small-english/, /CPU/, /int8/, /256/, /1,024 tokens/, /\d s\b/, /tokens\/s/, /\d ms/, /MB/])
      assert.match(facts, fact);

    const { scrolls, width } = await page.evaluate(() => ({ scrolls: document.documentElement.scrollWidth, width: innerWidth }));
    assert.ok(scrolls <= width, `the page is ${scrolls} wide in a window of ${width}`);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(screenshots, `${look}.png`), fullPage: true });
    assert.deepEqual(said, []);
    await context.close();
  });
}

test("what is asked for is found by its meaning, in a model that came with the page", async () => {
  const { context, page, said } = await open();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  for (const [query, found] of /** @type {const} */ ([
    ["a pet that rests", /^(A cat|The kitten)/],
    ["loans cost more", /^(Borrowing|The central bank)/],
    ["how to bake bread", /^For the dough/],
    ["minerals and stones", /^Granite/],
  ])) {
    await page.getByLabel("What are you looking for?").fill(query);
    await shows(page, "#results li .passage", found);
  }
  assert.deepEqual(said, []);
  await context.close();
});

test("a model of random weights is said to be one", async () => {
  const { context, page } = await open({}, "?pack=./packs/demo/");
  await shows(page, "#model-state", /^Ready/);
  assert.match(await page.locator("#notice").innerText(), /^tiny-silu is filled with random numbers/);
  await context.close();
});

test("typed texts, files of every kind, removal", async () => {
  const { context, page, said } = await open();
  const count = async (/** @type {number} */ texts) => shows(page, "#library", new RegExp(`^${texts} texts?, ready`));
  await page.getByLabel("Type, paste or drop texts").fill("one line\nanother line\n\n");
  await page.keyboard.press("Control+Enter");
  await count(2);
  await page.getByLabel("Type, paste or drop texts").fill("a paragraph\nof two lines\n\nanother paragraph\n\n\none line");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await count(4); // "one line" was there already

  const file = (/** @type {string} */ name, /** @type {string} */ content) => ({
    name,
    mimeType: "text/plain",
    buffer: Buffer.from(content),
  });
  const numbers = Array.from({ length: 400 }, (_, index) => String(index).padStart(5, "0"));
  const sentences = numbers.slice(0, 100).map((number) => `Sentence ${number} has some length. `);
  await page
    .getByLabel("Choose files")
    .setInputFiles([
      file("notes.md", "# Heading\n\nfirst paragraph\n\n## Another\n\nsecond paragraph\n"),
      file("lines.jsonl", '{"text": "from an object"}\n"from a string"\n\n'),
      file("array.json", '["in an array", {"text": "in an array too"}]'),
      file("long.txt", `${sentences.join("")}\n\n${numbers.join("")}`),
    ]);
  // 2 + 2 + 2, then 3,200 characters of sentences in 4 pieces and 2,000 without a space in 3.
  await count(4 + 6 + 7);
  await page.getByLabel("What are you looking for?").fill("from an object");
  await shows(page, "#results li .passage", /^from an object$/);
  assert.equal(await page.locator("#results li .source").first().textContent(), "lines.jsonl");

  // One bad line does not keep the good ones out.
  await page.getByLabel("Choose files").setInputFiles(file("bad.jsonl", '"fine"\nnot JSON\n{"text": "fine, too"}\n7\n'));
  await shows(page, "#problem", /^Not added: bad\.jsonl, line 2 is not JSON; bad\.jsonl, line 4 is neither .*\.$/);
  await count(4 + 6 + 7 + 2);
  await page.getByLabel("Choose files").setInputFiles(file("mixed.json", '["an item", 7, {"text": "another item"}]'));
  await shows(page, "#problem", /^Not added: mixed\.json, item 2 is neither .*\.$/);
  await count(4 + 6 + 7 + 4);
  await page.getByLabel("Choose files").setInputFiles(file("many.jsonl", "?\n".repeat(12)));
  await shows(page, "#problem", /line 5 is not JSON; and 7 more\.$/);

  // The message for a good file does not replace those for the bad ones.
  await page
    .getByLabel("Choose files")
    .setInputFiles([
      file("bad.json", "{"),
      file("good.txt", "a text of the good file"),
      file("odd.jsonl", "7\n"),
      file("empty.txt", " \n"),
      file("good.md", "another good one"),
    ]);
  await shows(page, "#problem", /^Not added: bad\.json is not JSON; odd\.jsonl, line 1 is neither .*; empty\.txt has no text\.$/);
  await count(4 + 6 + 7 + 6);

  await page.getByRole("button", { name: "Remove all" }).click();
  await shows(page, "#library", /^No texts yet/);
  assert.equal(await page.locator("#results li").count(), 0);
  assert.deepEqual(said, []);
  await context.close();
});

test("what is no text is refused by name and reason; UTF-16 that says so is text", async () => {
  const { context, page } = await open();
  const file = (/** @type {string} */ name, /** @type {Buffer} */ buffer) => ({ name, mimeType: "", buffer });
  const zip = Buffer.from("PK\x03\x04\x14\x00\x06\x00word/document.xml text\n\nthat nobody wrote\n\n", "latin1");
  const refused = /** @type {const} */ ([
    [
      "paper.pdf",
      Buffer.from("%PDF-1.7\n%\xe2\xe3\n1 0 obj\n\n<< >>\n\nendobj\n", "latin1"),
      /paper\.pdf is a PDF \(save it as plain text\)/,
    ],
    ["letter.docx", zip, /letter\.docx is a zip archive, as documents of Word and LibreOffice/],
    ["letter.txt", zip, /letter\.txt is a zip archive/],
    ["old.doc", Buffer.from("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 words", "latin1"), /old\.doc is a document of an old version/],
    ["rich.rtf", Buffer.from("{\\rtf1 words}"), /rich\.rtf is a document in rich text format/],
    ["picture.png", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0", "latin1"), /picture\.png is not text in UTF-8 or UTF-16/],
    ["program", Buffer.from("ELF\0\n\nwords\n"), /program is not a text file/],
    ["unmarked.txt", Buffer.from("words\n\nmore", "utf16le"), /unmarked\.txt is not a text file, or not one in UTF-8/],
    ["latin.txt", Buffer.from("Größe", "latin1"), /latin\.txt is not text in UTF-8 or UTF-16 \(save it as plain text in UTF-8\)/],
  ]);
  for (const [name, bytes, message] of refused) {
    await page.getByLabel("Choose files").setInputFiles(file(name, bytes));
    await shows(page, "#problem", message);
  }
  await shows(page, "#library", /^No texts yet/);

  const text = "\ufeffGröße\r\n\r\n東京 😀";
  const little = Buffer.from(text, "utf16le");
  await page
    .getByLabel("Choose files")
    .setInputFiles([
      file("little.txt", little),
      file("big.txt", Buffer.from(little).swap16()),
      file("eight.txt", Buffer.from(text)),
    ]);
  await shows(page, "#library", /^2 texts, ready/);
  assert.ok(await page.locator("#problem").isHidden());
  await context.close();
});

test("a long text is cut into passages where the browser does not know sentences", async () => {
  const context = await environment.browser.newContext();
  const page = await context.newPage();
  await page.addInitScript("delete Intl.Segmenter");
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(environment.server.url("/www/index.html"));
  const sentences = Array.from(
    { length: 100 },
    (_, index) => `Sentence ${String(index).padStart(5, "0")} has “some” length.${index % 3 ? "" : "”"}`,
  );
  await page
    .getByLabel("Type, paste or drop texts")
    .fill(`${sentences.join(" ")}\n\n${"長い文章はここで切れます。".repeat(100)}\n\n${"x".repeat(2000)}`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  // 3,400 characters of sentences in 5 pieces, 1,300 in 2, and 2,000 without a space in 3, two of them identical.
  await shows(page, "#library", /^9 texts, ready/);
  await page.getByLabel("What are you looking for?").fill("Sentence 00050 has some length");
  await shows(page, "#summary", /The nearest 9 of 9/);
  const passages = await page.locator("#results .passage").allTextContents();
  for (const passage of passages) assert.match(passage, /[.”。x]$/);
  assert.deepEqual(errors, []);
  await context.close();
});

test("nonsense finds nothing that is close, and the page says so; what has an answer finds it", async () => {
  const { context, page } = await open();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  await shows(page, "#facts", /Memory/);
  const query = page.getByLabel("What are you looking for?");
  for (const nonsense of ["asdf qwer zxcv", "fjdksl ajfkd", "zzzz"]) {
    await query.fill(nonsense);
    await shows(page, "#summary", /^No text is close to this\. The nearest 10 of 24 texts\.$/);
    assert.equal(await page.locator("#results li.far").count(), 10);
  }
  for (const real of ["a pet that rests", "loans cost more", "how to bake bread", "minerals and stones", "volcano", QUERY]) {
    await query.fill(real);
    await shows(page, "#summary", /^The nearest 10 of 24 texts\.$/);
    assert.equal(await page.locator("#results li:first-child.far").count(), 0);
  }
  await context.close();
});

test("text that is dropped on the page is added", async () => {
  const { context, page, said } = await open();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["dropped one\n\ndropped two"], "drop.txt", { type: "text/plain" }));
    for (const type of ["dragover", "drop"])
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  });
  await shows(page, "#library", /^2 texts, ready/);
  assert.ok(await page.locator("#drop").isHidden());
  assert.deepEqual(said, []);
  await context.close();
});

test("another pack takes the place of the first, and the texts are embedded anew", async () => {
  const { context, page, said } = await open();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  await page.getByLabel("What are you looking for?").fill("Please sign the contract and send it back by Friday.");
  await shows(page, "#results li .passage", /^Please sign/);
  const first = page.workers();
  await page.getByLabel("Address of a pack").fill(environment.pack("tiny-gelu-int8"));
  await page.getByRole("button", { name: "Load" }).click();
  await shows(page, "#facts", /tiny-gelu/);
  await shows(page, "#library", /^24 texts, ready/);
  await shows(page, "#results li .passage", /^Please sign/);
  const second = page.workers();
  assert.ok(
    first.length > 0 && second.length > 0 && second.length <= first.length,
    `${second.length} workers, and ${first.length} before`,
  );
  assert.deepEqual(
    second.filter((worker) => first.includes(worker)),
    [],
  );
  assert.deepEqual(said, []);
  await context.close();
});

test("the page embeds on WebGPU when it is asked to", async () => {
  const { context, page, said } = await open({}, "?device=webgpu");
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  assert.match(await page.locator("#facts").innerText(), /WebGPU/);
  await page.getByLabel("What are you looking for?").fill(QUERY);
  await shows(page, "#results li .passage", /^Volcanoes/);
  assert.deepEqual(said, []);
  await context.close();
});

test("a pack that cannot be loaded is a message, and the next one works", async () => {
  const { context, page } = await open({}, "?pack=./nowhere/&device=cpu");
  await shows(page, "#problem", /could not be loaded.*\(not-found\)/);
  await shows(page, "#model-state", /^No model/);
  assert.equal(await page.getByLabel("Device").inputValue(), "cpu");
  assert.equal(page.workers().length, 0);
  const problem = (await page.locator("#problem").textContent()) ?? "";
  assert.match(problem, /^The model could not be loaded: http:\/\/127/, "a URL is not written with a capital letter");

  // Nothing waits for a model that does not come, and the reason stays.
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, but no model to search them with\.$/);
  await page.getByLabel("What are you looking for?").fill("a cat");
  await shows(page, "#summary", /^There is no model to search with\. Load one/);
  await page.getByLabel("Choose files").setInputFiles({ name: "bad.json", mimeType: "", buffer: Buffer.from("{") });
  await shows(page, "#problem", /Not added: bad\.json is not JSON/);
  await page.getByLabel("Choose files").setInputFiles({ name: "good.txt", mimeType: "", buffer: Buffer.from("good") });
  await shows(page, "#library", /^25 texts, but/);
  assert.equal(await page.locator("#problem").textContent(), problem);

  await page.getByLabel("Address of a pack").fill("./packs/demo/");
  await page.keyboard.press("Enter");
  await shows(page, "#summary", /^(No text is close to this\. )?The nearest 10 of 25 texts/);
  await shows(page, "#library", /^25 texts, ready/);
  await shows(page, "#model-state", /^Ready/);
  assert.ok(await page.locator("#problem").isHidden());
  await context.close();
});

test("texts that were ready are not, once another model could not be loaded", async () => {
  const { context, page } = await open();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  await page.getByLabel("What are you looking for?").fill("a cat");
  await shows(page, "#summary", /^The nearest/);
  await page.getByLabel("Address of a pack").fill("./nowhere/");
  await page.keyboard.press("Enter");
  await shows(page, "#library", /^24 texts, but no model to search them with/);
  await shows(page, "#summary", /^There is no model to search with/);
  assert.equal(await page.locator("#results li").count(), 0);
  await context.close();
});

test("a model that stops by a defect is said to have stopped, and can be loaded again", async () => {
  const { context, page } = await open();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  // The engine's worker, which ends its helpers.
  await page.workers()[0]?.evaluate(() => {
    setTimeout(() => {
      throw new Error("a defect");
    });
  });
  await page.getByLabel("What are you looking for?").fill("a cat");
  await shows(page, "#problem", /^The model has stopped: the engine crashed.*\(internal\)\.$/);
  await shows(page, "#library", /^24 texts, but no model/);
  await shows(page, "#summary", /^There is no model/);
  await page.getByRole("button", { name: "Load" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  await shows(page, "#summary", /^The nearest 10 of 24 texts/);
  assert.ok(await page.locator("#problem").isHidden());
  await context.close();
});

test("nothing that can be used moves when the model is ready", async () => {
  for (const look of [LOOKS.desktop, LOOKS.phone]) {
    const slow = environment.server.spoilt("/packs/tiny-silu-int8/", { file: /manifest/, delay: 2000 });
    const { context, page } = await open(look, `?pack=${slow}`);
    await shows(page, "#model-state", /^Loading/);
    const places = () =>
      page
        .locator("textarea, input, select, button")
        .evaluateAll((fields) => fields.map((field) => [field.id, field.getBoundingClientRect().top]));
    const before = await places();
    await shows(page, "#model-state", /^Ready/);
    assert.ok(await page.locator("#notice").isVisible());
    assert.deepEqual(await places(), before);
    await context.close();
  }
});

test("the keyboard alone is enough, and everything has a name", async () => {
  const { context, page } = await open();
  await shows(page, "#model-state", /^Ready/);
  const reached = [];
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const active = document.activeElement;
        const style =
          active &&
          getComputedStyle(active.id === "files" ? /** @type {Element} */ (document.querySelector("label[for=files]")) : active);
        return active && active !== document.body ? `${active.id || active.textContent} ${style?.outlineStyle}` : "";
      }),
    );
  }
  const expected = ["text", "Add", "samples", "files", "query", "pack", "device", "Load"].map((name) => `${name} solid`);
  assert.deepEqual(reached.filter(Boolean).slice(0, expected.length), expected);
  const nameless = await page.locator("input, select, textarea, button, progress").evaluateAll((fields) =>
    fields
      .filter((field) => {
        const labels = "labels" in field && /** @type {HTMLInputElement} */ (field).labels?.length;
        return !labels && !field.ariaLabel && !field.textContent?.trim();
      })
      .map(({ id }) => id),
  );
  assert.deepEqual(nameless, []);
  await context.close();
});

test("nothing is asked for but the page's own files", async () => {
  const { server } = environment;
  const begun = server.requests.length;
  const { context, page } = await open();
  /** @type {string[]} */
  const elsewhere = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url("/www/"))) elsewhere.push(request.url());
  });
  await page.reload();
  await page.getByRole("button", { name: "Add samples" }).click();
  await shows(page, "#library", /^24 texts, ready/);
  await page.getByLabel("What are you looking for?").fill("a cat");
  await shows(page, "#summary", /^The nearest/);
  assert.deepEqual(elsewhere, []);
  const missing = server.requests.slice(begun).filter((path) => !path.startsWith("/www/"));
  assert.deepEqual(missing, []);
  await context.close();
});
