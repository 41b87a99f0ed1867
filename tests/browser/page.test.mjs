/** The private-search page, as a person uses it. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pdfText } from "../fixtures/files/pdf.mjs";
import { root, screenshots, start } from "./harness.mjs";
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
  importsSamples,
  lists,
  litInView,
  openPage,
  readsBills,
  rested,
  settled,
  shows,
  view,
} from "./page-harness.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ page: "/www/bench.html", needs: ["tiny-silu-int8", "tiny-gelu-int8"] });
  await environment.page.close();
  mkdirSync(screenshots, { recursive: true });
});

after(() => environment?.close());

const open = (/** @type {import("playwright-core").BrowserContextOptions} */ options = {}, query = "") =>
  openPage(environment, options, query);

const LOOKS = /** @type {const} */ ({
  light: { viewport: { width: 1440, height: 900 } },
  dark: { viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
  wide: { viewport: { width: 2560, height: 1300 }, forcedColors: "active" },
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every view is there, fits, and is accessible: ${look}`, async () => {
    const { context, page, said } = await open(options);
    const check = async (/** @type {string} */ what) => {
      await fits(page, what);
      await accessible(page, `${look}, ${what}`);
      const path = join(screenshots, `page-${look}-${what}.png`);
      await page.screenshot({ path });
      // On request the documents get theirs anew.
      if (process.env.FELSIC_DOCS_SCREENSHOTS && what === "reader" && look !== "wide") {
        mkdirSync(join(root, "docs/screenshots"), { recursive: true });
        if (options.viewport.width > 1000) await page.setViewportSize({ width: 1040, height: 620 });
        await page.screenshot({ path: join(root, `docs/screenshots/page-${look}.png`), scale: "css" });
        await page.setViewportSize(options.viewport);
      }
    };
    await shows(page, ".welcome", /Find your files by what they mean.*no upload/);
    await shows(page, ".model", /Built-in model: small, English/);
    await check("welcome");
    await addSamples(page);
    await check("home");

    await field(page).fill("how long is the notice period");
    await shows(page, ".hit h3", /^Tenancy agreement\.md$/);
    await check("results");
    await page.locator("a.passage").first().click();
    await shows(page, ".lit", /three months’ notice/);
    await check("reader");
    for (const name of /** @type {const} */ (["Library", "Privacy", "Settings"])) {
      await view(page, name);
      await page.getByRole("heading", { level: 2, name }).waitFor();
      await check(name.toLowerCase());
    }
    await view(page, "Search");
    await field(page).fill("zzqq xxyy");
    await shows(page, ".empty", /Nothing fits/);
    await check("nothing");
    assert.deepEqual(said, []);
    await context.close();
  });
}

/** One of the samples. */
const VOLCANOES = "Volcanoes form where molten rock finds a way through the crust.";

test("samples: found by meaning, grouped, marked, explained; what means nothing finds nothing", async () => {
  const { context, page, said } = await open();
  await addSamples(page);
  for (const [query, first] of /** @type {const} */ ([
    ["a pet that rests", /^(Afternoon|Kitten)\.txt$/],
    ["loans cost more", /^(Loans|Interest rate)\.txt$/],
    ["how to bake bread", /^(Dough\.txt|Sourdough\.md)$/],
    ["minerals and stones", /^(Granite\.txt|Rocks\.md)$/],
    [VOLCANOES, /^Volcanoes\.txt$/],
  ])) {
    await field(page).fill(query);
    await shows(page, ".hit h3", first);
  }
  for (const nonsense of ["asdf qwer zxcv", "fjdksl ajfkd", "zzzz"]) {
    await field(page).fill(nonsense);
    await shows(page, ".empty", new RegExp(`No passage of your 29 files fits “${nonsense}”`));
    assert.deepEqual(await found(page), []);
    await shows(page, ".summary", /^Nothing fits$/);
  }
  await page.getByRole("button", { name: /nearest documents all the same$/ }).click();
  await shows(page, ".hit h3", /./);

  // A file with several passages that fit is one card; words are marked, and words that are everywhere are not.
  await field(page).fill("the dough and the oven");
  await shows(page, ".hit h3", /^Sourdough\.md$/);
  const card = page.locator(".hit").first();
  await shows(page, ".summary", /^\d+ files, \d+ passages$/);
  assert.ok((await card.locator("a.passage").count()) > 1);
  const marks = new Set((await card.locator("mark").allTextContents()).map((mark) => mark.toLowerCase()));
  assert.ok(marks.has("dough") && !marks.has("the") && !marks.has("and"), [...marks].join());
  assert.match((await card.locator(".where").first().textContent()) ?? "", /Sourdough bread|The loaf|Baking/);
  assert.match((await card.locator("time").getAttribute("datetime")) ?? "", /^20\d\d-/);
  assert.match((await card.locator(".path").textContent()) ?? "", /^Samples › Kitchen$/);

  await card.getByText("Why?").click();
  await shows(page, ".why dl", /Meaning/);
  const why = (await card.locator(".why dl").textContent()) ?? "";
  assert.match(why, /Words[^]*0\.\d\d · .*oven/);
  assert.match(why, /Meaning[^]*[01]\.\d\d · cosine 0\.\d\d/);
  assert.deepEqual(said, []);
  await context.close();
});

test("ways to search, filters, more like this; the address keeps them, and the back button goes back", async () => {
  const { context, page, said } = await open();
  await addSamples(page);
  await field(page).pressSequentially("water");
  await shows(page, ".hit h3", /^Pasta\.txt$/);
  assert.equal(address(page).get("q"), "water");
  await page.getByRole("radio", { name: "Words" }).check();
  await lists(page, "Marathon.txt", false);
  assert.ok((await found(page)).includes("Packing list.md"));
  assert.equal(address(page).get("by"), "words");
  await page.getByRole("radio", { name: "Meaning" }).check();
  // In the rain one gets wet, though the word is not there.
  await lists(page, "Marathon.txt", true);
  assert.ok(!(await page.locator(".why dl").first().textContent())?.includes("Words"));
  await page.getByRole("radio", { name: "Both" }).check();

  await page.getByLabel("Folder").selectOption("Samples/Kitchen");
  await page.waitForFunction(() => {
    const paths = [...document.querySelectorAll(".hit .path")].map(({ textContent }) => textContent);
    return paths.length > 1 && paths.every((path) => path === "Samples › Kitchen");
  });
  await page.getByLabel("Kind").selectOption("markdown");
  await lists(page, "Pasta.txt", false);
  assert.deepEqual(await found(page), ["Sourdough.md"]);
  assert.equal(address(page).get("folder"), "Samples/Kitchen");
  await page.goBack();
  await lists(page, "Pasta.txt", true);
  assert.equal(await page.getByLabel("Kind").inputValue(), "");

  // What filters leave nothing of says so, and offers to take them away.
  await page.getByLabel("Date").selectOption("week");
  await shows(page, ".empty", /in what the filters leave fits “water”/);
  await page.getByRole("button", { name: "Remove all filters" }).click();
  await shows(page, ".hit h3", /^Pasta\.txt$/);

  await page.getByRole("button", { name: "Only this file" }).first().click();
  await page.waitForFunction(() => document.querySelectorAll(".hit").length === 1);
  await page.getByRole("button", { name: "Search in all files again" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".hit").length > 1);

  await page.getByRole("button", { name: "More like this" }).first().click();
  await page.waitForFunction(() => document.querySelector(".chip.on > span")?.textContent === "Like Pasta.txt");
  // Nothing is like itself.
  await lists(page, "Pasta.txt", false);
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".hit").length > 0);
  assert.equal(await page.locator(".chip.on > span").first().textContent(), "Like Pasta.txt");
  await page.goBack();
  await shows(page, ".hit h3", /^Pasta\.txt$/);
  assert.equal(await field(page).inputValue(), "water");
  assert.deepEqual(said, []);
  await context.close();
});

test("the keyboard alone: to the field, through the passages, into the reader and back", async () => {
  const { context, page } = await open();
  await addSamples(page);
  await page.keyboard.press("/");
  assert.equal(await focused(page), "query");
  await page.keyboard.type("a/j?n cat");
  assert.equal(await field(page).inputValue(), "a/j?n cat");
  await page.keyboard.press("Escape");
  assert.equal(await field(page).inputValue(), "");
  await page.keyboard.type("water");
  await shows(page, ".hit mark", /^water$/i);
  await page.locator(".summary:not(.busy)").waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await focusedPassage(page), 0);
  /** The passages that are shown, and the one with the focus. The list may be drawn anew meanwhile. */
  const walked = () =>
    page.evaluate(() => {
      const all = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("a.passage")]);
      return { all: all.map(({ href }) => href), own: /** @type {HTMLAnchorElement} */ (document.activeElement).href };
    });
  for (const [key, to] of /** @type {const} */ ([
    ["ArrowDown", (/** @type {number} */ at) => at + 1],
    ["j", (/** @type {number} */ at) => at + 1],
    ["k", (/** @type {number} */ at) => at - 1],
    ["End", () => Infinity],
    ["Home", () => 0],
    ["ArrowDown", (/** @type {number} */ at) => at + 1],
  ])) {
    const { own: before } = await walked();
    await page.keyboard.press(key);
    const { all, own } = await walked();
    assert.equal(own, all[Math.min(to(all.indexOf(before)), all.length - 1)], key);
  }
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.id === "reading");
  await page.locator(".lit").first().waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches("a.passage"));
  assert.equal(await page.locator(".pane .lit").count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "query");
  await page.keyboard.press("Enter");
  await page.locator(".lit").first().waitFor();
  await page.keyboard.press("Control+k");
  assert.equal(await focused(page), "query");

  // What has the focus is no longer found: a passage in its place has it, and keys lead on from there.
  // From the results, Escape closes the reader; in the field it would empty the field.
  await page.locator("a.passage").last().focus();
  await page.keyboard.press("Escape");
  await page.locator(".pane .lit").first().waitFor({ state: "detached" });
  await page.locator("a.passage").last().focus();
  const { all: before } = await walked();
  await page.evaluate(() => {
    const input = /** @type {HTMLInputElement} */ (document.querySelector("#query"));
    input.value = "cat";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForFunction((gone) => {
    const all = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("a.passage")]);
    return all.length > 0 && all.every(({ href }) => !gone.includes(href));
  }, before);
  const { all: after, own: kept } = await walked();
  assert.ok(after.includes(kept), kept);
  assert.equal(await field(page).inputValue(), "cat");

  await blur(page);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await dialog.waitFor();
  await accessible(page, "keys");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });

  // Tab reaches everything that can be used, and each of them shows it.
  const reached = new Set();
  await field(page).focus();
  for (let i = 0; i < 16; i += 1) {
    await page.keyboard.press("Tab");
    reached.add(
      await page.evaluate(() => {
        const active = /** @type {HTMLElement} */ (document.activeElement);
        const ring = active.closest(":is(.chip, .segmented label, .search-field)") ?? active;
        const { outlineStyle, boxShadow } = getComputedStyle(ring);
        return `${active.tagName} ${outlineStyle !== "none" || boxShadow !== "none"}`;
      }),
    );
  }
  assert.deepEqual(
    [...reached].filter((one) => one.endsWith("false") && !one.startsWith("BODY")),
    [],
  );
  assert.ok([...reached].some((one) => one.startsWith("SELECT")) && [...reached].some((one) => one.startsWith("A")));
  await context.close();
});

test("the reader: passage after passage, tables, pages of a PDF, pages of the web", async () => {
  const { context, page, said } = await open();
  const sections = Array.from(
    { length: 40 },
    (_, i) =>
      `## Part ${i}\n\n${i % 13 === 5 ? "Here the **walrus** sleeps on the ice." : `Nothing of note in part ${i}. ${"Words that fill a page. ".repeat(30)}`}\n`,
  );
  await chooseFiles(page, {
    "long.md": `# Long\n\n${sections.join("\n")}`,
    "lighthouses.pdf": pdfText(),
    "bills.csv": BILLS,
    "page.html":
      "<!doctype html><title>Herons</title><nav>Menu</nav><main><h1>Herons</h1><p>A heron stands   in <b>shallow</b> water.<script>alert(1)</script></p></main>",
  });
  await settled(page, 4);
  await page.getByRole("radio", { name: "Words" }).check();
  await field(page).fill("walrus");
  await shows(page, ".hit h3", /^long\.md$/);
  // What was found is shown as a person reads it, and marked in that.
  await shows(page, ".said", /Here the walrus sleeps on the ice\./);
  assert.deepEqual(await page.locator(".said mark").allTextContents(), ["walrus", "walrus", "walrus"]);
  await page.locator("a.passage").first().click();
  await shows(page, ".lit", /walrus/);
  const lit = () => page.locator(".reading .lit").first();
  await shows(page, ".place", /^Passage \d of 3$/);
  await litInView(page);
  while (await page.getByRole("button", { name: "Previous passage" }).isEnabled()) await page.keyboard.press("p");
  await shows(page, ".place", /^Passage 1 of 3$/);
  const first = await lit().evaluate((lit) => lit.parentElement?.previousElementSibling?.textContent);
  await page.keyboard.press("n");
  await shows(page, ".place", /^Passage 2 of 3$/);
  const second = await lit().evaluate((lit) => lit.parentElement?.previousElementSibling?.textContent);
  assert.deepEqual([first, second], ["Part 5", "Part 18"]);
  assert.equal(await lit().locator("mark").first().textContent(), "walrus");

  await readsBills(page);

  await field(page).fill("heron shallow");
  await shows(page, ".hit h3", /^page\.html$/);
  await page.locator("a.passage").first().click();
  await shows(page, ".lit", /^A heron stands in shallow water\.$/);
  assert.ok(!(await page.locator(".reading").innerText()).includes("Menu"));

  await field(page).fill("automatic keeper");
  await shows(page, ".hit h3", /^lighthouses\.pdf$/);
  await shows(page, ".hit .page", /^page [12]$/);
  await page.locator("a.passage").first().click();
  await page.locator(".page-image:not(.waiting) .box").first().waitFor();
  await shows(page, ".page-steps", /^Page [12] of 2$/);
  const drawn = await page.locator(".page-image canvas").evaluate((/** @type {HTMLCanvasElement} */ canvas) => {
    const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(
      0,
      0,
      canvas.width,
      canvas.height,
    );
    return data.some((value, index) => index % 4 === 0 && value < 100);
  });
  assert.ok(drawn, "there is ink on the page");
  await page.screenshot({ path: join(screenshots, "page-light-pdf.png") });
  await accessible(page, "a page of a PDF");
  // What was found is marked, and not all of the page that comes after.
  await page.getByRole("button", { name: /^(Next|Previous) page$/, disabled: false }).click();
  await page.waitForFunction(
    () => document.querySelector(".page-image:not(.waiting)") && !document.querySelector(".page-image .box"),
  );
  await page.getByRole("radio", { name: "Text" }).check();
  await shows(page, ".reading", /automatic/);
  assert.deepEqual(said, []);
  await context.close();
});

