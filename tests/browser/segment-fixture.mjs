/** A sound segment of a collection, for tests of what may be wrong with one. */

import { createHash } from "node:crypto";

export const HEAD = { name: "docs", space: "s/3", model: "m", dimensions: 3, rows: 3, generation: 0, begins: false };
export const TEXTS = new TextEncoder().encode("one\n\ntwo — drei");

/** @returns {any} */
export function documents() {
  const hash = "0123456789abcdef";
  const passage = (/** @type {number} */ at, /** @type {number} */ bytes) => ({
    start: 0,
    end: 3,
    at,
    bytes,
    hash,
    textHash: hash,
  });
  return {
    documents: [
      { id: "a", title: "A", kind: "text", hash, source: { at: 0, bytes: 8 }, passages: [passage(0, 3), passage(5, 3)] },
      {
        id: "b",
        kind: "markdown",
        hash,
        tags: ["x"],
        meta: { a: [1, { b: null }] },
        passages: [{ ...passage(8, 8), trail: ["T"] }],
      },
      { id: "c", url: "/c", kind: "html", hash, foundTitle: true, passages: [] },
    ],
    removed: ["gone"],
    replaces: ["docs-000000000001.segment"],
  };
}

export const content = () => ({
  documents: documents(),
  scales: Float32Array.of(0.5, 1 / 127, 0.001),
  coarse: Int8Array.of(127, -127, 0, 1, 2, 3, 4, 5, 6),
  fine: Int8Array.of(-127, 127, 0, 9, 8, 7, 6, 5, 4),
  texts: TEXTS,
});

/** Where the header begins, behind its length and its hash. */
const START = 44;

/** The header of a segment, which is JSON. @param {Uint8Array} segment */
export function headerOf(segment) {
  const bytes = Buffer.from(segment);
  return bytes.subarray(START, START + bytes.readUInt32LE(8));
}

/** Puts another header before the sections of a segment, with its length and its hash. @param {Uint8Array} segment @param {Buffer} header */
export function withHeader(segment, header) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const hash = createHash("sha256").update(header).digest();
  return Buffer.concat([segment.subarray(0, 8), length, hash, header, segment.subarray(START + headerOf(segment).length)]);
}
