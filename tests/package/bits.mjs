/**
 * The vectors of five texts by the built-in model, bit for bit: Node's test and the browser's compare theirs with tests/fixtures/bits.json.
 * `node tests/package/bits.mjs` writes that file anew, which is only right after a change of the model.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const file = join(resolve(import.meta.dirname, "../.."), "tests/fixtures/bits.json");

const TEXTS = [
  "A cat sleeps on the sill.",
  "How do I undo a commit that I have already pushed?",
  "",
  "  Grüße aus Kraków, 東京 und Δελφοί — 🪨 with white space at both ends \n",
  "Granite is a coarse rock of quartz, feldspar and mica that has cooled slowly, deep in the crust of the earth. ".repeat(40),
];

/** The texts, and for each the bytes of its vector (f32, little-endian) in hexadecimal. */
export function golden() {
  return /** @type {{ texts: string[], vectors: string[] }} */ (JSON.parse(readFileSync(file, "utf8")));
}

/** @param {Float32Array} vector */
export function hex({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { Embedder } = await import("felsic");
  const embedder = await Embedder.create();
  const vectors = (await embedder.embed(TEXTS)).map(hex);
  writeFileSync(file, `${JSON.stringify({ texts: TEXTS, vectors }, undefined, 2)}\n`);
}