test("into the library: typed, dropped, chosen; what is refused is named with its reason; removal", async () => {
  const { context, page, said } = await open();
  await view(page, "Library");
  await page.getByLabel("Text", { exact: true }).fill("An otter cracks a shell.\n\nAnother paragraph.");
  await page.getByLabel("Name", { exact: true }).fill("Otters");
  await page.keyboard.press("Enter");
  await settled(page, 1);
  // Dropped on the page, text and files are taken up; on the field, a text is what is searched for.
  const drop = (/** @type {string} */ target, /** @type {string | undefined} */ text) =>
    page.evaluate(([target, text]) => {
      const dataTransfer = new DataTransfer();
      if (text !== undefined) dataTransfer.setData("text/plain", text);
      else dataTransfer.items.add(new File(["A beaver builds a dam."], "beaver.txt", { type: "text/plain" }));
      for (const type of ["dragover", "drop"])
        document
          .querySelector(/** @type {string} */ (target))
          ?.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }, /** @type {const} */ ([target, text]));
  await drop("body", undefined);
  await settled(page, 2);
  await drop("#results", "A marten lives in the attic.");
  await settled(page, 3);
  assert.ok(await page.locator(".drop").isHidden());
  await drop(
    "#query",
    `Who builds a dam across the river, and why would it\nmatter to the fish? ${"Tell me all about the animals and their houses. ".repeat(4)}`,
  );
  await shows(page, ".hit h3", /^beaver\.txt$/);
  await shows(page, ".long", /^Text of \d+ characters$/);
  await page.getByRole("button", { name: "Clear the search" }).click();

  await chooseFiles(page, {
    "picture.png": Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "latin1"),
    "empty.txt": " \n",
    "letter.docx": Buffer.from("PK\x03\x04\x14\x00\x06\x00word/document.xml", "latin1"),
    "wide.txt": Buffer.from("\ufeffGröße: ein Dachs", "utf16le"),
  });
  await settled(page, 4);
  await page.getByText("3 files are not in the library").click();
  const refused = await page.locator(".refused .row").allInnerTexts();
  const all = refused.join("\n");
  for (const reason of [/picture\.png\s+no text, or a format/, /empty\.txt\s+no text in it/, /letter\.docx\s+damaged/])
    assert.match(all, reason);
  await accessible(page, "refused files");
  await page.getByLabel("Filter files by name").fill("wide");
  assert.equal(await page.locator("button.row").count(), 1);
  await page.locator("button.row").click();
  await shows(page, ".reading", /Größe: ein Dachs/);

  await view(page, "Library");
  await page
    .getByRole("button", { name: /^Remove / })
    .first()
    .click();
  const dialog = page.getByRole("dialog", { name: /^Remove “/ });
  await accessible(page, "removal");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "hidden" });
  while (await page.getByRole("button", { name: /^Remove / }).count()) {
    const left = await page.getByRole("button", { name: /^Remove / }).count();
    await page
      .getByRole("button", { name: /^Remove / })
      .first()
      .click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.waitForFunction((left) => document.querySelectorAll(".rows .icon-button").length < left, left);
  }
  await shows(page, ".welcome", /Find your files/);
  assert.deepEqual(said, []);
  await context.close();
});

