/**
 * A person's walk through the private-search page in Firefox, in one visit: each test goes on where the one before has ended. Firefox has no
 * File System Access API, no WebGPU and no installing: what the page offers there instead is shown here.
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pdfText } from "../fixtures/files/pdf.mjs";
import {
  accessible,
  address,
  addSamples,
  BILLS,
  blur,
  chooseFiles,
  field,
  fits,
  focused,
  focusedPassage,
  found,
  lists,
  litInView,
  readsBills,
  rested,
  SAMPLES,
  settled,
  shows,
  view,
} from "./page-harness.mjs";
import { skipsPlaywright, startFirefoxPage } from "./playwright-firefox.mjs";

/** @typedef {import("playwright-core").Page} Page */

const options = { skip: skipsPlaywright, timeout: 60_000 };

/** @type {import("./playwright-firefox.mjs").Firefox} */
let firefox;
/** @type {Page} */
let page;
/** What the page has said on the console, which must be nothing. @type {string[]} */
let said;
/** @type {(name: string) => Promise<void>} */
let picture;

before(async () => {
  if (skipsPlaywright) return;
  firefox = await startFirefoxPage();
  ({ page, said, picture } = await firefox.open());
});

after(() => firefox?.close());

test("Firefox: hits come as one types, grouped by file and marked; the address keeps the query", options, async () => {
  await shows(page, ".model", /Built-in model: small, English/);
  await picture("welcome");
  await addSamples(page);
  await field(page).pressSequentially("the dough and oven");
  await shows(page, ".hit h3", /^Sourdough\.md$/);
  await shows(page, ".summary", /^\d+ files, \d+ passages$/);
  const card = page.locator(".hit").first();
  assert.ok((await card.locator("a.passage").count()) > 1);
  const marks = new Set((await card.locator("mark").allTextContents()).map((mark) => mark.toLowerCase()));
  assert.ok(marks.has("dough") && !marks.has("the"), [...marks].join());
  assert.match((await card.locator(".path").textContent()) ?? "", /^Samples › Kitchen$/);
  assert.equal(address(page).get("q"), "the dough and oven");
  await picture("results");
  await fits(page, "results");
  await accessible(page, "Firefox, results");

  await field(page).fill("a pet that rests");
  await shows(page, ".hit h3", /^(Afternoon|Kitten)\.txt$/);
  await field(page).fill("zzqq xxyy");
  await shows(page, ".empty", /Nothing fits/);
  await field(page).fill("water");
  await shows(page, ".hit h3", /^Pasta\.txt$/);
  await page.reload();
  await shows(page, ".hit h3", /^Pasta\.txt$/);
  assert.equal(await field(page).inputValue(), "water");
});

test("Firefox: by words or by meaning, within a folder and a kind; the back button goes back", options, async () => {
  await page.getByRole("radio", { name: "Words" }).check();
  await lists(page, "Marathon.txt", false);
  assert.equal(address(page).get("by"), "words");
  await page.getByRole("radio", { name: "Meaning" }).check();
  await lists(page, "Marathon.txt", true);
  await page.getByRole("radio", { name: "Both" }).check();
  await page.getByLabel("Folder").selectOption("Samples/Kitchen");
  await lists(page, "Marathon.txt", false);
  await page.getByLabel("Kind").selectOption("markdown");
  await lists(page, "Pasta.txt", false);
  assert.deepEqual(await found(page), ["Sourdough.md"]);
  await page.goBack();
  await lists(page, "Pasta.txt", true);
  await page.goBack();
  await lists(page, "Marathon.txt", true);
  await page.getByRole("button", { name: "More like this" }).first().click();
  await page.waitForFunction(() => document.querySelector(".chip.on > span")?.textContent === "Like Pasta.txt");
  await lists(page, "Pasta.txt", false);
  await page.goBack();
  await shows(page, ".hit h3", /^Pasta\.txt$/);
});

