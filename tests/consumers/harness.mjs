/** Installs the bundlers beside the packed package, and tries their builds of the examples in a browser. */

import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { largestDifference, root, target } from "../browser/harness.mjs";
import { installBeside } from "../package/harness.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {typeof import("./builders.mjs")} Builders */

const here = import.meta.dirname;
const installed = join(target, "consumers");

/** The largest difference of a component. */
const TOLERANCE = 1e-5;

/**
 * Installs the bundlers, unless they are installed, and the packed package. Returns the functions that build with them.
 *
 * @returns {Promise<Builders>}
 */
export async function install() {
  installBeside(here, installed);
  // Its imports resolve to the installed packages from here.
  const builders = join(installed, "builders.mjs");
  cpSync(join(here, "builders.mjs"), builders);
  return import(pathToFileURL(builders).href);
}

/** A fresh copy of an example. @param {string} example @param {string} name */
export function copyOf(example, name) {
  const folder = join(installed, name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, "examples", example), folder, { recursive: true });
  return folder;
}

/** The vectors of two texts that the built-in model has to compute. */
const expected = /** @type {[Golden, Golden]} */ (goldens());

/** @returns {Golden[]} */
function goldens() {
  /** @type {{ texts: string[], vectors: string[] }} */
  const { texts, vectors } = JSON.parse(readFileSync(join(root, "tests/fixtures/bits.json"), "utf8"));
  return texts.slice(0, 2).map((text, at) => {
    const bytes = Uint8Array.from(Buffer.from(vectors[at] ?? "", "hex"));
    return { text, embedding: new Float32Array(bytes.buffer) };
  });
}

/** @typedef {{ text: string, embedding: Float32Array }} Golden */

/** Uses an example like a person: types two texts, and reads the result. @param {Page} page @param {string} url */
export async function use(page, url) {
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url, { waitUntil: "networkidle" });
  const [first, second] = expected;
  await page.fill("[name=first]", first.text);
  await page.fill("[name=second]", second.text);
  await page.click("button");
  await page.waitForFunction(() => !["", "…"].includes(document.querySelector("output")?.textContent ?? ""));
  const output = await page.locator("output").textContent();
  const shown = ((await page.locator("pre").textContent()) ?? "").split(" ").map(Number);
  const difference = largestDifference(shown, first.embedding);
  assert.ok(difference <= TOLERANCE, `${output}\nthe vector is off by ${difference}\n${errors.join("\n")}`);
  const cosine = first.embedding.reduce((sum, component, index) => sum + component * Number(second.embedding[index]), 0);
  assert.ok(Math.abs(Number(output) - cosine) < 1e-3, `${output}, not ${cosine}`);
  assert.deepEqual(errors, []);
}