test("the map: hits are lit, a cluster filters the list, and the selection can be taken away", async () => {
  const { context, page, said } = await open();
  await addSamples(page);
  await field(page).fill("water");
  await shows(page, ".hit h3", /./);
  await page.locator(".summary:not(.busy)").waitFor();
  const before = (await found(page)).length;
  await view(page, "Map");
  await page.locator(".map canvas, .map-picture").first().waitFor();
  const cluster = page.locator(".map-groups button").first();
  await cluster.click();
  await shows(page, ".chip.on > span", /^(One document|\d+ documents) on the map$/);
  await page.waitForFunction((before) => document.querySelectorAll(".hit").length < before, before);
  await accessible(page, "map");
  await page.screenshot({ path: join(screenshots, "page-light-map.png") });
  await shows(page, ".map-selection", /selected$/);
  const chosen = (await found(page)).length;
  await page.getByRole("button", { name: "Remove the selection on the map" }).click();
  await page.waitForFunction((chosen) => document.querySelectorAll(".hit").length > chosen, chosen);
  // Nothing is selected on the map any more, either.
  await shows(page, ".map-selection", /^$/);
  assert.deepEqual(said, []);
  await context.close();
});

test("privacy: nothing is asked for once the model is there; export, import, and everything deleted", async () => {
  const { server } = environment;
  const begun = server.requests.length;
  const { context, page, said } = await open();
  await addSamples(page);
  // From now on the page and its workers come from this device, and each request of theirs is seen.
  await page.waitForFunction(() => document.querySelector(".offline"));
  await page.reload();
  await settled(page, 29);
  const loaded = server.requests.length;
  await field(page).fill("a cat");
  await shows(page, ".hit h3", /./);
  await view(page, "Privacy");
  await shows(page, ".verdict.good", /No request has left this page/);
  const missing = server.requests.slice(begun).filter((path) => !path.startsWith("/www/"));
  assert.deepEqual(missing, [], "the page asks for its own files alone");
  assert.deepEqual(
    server.requests.slice(loaded).filter((path) => !/sw\.js|assets/.test(path)),
    [],
  );
  await page.getByText(/requests in all/).click();
  await shows(page, ".requests tbody", /\/www\/index\.html/);
  const facts = await page.locator(".panel").innerText();
  for (const fact of [
    /felsic-small-english/,
    /CPU/,
    /int8/,
    /256/,
    /1,024/,
    /Documents\s+29/,
    /Library\s+[\d.]+ kB/,
    /Memory\s+[\d.]+ MB/,
  ])
    assert.match(facts, fact);
  await accessible(page, "requests");

  await page.evaluate(() => Reflect.deleteProperty(globalThis, "showSaveFilePicker"));
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "As JSON lines" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "felsic-library.jsonl");
  const exported = readFileSync(await download.path(), "utf8");
  assert.ok(exported.includes(VOLCANOES));

  await page.getByRole("button", { name: "Delete everything" }).click();
  await accessible(page, "deletion");
  await page.getByRole("dialog").getByRole("button", { name: "Delete everything" }).click();
  await shows(page, ".notices", /Everything has been deleted/);
  await shows(page, ".welcome", /Find your files/);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);

  await view(page, "Privacy");
  await importsSamples(page, exported);
  assert.deepEqual(said, []);
  await context.close();
});

