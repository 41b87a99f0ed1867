/** The private-search page, as a person uses it. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
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
 * A page of its own that must not say anything on the console.
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
    for (const fact of [/felsic-small-english/, /CPU/, /int8/, /256/, /1,024 tokens/, /\d s\b/, /tokens\/s/, /\d ms/, /MB/]) assert.match(facts, fact);

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

  const file = (/** @type {string} */ name, /** @type {string} */ content) => ({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
  const numbers = Array.from({ length: 400 }, (_, index) => String(index).padStart(5, "0"));
  const sentences = numbers.slice(0, 100).map((number) => `Sentence ${number} has some length. `);
  await page.getByLabel("Choose files").setInputFiles([
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

  await page.getByLabel("Choose files").setInputFiles(file("bad.jsonl", '"fine"\nnot JSON\n'));
  await shows(page, "#problem", /^Not added: bad\.jsonl, line 2 is not JSON\.$/);

  // What a good file says does not take the place of what the bad ones said.
  await page.getByLabel("Choose files").setInputFiles([
    file("bad.json", "{"),
    file("good.txt", "a text of the good file"),
    file("odd.jsonl", "7\n"),
    file("empty.txt", " \n"),
    file("good.md", "another good one"),
  ]);
  await shows(page, "#problem", /^Not added: bad\.json is not JSON; odd\.jsonl, line 1 is neither .*; empty\.txt has no text\.$/);
  await count(4 + 6 + 7 + 2);

  await page.getByRole("button", { name: "Remove all" }).click();
  await shows(page, "#library", /^No texts yet/);
  assert.equal(await page.locator("#results li").count(), 0);
  assert.deepEqual(said, []);
  await context.close();
});

test("text that is dropped on the page is added", async () => {
  const { context, page, said } = await open();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["dropped one\n\ndropped two"], "drop.txt", { type: "text/plain" }));
    for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
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
  const first = page.workers()[0];
  await page.getByLabel("Address of a pack").fill(environment.pack("tiny-gelu-int8"));
  await page.getByRole("button", { name: "Load" }).click();
  await shows(page, "#facts", /tiny-gelu/);
  await shows(page, "#library", /^24 texts, ready/);
  await shows(page, "#results li .passage", /^Please sign/);
  assert.equal(page.workers().length, 1);
  assert.notEqual(page.workers()[0], first);
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
  await page.getByLabel("Address of a pack").fill("./packs/demo/");
  await page.keyboard.press("Enter");
  await shows(page, "#model-state", /^Ready/);
  assert.ok(await page.locator("#problem").isHidden());
  await context.close();
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
        const style = active && getComputedStyle(active.id === "files" ? /** @type {Element} */ (document.querySelector("label[for=files]")) : active);
        return active && active !== document.body ? `${active.id || active.textContent} ${style?.outlineStyle}` : "";
      }),
    );
  }
  const expected = ["text", "Add", "samples", "files", "query", "pack", "device", "Load"].map((name) => `${name} solid`);
  assert.deepEqual(reached.filter(Boolean).slice(0, expected.length), expected);
  const nameless = await page.locator("input, select, textarea, button, progress").evaluateAll((fields) =>
    fields.filter((field) => {
      const labels = "labels" in field && /** @type {HTMLInputElement} */ (field).labels?.length;
      return !labels && !field.ariaLabel && !field.textContent?.trim();
    }).map(({ id }) => id),
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

test("the screenshots are there", () => {
  for (const look of Object.keys(LOOKS)) assert.ok(existsSync(join(screenshots, `${look}.png`)));
});
