/** Segments and filters, without a browser: what is written is read again, and nothing that is damaged passes. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { searchModules } from "./search-modules.mjs";
import { HEAD, TEXTS, content, documents, headerOf, withHeader } from "./segment-fixture.mjs";
import { random } from "./store-harness.mjs";

/** Damaged segments that are tried; more on request. */
const DAMAGES = Number(process.env.FELSIC_FUZZ ?? 600);

/** @type {Awaited<ReturnType<typeof searchModules>>} */
let modules;

before(async () => {
  modules = await searchModules();
});

/** Reads everything of a segment. @param {Blob} blob */
async function readAll(blob) {
  const { openSegment, readDocuments, readRows, readSection } = modules.segments;
  const segment = await openSegment(blob);
  const read = { documents: await readDocuments(segment), rows: await readRows(segment) };
  return { header: segment.header, ...read, texts: await readSection(segment, "texts") };
}

/** How reading ends: nothing, or the code of the error. @param {Blob} blob */
async function codeOf(blob) {
  try {
    await readAll(blob);
    return undefined;
  } catch (error) {
    const { code, name, message } = /** @type {any} */ (error);
    return name === "FelsicError" ? code : `${name}: ${message}`;
  }
}

test("a segment is read as it was written", async () => {
  const bytes = await modules.segments.encodeSegment(HEAD, content());
  const { header, documents: read, rows, texts } = await readAll(new Blob([bytes]));
  const { documents: written, scales, coarse, fine } = content();
  assert.deepEqual(read, written);
  assert.deepEqual([rows.scales, rows.coarse, rows.fine], [scales, coarse, fine]);
  assert.deepEqual(texts, TEXTS);
  const { sections: _, ...head } = header;
  assert.deepEqual(head, HEAD);
});

test("a segment without passages that wait has the bytes that it always had", async () => {
  const bytes = await modules.segments.encodeSegment(HEAD, content());
  const hash = createHash("sha256").update(bytes).digest("hex");
  assert.equal(hash, "f5f3db9034e132d7a9b8591c21be738ff3d4201267cd757635f98f963069920f");
});

/** The content without a vector of the first passage. */
function waiting() {
  const all = documents();
  Object.assign(all.documents[0], { since: 1_800_000_000_000 }).passages[0].above = "A\n";
  const { scales, coarse, fine } = content();
  return { ...content(), documents: all, scales: scales.slice(1), coarse: coarse.slice(3), fine: fine.slice(3) };
}

const WAITING_HEAD = { ...HEAD, rows: 2, waiting: 1 };

test("a passage that waits for its vector has none in its segment, and both agree about it", async () => {
  const { encodeSegment } = modules.segments;
  const { header, documents: read, rows } = await readAll(new Blob([await encodeSegment(WAITING_HEAD, waiting())]));
  assert.deepEqual([header.rows, header.waiting, rows.scales.length], [2, 1, 2]);
  assert.deepEqual(read, waiting().documents);
  /** @type {Record<string, (all: any) => unknown>} */
  const changes = {
    "none that waits": ([first]) => (delete first.passages[0].above, delete first.since),
    "one more that waits": ([first]) => (first.passages[1].above = ""),
    "what is embedded is no text": ([first]) => (first.passages[0].above = 3),
    "a time that is none": ([first]) => (first.since = -1),
    "no time": ([first]) => delete first.since,
    "a time of a document that does not wait": ([, second]) => (second.since = 1),
  };
  for (const [name, change] of Object.entries(changes)) {
    const damaged = waiting();
    change(damaged.documents.documents);
    assert.equal(await codeOf(new Blob([await encodeSegment(WAITING_HEAD, damaged)])), "index-invalid", name);
  }
  // An index has no such passage.
  const damaged = (/** @type {string} */ why) => /** @type {any} */ (new Error(why));
  const check = () => modules["stored-check"].checkedDocuments(waiting().documents, { rows: 2, texts: TEXTS.length }, damaged);
  assert.throws(check, /1 passages without a vector instead of 0/);
  for (const count of [0, 2, -1, 0.5, "1", null]) {
    const head = { ...WAITING_HEAD, waiting: /** @type {any} */ (count) };
    assert.equal(await codeOf(new Blob([await encodeSegment(head, waiting())])), "index-invalid", `${count} wait`);
  }
});

