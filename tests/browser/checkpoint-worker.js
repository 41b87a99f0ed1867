/** Makes a pack of a checkpoint as the packer's worker does, without wasm: what is packed is the weights as they are. */

// @ts-ignore: bundled from the sources
import * as packerModule from "../../pkg/src/checkpoint/packer.ts";
// @ts-ignore: bundled from the sources
import * as cacheModule from "../../pkg/src/store/caches.ts";
// @ts-ignore: bundled from the sources
import * as warningModule from "../../pkg/src/store/warning.ts";
import { hurry } from "./hurry.js";

/** @type {Pick<typeof import("../../pkg/dist/types/checkpoint/packer.js"), "makePack">} */
const { makePack } = /** @type {any} */ (packerModule);
/** @type {typeof import("../../pkg/dist/types/store/caches.js")} */
const { openCache } = /** @type {any} */ (cacheModule);
/** @type {typeof import("../../pkg/dist/types/store/warning.js")} */
const { cacheWarning } = /** @type {any} */ (warningModule);

/** @typedef {import("./store-harness.mjs").Make} Make */
/** @typedef {import("../../pkg/dist/types/checkpoint/packer.js").Making} Making */
/** @typedef {import("../../pkg/dist/types/checkpoint/packer.js").Packer} PackerInterface */

/** Bytes of the only shard. */
const SHARD = 500_000;

/** @implements {PackerInterface} */
class Packer {
  #at = 0;

  /** @param {ReadonlyMap<string, Uint8Array | undefined>} settings */
  constructor(settings) {
    if (settings.get("modules.json")) throw new Error("there is no modules.json");
  }

  /** @param {ReadonlyMap<string, Uint8Array | undefined>} files */
  static nextSettings(files) {
    return ["config.json", "modules.json"].find((file) => !files.has(file));
  }

  /** @returns {string[]} */
  static indexedFiles() {
    return [];
  }

  tokenizer() {
    return Uint8Array.of(1, 2, 3);
  }

  lengths() {
    return Float64Array.of(SHARD);
  }

  begin() {}
  beginFile() {}
  beginGguf() {}

  /** @type {PackerInterface["push"]} */
  push(piece, out) {
    out.write(0, this.#at, Uint8Array.from(piece));
    this.#at += piece.length;
  }

  endFile() {}

  testTexts() {
    return ["a text"];
  }

  /** @type {PackerInterface["draft"]} */
  draft([shard = ""]) {
    const tokenizer = { bytes: 3, sha256: "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81" };
    return new TextEncoder().encode(JSON.stringify({ tokenizer, shards: [{ bytes: SHARD, sha256: shard }] }));
  }

  /** @type {PackerInterface["manifest"]} */
  manifest(hashes) {
    return this.draft(hashes);
  }
}

const engine = { Engine: { create: async () => ({ testVectors: async () => new Float32Array(4) }) } };

self.addEventListener("message", async ({ data }) => {
  /** @type {Make} */
  const { model, hurry: times } = data;
  /** @type {string[]} */
  const warnings = [];
  if (times) hurry(times);
  try {
    const making = {
      model,
      packer: { default: async () => undefined, Packer },
      engine,
      cache: await openCache(),
      access: { credentials: "omit" },
      signal: new AbortController().signal,
      progress: () => undefined,
      failed: (/** @type {unknown} */ error) => void warnings.push(cacheWarning(error).code),
    };
    const { files, manifest } = await makePack(/** @type {Making} */ (/** @type {unknown} */ (making)));
    const { shards } = JSON.parse(new TextDecoder().decode(manifest));
    postMessage({ ok: true, warnings, unstored: files.size, shard: shards[0].sha256 });
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    postMessage({ ok: false, code, message, warnings });
  }
});