test("German: by the browser's language, and by choice; the theme by choice", async () => {
  const { context, page, said } = await open({ locale: "de-DE" });
  await page.getByRole("heading", { name: "Finden Sie Ihre Dateien nach ihrem Sinn" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  // No word of another language is shown first.
  await page.addInitScript(() => {
    const shown = /** @type {Set<string>} */ (new Set());
    Object.assign(globalThis, { shown });
    const look = () => shown.add(document.querySelector(".rail")?.textContent ?? "");
    new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
  });
  await page.reload();
  await page.getByRole("link", { name: "Optionen" }).waitFor();
  const shown = await page.evaluate(() => [.../** @type {any} */ (globalThis).shown].filter((text) => text !== ""));
  assert.ok(shown.length > 0 && shown.every((text) => /Optionen/.test(text)), shown.join("; "));
  await page.getByRole("link", { name: "Optionen" }).click();
  await accessible(page, "German settings");
  await page.getByLabel("Sprache").selectOption("English");
  await page.getByRole("heading", { level: 2, name: "Settings" }).waitFor();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("radio", { name: "Dark" }).check();
  await page.waitForFunction((light) => getComputedStyle(document.body).backgroundColor !== light, light);
  const dark = await ground();
  await page.reload();
  await page.getByRole("heading", { level: 2, name: "Settings" }).waitFor();
  await page.waitForFunction((dark) => getComputedStyle(document.body).backgroundColor === dark, dark);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  assert.deepEqual(said, []);
  await context.close();
});

test("the words of the other language are loaded for those who read it", async () => {
  const loaded = async (/** @type {string} */ locale) => {
    const { context, page } = await open({ locale });
    await shows(page, ".model", /Built-in model|Eingebautes Modell/);
    const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    await context.close();
    return names.filter((name) => /\/assets\/de-[\w-]+\.js$/.test(name)).length;
  };
  assert.deepEqual([await loaded("en-GB"), await loaded("fr-FR"), await loaded("de-AT")], [0, 0, 1]);
});

test("words are found while the model is on its way, and nothing that can be used moves when it comes", async () => {
  const slow = environment.server.spoilt("/packs/tiny-silu-int8/", { file: /manifest/, delay: 2000 });
  const { context, page } = await open({}, `?pack=${slow}&device=cpu`);
  await addSamples(page);
  await page.close();
  for (const viewport of [LOOKS.light.viewport, LOOKS.phone.viewport]) {
    const page = await context.newPage();
    await page.setViewportSize(viewport);
    await page.goto(environment.url(`/www/index.html?pack=${slow}&device=cpu`));
    await page.locator(".model.loading").waitFor();
    await shows(page, ".summary", /^29 files$/);
    await field(page).fill("strike");
    await shows(page, ".summary", /Found by words\. Meaning follows/);
    await field(page).fill("");
    await shows(page, ".summary", /^29 files$/);
    const places = () =>
      page
        .locator(".top :is(input, button), .filters select, .list :is(a, button), nav a")
        .evaluateAll((fields) =>
          fields
            .map((field) => [field.id || field.textContent, Math.round(field.getBoundingClientRect().top)])
            .filter(([name]) => !/model|Random|Loading/i.test(String(name))),
        );
    const before = await places();
    await page.locator(".model.ready.untrained").waitFor();
    assert.deepEqual(await places(), before);
    await page.close();
  }
  await context.close();
});

test("a model of random weights is said to be one; another pack takes its place, and the texts are read anew", async () => {
  const { context, page, said } = await open({}, "?pack=./packs/demo/&device=cpu");
  await shows(page, ".model", /^Random weights: scores mean nothing$/);
  await addSamples(page);
  await view(page, "Settings");
  await shows(page, ".problem", /^tiny-silu is filled with random numbers/);
  assert.equal(await page.getByLabel("Pack or checkpoint").inputValue(), "./packs/demo/");
  assert.equal(await page.getByLabel("Device").inputValue(), "cpu");
  await field(page).fill("Please sign the contract and send it back by Friday.");
  await shows(page, ".hit h3", /^Contract\.txt$/);
  const first = page.workers();
  await page.getByLabel("Pack or checkpoint").fill(environment.pack("tiny-gelu-int8"));
  await page.getByRole("button", { name: "Load model" }).click();
  await shows(page, ".problem", /^tiny-gelu is filled/);
  await rested(page);
  await shows(page, ".hit h3", /^Contract\.txt$/);
  await page.waitForFunction(() => document.querySelector(".model.ready"));
  const left = page.workers().filter((worker) => first.includes(worker));
  assert.ok(left.length < first.length, "the first model's workers have ended");

  // Without an address it is the built-in model again.
  await page.getByLabel("Pack or checkpoint").fill("");
  await page.keyboard.press("Enter");
  await shows(page, ".problem", /built-in model: small, for English/);
  assert.deepEqual(said, []);
  await context.close();
});

test("the page embeds on WebGPU when it is asked to", async () => {
  const { context, page, said } = await open({}, "?device=webgpu");
  await chooseFiles(page, { "cat.txt": "A cat sleeps.", "volcanoes.txt": VOLCANOES });
  await settled(page, 2);
  await field(page).fill(VOLCANOES);
  await shows(page, ".hit h3", /^volcanoes\.txt$/);
  await view(page, "Privacy");
  await shows(page, ".facts:last-of-type, .panel", /WebGPU/);
  assert.deepEqual(said, []);
  await context.close();
});

test("a pack that cannot be loaded is a message; the model that was there goes on", async () => {
  const { context, page } = await open({}, "?pack=./nowhere/&device=cpu");
  await shows(page, ".notices", /could not be loaded: http:\/\/127.*search by words/);
  await shows(page, ".model", /^No model$/);
  await field(page).fill("a strike");
  await page.getByRole("radio", { name: "Meaning" }).check();
  await shows(page, "#results", /There is no model to search by meaning with/);
  await accessible(page, "no model");
  await page.getByRole("button", { name: "Open settings" }).first().click();
  await page.getByLabel("Pack or checkpoint").fill("");
  await page.keyboard.press("Enter");
  await shows(page, ".model", /^Built-in/);
  await page.waitForFunction(() => !document.querySelector(".notices .problem"));
  await page.getByRole("button", { name: "Clear the search" }).click();
  await chooseFiles(page, { "airport.txt": "Because of a strike most flights are cancelled today." });
  await settled(page, 1);

  await page.getByLabel("Pack or checkpoint").fill("./nowhere/");
  await page.keyboard.press("Enter");
  await shows(page, ".notices", /could not be loaded/);
  await field(page).fill("planes do not fly");
  await shows(page, ".hit h3", /^airport\.txt$/);
  await context.close();
});

test("a model that stops by a defect is said to have stopped, and can be loaded again", async () => {
  const { context, page } = await open();
  await addSamples(page);
  for (const worker of page.workers().filter((worker) => /worker-(cpu|relaxed)/.test(worker.url()))) {
    // Settled in the task that throws: a query that came before the error would be answered. The page may end the worker before it says so.
    const thrown = worker.evaluate(
      () =>
        new Promise((resolve) =>
          setTimeout(() => {
            resolve(undefined);
            throw new Error("a defect");
          }),
        ),
    );
    await thrown.catch(() => {});
  }
  await field(page).fill("a pet that rests");
  await shows(page, ".notices, #results", /\(internal\)|crashed/);
  await view(page, "Settings");
  await page.getByRole("button", { name: "Load model" }).click();
  await page.waitForFunction(() => document.querySelector(".model.ready"));
  await field(page).fill("a pet that sleeps");
  await shows(page, ".hit h3", /^(Afternoon|Kitten)\.txt$/);
  await context.close();
});

test("work can be paused, continued and ended; a long text is searched where the browser does not know sentences", async () => {
  const { context, page } = await open();
  await page.addInitScript("delete Intl.Segmenter");
  await page.reload();
  await page.locator(".model.ready").waitFor();
  const text = (/** @type {number} */ file) =>
    Array.from({ length: 300 }, (_, i) =>
      i === 150 ? "An otter swims." : `Sentence ${file * 1000 + i} has “some” length.`,
    ).join(" ");
  // So many that a fast machine has work for seconds: the speed is told after some.
  await chooseFiles(page, Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`long-${i}.txt`, text(i)])));
  await page.locator(".work-line").getByRole("button", { name: "Pause" }).click();
  await shows(page, ".work-line", /Paused/);
  await view(page, "Library");
  await page.locator(".pane .work").getByText("Paused").waitFor();
  await accessible(page, "paused work");
  await page.locator(".pane .work").getByRole("button", { name: "Go on" }).click();
  await page.locator(".pane .work").getByRole("button", { name: "Pause" }).waitFor();
  await shows(page, ".pane .work", /tokens a second/);
  await page.locator(".pane .work").getByRole("button", { name: "Cancel" }).click();
  await page.locator(".pane .work").waitFor({ state: "hidden" });
  // Whichever files were taken up, each has it once.
  await field(page).fill("otter");
  await shows(page, ".hit mark", /^otter$/);
  await context.close();
});