test("Firefox: the keyboard alone leads to the field, through the passages, into the reader and back", options, async () => {
  await blur(page);
  // Firefox's own quick find begins with this key.
  await page.keyboard.press("/");
  assert.equal(await focused(page), "query");
  await page.keyboard.press("Escape");
  assert.equal(await field(page).inputValue(), "");
  await page.keyboard.type("a/j?n's water");
  assert.equal(await field(page).inputValue(), "a/j?n's water");
  await field(page).fill("water");
  await shows(page, ".hit mark", /^water$/i);
  await page.locator(".summary:not(.busy)").waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await focusedPassage(page), 0);
  await page.keyboard.press("j");
  assert.equal(await focusedPassage(page), 1);
  await page.keyboard.press("k");
  assert.equal(await focusedPassage(page), 0);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.id === "reading");
  await page.locator(".lit").first().waitFor();
  await picture("reader");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches("a.passage"));
  // In Firefox this key is that of the browser's own search field.
  await page.keyboard.press("Control+k");
  assert.equal(await focused(page), "query");
  await blur(page);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
});

test("Firefox: the reader shows the passage of a long text, a table, and the page of a PDF with boxes", options, async () => {
  const parts = Array.from(
    { length: 30 },
    (_, i) => `## Part ${i}\n\n${i === 20 ? "Here the **walrus** sleeps." : "Words that fill a page. ".repeat(30)}\n`,
  );
  await view(page, "Library");
  await chooseFiles(page, {
    "long.md": `# Long\n\n${parts.join("\n")}`,
    "lighthouses.pdf": pdfText(),
    "bills.csv": BILLS,
  });
  await field(page).fill("");
  await settled(page, SAMPLES + 3);
  await field(page).fill("walrus");
  await shows(page, ".hit h3", /^long\.md$/);
  await page.locator("a.passage").first().click();
  await shows(page, ".lit", /walrus/);
  await litInView(page);
  await readsBills(page);

  await field(page).fill("automatic keeper");
  await shows(page, ".hit h3", /^lighthouses\.pdf$/);
  await page.locator("a.passage").first().click();
  await page.locator(".page-image:not(.waiting) .box").first().waitFor();
  await shows(page, ".page-steps", /^Page [12] of 2$/);
  const isDrawn = await page.locator(".page-image canvas").evaluate((/** @type {HTMLCanvasElement} */ canvas) => {
    const drawing = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, index) => index % 4 === 0 && value < 100);
  });
  assert.ok(isDrawn, "there is no ink on the page");
  await picture("pdf");
  await page.getByRole("button", { name: /^(Next|Previous) page$/, disabled: false }).click();
  await page.waitForFunction(
    () => document.querySelector(".page-image:not(.waiting)") && !document.querySelector(".page-image .box"),
  );
  await page.getByRole("radio", { name: "Text" }).check();
  await shows(page, ".reading", /automatic/);
  assert.deepEqual(said, []);
});

test(
  "Firefox: a folder is chosen by the browser's own picker, files are dropped; what is refused is named",
  options,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "felsic-folder-"));
    mkdirSync(join(folder, "Animals/.hidden"), { recursive: true });
    for (const [path, text] of Object.entries({
      "badger.txt": "A badger digs a sett.",
      "Animals/heron.md": "# Herons\n\nA heron stands in shallow water.",
      "Animals/.hidden/secret.txt": "Nobody reads this.",
      "Animals/picture.png": "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0",
    }))
      writeFileSync(join(folder, path), text, "latin1");
    try {
      await view(page, "Library");
      await firefox.browser.pickFolder(folder, () =>
        page.locator(".panel").getByRole("button", { name: "Choose a folder" }).click(),
      );
      await shows(page, ".panel .head, .pane", /34 files/);
      await rested(page);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const sources = await page.locator(".panel .rows").first().innerText();
    assert.match(sources, /felsic-folder-\w+\s+2 files/);
    assert.doesNotMatch(sources, /watched/);
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["A beaver builds a dam."], "beaver.txt", { type: "text/plain" }));
      dataTransfer.items.add(new File([new Uint8Array([0xff, 0xfe, 0x47, 0, 0xf6, 0])], "wide.txt"));
      for (const type of ["dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    });
    await shows(page, ".pane", /36 files/);
    await rested(page);
    await page.getByText(/One file is not in the library|files? (is|are) not in the library/).click();
    assert.match((await page.locator(".refused .row").allInnerTexts()).join("\n"), /picture\.png\s+no text, or a format/);
    await picture("library");
    await accessible(page, "Firefox, library");
    await field(page).fill("who builds a dam");
    await shows(page, ".hit h3", /^beaver\.txt$/);
    await field(page).fill("secret nobody reads");
    await page.locator(".summary:not(.busy)").waitFor();
    assert.ok(!(await found(page)).includes("secret.txt"));
    assert.deepEqual(said, []);
  },
);