test("a segment with any byte changed, cut off or added is index-invalid", async () => {
  const bytes = await modules.segments.encodeSegment(HEAD, content());
  const next = random(7);
  const some = (/** @type {number} */ most) => Math.floor(next() * most);
  for (let round = 0; round < DAMAGES; round += 1) {
    let damaged = bytes.slice();
    const [kind, at] = [some(4), some(bytes.length)];
    if (kind === 0) damaged = damaged.slice(0, at);
    else if (kind === 1) damaged = new Uint8Array([...damaged.subarray(0, at), some(256), ...damaged.subarray(at)]);
    else if (kind === 2) damaged[at] = Number(damaged[at]) ^ (1 << some(8));
    else damaged.fill(some(256), at, at + 1 + some(9));
    if (Buffer.compare(damaged, bytes) === 0) continue;
    assert.equal(await codeOf(new Blob([damaged])), "index-invalid", `kind ${kind} at ${at} of ${bytes.length}`);
  }
});

/** A segment whose header is changed, with the right hash. @param {(header: any) => unknown} change */
async function changedHeader(change) {
  const segment = await modules.segments.encodeSegment(HEAD, content());
  const header = JSON.parse(headerOf(segment).toString());
  return new Blob([withHeader(segment, Buffer.from(JSON.stringify(change(header) ?? header)))]);
}

test("hostile headers are index-invalid", async () => {
  /** @type {Record<string, (header: any) => unknown>} */
  const changes = {
    null: () => "null",
    "a list": () => [],
    "no name": (header) => void delete header.name,
    "no space": (header) => void (header.space = 3),
    "no dimensions": (header) => void (header.dimensions = 0),
    "dimensions without end": (header) => void (header.dimensions = 1e15),
    "half a row": (header) => void (header.rows = 2.5),
    "negative rows": (header) => void (header.rows = -1),
    "rows without end": (header) => void (header.rows = Number.MAX_SAFE_INTEGER),
    "no generation": (header) => void (header.generation = "1"),
    "no beginning": (header) => void (header.begins = 1),
    "no sections": (header) => void (header.sections = null),
    "a section less": (header) => void delete header.sections.fine,
    "a section elsewhere": (header) => void (header.sections.texts.at = 0),
    "a negative section": (header) => void (header.sections.rows.bytes = -5),
    "a long section": (header) => void (header.sections.texts.bytes = 2 ** 53),
    "no hash": (header) => void (header.sections.rows.sha256 = "0"),
    "another hash": (header) => void (header.sections.fine.sha256 = "0".repeat(64)),
    __proto__: () => JSON.parse('{"__proto__":{"name":"docs"}}'),
  };
  for (const [name, change] of Object.entries(changes))
    assert.equal(await codeOf(await changedHeader(change)), "index-invalid", name);
  assert.equal(await codeOf(await changedHeader(() => undefined)), undefined);
});

