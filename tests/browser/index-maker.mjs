/** Makes a search index of given passages and vectors, in the form that `felsic index` writes. */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** @param {Uint8Array | string} bytes */
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const BLOCK = 16_384;

/**
 * A document whose text is its passages, one after another.
 *
 * @typedef {object} Made
 * @property {string} id
 * @property {string} [title]
 * @property {string} [url]
 * @property {string[]} [tags]
 * @property {Record<string, unknown>} [meta]
 * @property {{ text: string, trail?: string[], vector: ArrayLike<number> }[]} passages
 */

/**
 * Writes an index.
 *
 * @param {string} folder
 * @param {object} what
 * @param {Made[][]} what.segments
 * @param {string} what.words JSON of MiniSearch
 * @param {string} what.space
 * @param {object} what.model
 * @param {boolean} [what.fine]
 * @param {unknown} [what.calibration]
 * @param {(manifest: any) => void} [what.change] changes the manifest before it is written
 */
export function writeIndex(folder, { segments, words, space, model, fine = true, calibration, change }) {
  mkdirSync(folder, { recursive: true });
  const write = (/** @type {string} */ section, /** @type {Uint8Array} */ bytes) => {
    const hash = sha256(bytes);
    const file = `${hash.slice(0, 32)}.${section}`;
    writeFileSync(join(folder, file), bytes);
    return { file, bytes: bytes.length, sha256: hash };
  };
  const dimensions = segments[0]?.[0]?.passages[0]?.vector.length ?? 1;
  const manifest = {
    format: "felsic-index",
    version: 1,
    space,
    model,
    dimensions,
    passage: { tokens: 200, overlap: 30 },
    documents: segments.flat().length,
    passages: segments.flat().flatMap(({ passages }) => passages).length,
    ...(calibration !== undefined && { calibration }),
    segments: segments.map((documents) => writeSegment(documents, fine, write)),
    words: write("words", gzipSync(words)),
  };
  change?.(manifest);
  writeFileSync(join(folder, "index.json"), JSON.stringify(manifest));
  return manifest;
}

/**
 * @param {Made[]} made
 * @param {boolean} withFine
 * @param {(section: string, bytes: Uint8Array) => { file: string, bytes: number, sha256: string }} write
 */
function writeSegment(made, withFine, write) {
  const texts = Buffer.from(made.flatMap(({ passages }) => passages.map(({ text }) => text)).join(""));
  const vectors = made.flatMap(({ passages }) => passages.map(({ vector }) => row(vector)));
  const blocks = Array.from({ length: Math.ceil(texts.length / BLOCK) }, (_, block) =>
    sha256(texts.subarray(block * BLOCK, (block + 1) * BLOCK)),
  );
  const scales = new Float32Array(vectors.map(({ scale }) => scale));
  const coarse = vectors.map(({ coarse }) => new Uint8Array(coarse.buffer));
  return {
    rows: vectors.length,
    documents: write("documents", gzipSync(JSON.stringify({ documents: described(made), removed: [], replaces: [] }))),
    vectors: write("vectors", Buffer.concat([new Uint8Array(scales.buffer), ...coarse])),
    ...(withFine && { fine: write("fine", Buffer.concat(vectors.map(({ fine }) => new Uint8Array(fine.buffer)))) }),
    texts: { ...write("texts", texts), block: BLOCK, blocks },
  };
}

/** The entries of documents. @param {Made[]} made */
function described(made) {
  let at = 0;
  return made.map(({ passages, ...document }) => {
    let start = 0;
    return {
      ...document,
      kind: "text",
      hash: sha256(passages.map(({ text }) => text).join("")).slice(0, 16),
      passages: passages.map(({ text, trail }) => {
        const bytes = Buffer.byteLength(text);
        const passage = { start, end: start + text.length, at, bytes, ...(trail && { trail }), hash: sha256(text).slice(0, 16) };
        start += text.length;
        at += bytes;
        return passage;
      }),
    };
  });
}

/** A unit vector as a row. @param {ArrayLike<number>} vector */
function row(vector) {
  const values = Float64Array.from(vector);
  const scale = Math.fround(Math.max(...values.map(Math.abs)) / 127);
  const coarse = Int8Array.from(values, (value) => Math.round(value / scale));
  const limit = (/** @type {number} */ value) => Math.max(-127, Math.min(127, value));
  const fine = Int8Array.from(values, (value, index) => limit(Math.round((value / scale - (coarse[index] ?? 0)) * 254)));
  return { scale, coarse, fine };
}
