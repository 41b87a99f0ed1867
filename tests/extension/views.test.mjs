/** The side panel, the options, the first-run page and the address bar, in Chromium. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { still } from "../support/patience.mjs";
import { html, servePages, startExtension } from "./harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const BREAD = "Let the dough rest overnight in the fridge before you put it into a hot oven.";

/** @type {Awaited<ReturnType<typeof servePages>>} */
let site;
/** @type {import("./harness.mjs").Extension} */
let extension;
/** @type {string[]} */
const errors = [];

before(async () => {
  site = await servePages({
    "/bread": html("Sourdough", `<main><h1>Sourdough</h1><p>${BREAD}</p></main>`),
    "/cat": html("Cats", "<p>The kitten dozes on the window sill while the afternoon sun shines.</p>"),
  });
  extension = await startExtension({ hosts: ["http://*/*", "https://*/*"] });
});
after(async () => {
  await extension?.close();
  await site?.close();
});

/** Opens a view. @param {string} path @param {{ width: number, height: number }} [size] */
async function open(path, size = { width: 380, height: 800 }) {
  const page = await extension.context.newPage();
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.setViewportSize(size);
  // A colour that is on its way to another one is not what axe should judge.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(extension.url(path));
  await page.waitForSelector("main");
  return page;
}

/** Returns what axe finds. @param {import("playwright-core").Page} page */
async function findings(page) {
  // Through the devtools: the policy of the page forbids scripts that are put into it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  return violations.map((/** @type {{ id: string, nodes: { html: string }[] }} */ { id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

test("the first-run page and the options switch the memory on", async () => {
  const welcome = await open("welcome.html", { width: 1000, height: 800 });
  assert.deepEqual(await findings(welcome), []);
  await welcome.getByRole("button", { name: "Remember pages when I click" }).click();
  await welcome.getByText("Pages are remembered when you click for it.").waitFor();
  assert.equal((await extension.call("settings.get")).mode, "click");
  const options = await open("options.html", { width: 1000, height: 800 });
  assert.deepEqual(await findings(options), []);
  await options.getByRole("radio", { name: "All pages" }).check();
  await options.getByText("All pages that you have read are remembered").waitFor();
  assert.equal((await extension.call("settings.get")).mode, "all");
  const list = options.getByRole("textbox", { name: "Sites" });
  await list.fill("example.net\nno pattern");
  await options.getByRole("button", { name: "Save the list" }).click();
  await options.getByText("“no pattern” is no pattern.", { exact: false }).waitFor();
  await list.fill("example.net");
  await options.getByRole("button", { name: "Save the list" }).click();
  await options.getByText("The list is saved.").waitFor();
  assert.deepEqual((await extension.call("settings.get")).denied, ["example.net"]);
  const days = options.getByRole("textbox", { name: "Days until a page is forgotten" });
  await days.fill("1");
  // As long as a change would need, and longer: what is half typed must not have any pages forgotten.
  await options.waitForTimeout(300);
  assert.equal((await extension.call("settings.get")).keepDays, 365);
  await days.fill("180");
  await days.press("Enter");
  await extension.until("settings.get", ({ keepDays }) => keepDays === 180);
  assert.equal(await days.inputValue(), "180");
  await welcome.close();
  await options.close();
});

test("the panel shows what was read, finds it, opens it and forgets it", async () => {
  await extension.call("settings.set", { mode: "all" });
  const panel = await open("panel.html");
  await panel.getByText("Nothing yet").waitFor();
  assert.deepEqual(await findings(panel), []);
  const page = await extension.context.newPage();
  for (const path of ["/bread", "/cat"]) {
    await page.goto(site.url("news.example", path));
    await extension.until("memory.recent", ([latest]) => latest?.url === site.url("news.example", path));
  }
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
  await panel.getByRole("link", { name: "Sourdough" }).waitFor();
  assert.deepEqual(await findings(panel), []);
  await panel.getByRole("searchbox").fill("how is a loaf baked");
  const hit = panel.getByRole("article").filter({ hasText: BREAD });
  await hit.waitFor();
  assert.deepEqual(await findings(panel), []);
  // A tab in the background is not drawn, and does not take on all of its new colours.
  await panel.bringToFront();
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    await panel.emulateMedia({ colorScheme });
    await still(panel);
    assert.deepEqual(await findings(panel), [], colorScheme);
  }
  assert.match((await hit.getByRole("link").getAttribute("href")) ?? "", /\/bread#:~:text=Let%20the%20dough/);
  await hit.getByRole("button", { name: "Forget page" }).click();
  await panel.getByText("1 page of news.example forgotten.").waitFor();
  await hit.waitFor({ state: "detached" });
  assert.deepEqual(
    (await extension.call("memory.recent")).map((/** @type {{ title: string }} */ { title }) => title),
    ["Cats"],
  );
  await panel.close();
});

test("everything is forgotten after a question", async () => {
  const options = await open("options.html", { width: 360, height: 800 });
  await options.getByRole("button", { name: "Forget everything" }).click();
  const question = options.getByRole("dialog");
  await question.waitFor();
  assert.deepEqual(await findings(options), []);
  await question.getByRole("button", { name: "Forget everything" }).click();
  await options.getByText("Everything is forgotten.").waitFor();
  assert.equal((await extension.call("memory.state")).pages, 0);
  const wide = await options.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} pixels too wide`);
  await options.close();
});

test("a query from the address bar opens with its results", async () => {
  const panel = await open("panel.html?q=kitten");
  assert.equal(await panel.getByRole("searchbox").inputValue(), "kitten");
  await panel.getByText("Nothing fits").waitFor();
  await panel.close();
});

test("no view reports an error", () => assert.deepEqual(errors, []));