test("hostile documents are index-invalid, although their hash is right", async () => {
  /** @type {Record<string, (documents: any) => unknown>} */
  const changes = {
    null: () => null,
    "a text": () => "documents",
    "no documents": () => ({}),
    "documents that are none": (all) => void (all.documents = [null, 3]),
    "an id that is none": (all) => void (all.documents[0].id = 7),
    "an empty id": (all) => void (all.documents[0].id = ""),
    "a long id": (all) => void (all.documents[0].id = "i".repeat(1025)),
    "one id twice": (all) => void (all.documents[1].id = "a"),
    "an unknown kind": (all) => void (all.documents[0].kind = "pdf"),
    "a title that is none": (all) => void (all.documents[0].title = {}),
    "tags that are none": (all) => void (all.documents[1].tags = [3]),
    "meta that is none": (all) => void (all.documents[1].meta = []),
    // Results are copied from the worker to the page, which takes as much of the stack as it is deep.
    "deep meta": (all) => void (all.documents[1].meta = { a: JSON.parse("[".repeat(200) + "]".repeat(200)) }),
    "no hash": (all) => void (all.documents[0].hash = "x"),
    "a passage less": (all) => void all.documents[0].passages.pop(),
    "a passage that is none": (all) => void (all.documents[0].passages[0] = 1),
    "a passage outside": (all) => void (all.documents[0].passages[0].at = TEXTS.length),
    "a passage that overflows": (all) =>
      Object.assign(all.documents[0].passages[0], { at: 2 ** 53 - 2, bytes: 2 ** 53 - 2 }) && undefined,
    "a negative passage": (all) => void (all.documents[0].passages[0].at = -1),
    "a passage that ends before it starts": (all) => void (all.documents[0].passages[0].end = -1),
    "a trail that is none": (all) => void (all.documents[1].passages[0].trail = "T"),
    "an anchor that is none": (all) => void (all.documents[1].passages[0].anchor = ["T"]),
    "a source outside": (all) => void (all.documents[0].source.bytes = 999),
    "removed ids that are none": (all) => void (all.removed = [1]),
    "replaced segments that are none": (all) => void (all.replaces = {}),
  };
  for (const [name, change] of Object.entries(changes)) {
    const all = documents();
    const made = change(all);
    const bytes = await modules.segments.encodeSegment(HEAD, { ...content(), documents: made === undefined ? all : made });
    assert.equal(await codeOf(new Blob([bytes])), "index-invalid", name);
  }
  const deep = await modules.segments.encodeSegment(HEAD, {
    ...content(),
    documents: /** @type {any} */ ({ toJSON: undefined, documents: [], removed: [], replaces: [] }),
  });
  assert.equal(await codeOf(new Blob([deep])), "index-invalid", "fewer passages than rows");
  for (const scale of [0, -1, NaN, Infinity]) {
    const bytes = await modules.segments.encodeSegment(HEAD, { ...content(), scales: Float32Array.of(1, scale, 1) });
    assert.equal(await codeOf(new Blob([bytes])), "index-invalid", `scale ${scale}`);
  }
});

test("names of collections survive in names of files, and never meet", async () => {
  const { prefixOf, segmentName, segmentNumber, belongsTo, nextNumber } = modules.files;
  const names = [
    "a",
    "A",
    "a-1",
    "a-000000000001.segment",
    "a.b",
    "a b",
    "名",
    "%61",
    "~a",
    "-",
    "..",
    "con",
    "x".repeat(121),
    "x".repeat(1024),
  ];
  const prefixes = await Promise.all(names.map(prefixOf));
  assert.equal(new Set(prefixes.map((prefix) => prefix.toLowerCase())).size, names.length);
  for (const prefix of prefixes) {
    assert.match(prefix, /^[a-z0-9_%~]{1,120}$/);
    const file = segmentName(prefix, 42);
    assert.deepEqual(
      prefixes.map((other) => segmentNumber(other, file)),
      prefixes.map((other) => (other === prefix ? 42 : undefined)),
    );
    assert.ok(belongsTo(prefix, `${file}.part`));
  }
  assert.ok(nextNumber(0) > 1e11 && nextNumber(999_999_999_998) === 999_999_999_999);
});

test("a filter is checked, and copied", () => {
  const { checkedWhere, matcher } = modules.where;
  const where = { tags: ["a", "b"], size: { gt: 3, not: 5 } };
  const checked = checkedWhere(where);
  where.tags.push("c");
  assert.deepEqual(checked, { tags: ["a", "b"], size: { gt: 3, not: 5 } });
  const fits = matcher(checkedWhere({ __proto__x: 1 }) ?? {});
  assert.equal(fits({ id: "a", meta: {} }), false);
  assert.equal(matcher({ constructor: null })({ id: "a", meta: {} }), true, "what every object has is no field");
  assert.throws(() => checkedWhere({ a: { near: 3 } }), { code: "input-invalid" });
});
