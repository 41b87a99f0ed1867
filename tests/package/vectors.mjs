/** Prints which processor and kernels made vectors of some texts, and the SHA-256 of their bits: `node vectors.mjs plain | relaxed`. */

import { createHash } from "node:crypto";
import { Embedder } from "felsic";

const TEXTS = [
  "a cat",
  "The quick brown fox jumps over the lazy dog.",
  "漢字 and Äpfel, 12,345 of them; don't panic.",
  "x ".repeat(120),
  `${"granite ".repeat(40)}river`,
];

const simd = /** @type {import("felsic").Simd} */ (process.argv[2] ?? "auto");
const embedder = await Embedder.create({ workers: 1, simd, cache: "none" });
const hash = createHash("sha256");
for (const { buffer, byteOffset, byteLength } of await embedder.embed(TEXTS))
  hash.update(new Uint8Array(buffer, byteOffset, byteLength));
console.log(process.arch, embedder.info.kernel, hash.digest("hex"));
embedder.destroy();
