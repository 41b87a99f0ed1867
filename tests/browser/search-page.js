/** Puts felsic/search on the empty page, and an embedder whose vectors cost nothing. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import * as searchModule from "./search.js";

/** @type {typeof import("felsic/search")} */
const search = searchModule;

const WORD = /[\p{L}\p{N}]+/gu;

/**
 * An embedder of bags of words: each word is a direction of its own, so that texts are as similar as they share words. `texts` has
 * everything that it has embedded; a call takes `delay` milliseconds for each text.
 */
class FakeEmbedder {
  /** @type {string[]} */
  texts = [];
  /** @type {string[]} */
  queries = [];
  counted = 0;
  delay = 0;

  /** @param {Partial<import("felsic/search").EmbedderInfo>} [info] */
  constructor(info = {}) {
    this.info = /** @type {const} */ ({
      model: "fake",
      dimensions: 64,
      maxTokens: 512,
      device: "cpu",
      kernel: "fake",
      format: "f32",
      space: "fake/64",
      prompts: [],
      ...info,
    });
  }

  /** @param {any} input @param {{ signal?: AbortSignal }} [options] @returns {Promise<any>} */
  async embed(input, { signal } = {}) {
    const texts = Array.isArray(input) ? input : [input];
    (Array.isArray(input) ? this.texts : this.queries).push(...texts);
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay * texts.length));
    if (signal?.aborted) throw new search.FelsicError("aborted", "aborted");
    const vectors = texts.map((text) => this.#vector(text));
    return Array.isArray(input) ? vectors : vectors[0];
  }

  /** @param {readonly string[]} texts */
  async countTokens(texts) {
    this.counted += texts.length;
    return texts.map((text) => 2 + (text.match(WORD)?.length ?? 0));
  }

  /** @param {string} text */
  #vector(text) {
    const vector = new Float32Array(this.info.dimensions);
    // So that no text is without a direction.
    vector[0] = 0.1;
    for (const [word] of text.toLowerCase().matchAll(WORD)) {
      let hash = 2166136261;
      for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 16777619) >>> 0;
      for (let at = 0; at < 4; at += 1) {
        hash = (Math.imul(hash, 1664525) + 1013904223) >>> 0;
        const component = hash % vector.length;
        vector[component] = Number(vector[component]) + (hash & 65536 ? 1 : -1);
      }
    }
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  }
}

Object.assign(globalThis, { search, FakeEmbedder });
