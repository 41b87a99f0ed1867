/** Passages as files have them, seen from the worker: those of a live collection, and documents whose passages and vectors are given. */

import { Texts } from "./batch.js";
import { fieldsOf, type Held } from "./contents.js";
import type { LiveCollection } from "./live.js";
import type { Committed, GivenDocument } from "./protocol.js";
import type { RowsData, SegmentContent } from "./segments.js";
import { type StoredDocument, type StoredPassage, waits } from "./stored.js";
import { shortHash } from "./texts.js";
import type { PassageRow } from "./transfer-rows.js";

/** What a fine component counts, in coarse ones. */
const FINE = 254;

/** Returns the passages of documents with their vectors, as far as the documents are still there. */
export async function passagesOf(live: LiveCollection, ids: readonly string[]): Promise<PassageRow[]> {
  const rows: PassageRow[] = [];
  for (const id of ids) rows.push(...(await passagesOfOne(live, id)));
  return rows;
}

async function passagesOfOne(live: LiveCollection, id: string): Promise<PassageRow[]> {
  const held = live.contents.get(id);
  if (!held) return [];
  const texts = await Promise.all(held.stored.passages.map((_, at) => live.contents.text(held.row + at)));
  const data = await live.rowsOf(held);
  const source = held.stored.source && (await live.contents.whole(id));
  // Replaced or removed while it was read: then it is read anew.
  if (live.contents.get(id)?.stored !== held.stored || texts.includes(undefined)) return passagesOfOne(live, id);
  return rowsOf(held, { texts: texts as string[], source, data });
}

function rowsOf(
  { stored }: Held,
  { texts, source, data }: { readonly texts: readonly string[]; readonly source: string | undefined; readonly data: RowsData },
): PassageRow[] {
  const { title, url, tags, meta, kind, id } = stored;
  const document = {
    id,
    ...(title !== undefined && { title }),
    ...(url !== undefined && { url }),
    ...(tags !== undefined && { tags }),
    ...(meta !== undefined && { meta }),
    kind,
  };
  const dimensions = data.coarse.length / Math.max(data.scales.length, 1);
  let row = 0;
  return stored.passages.map((passage, at) => {
    const { start, end, trail, anchor } = passage;
    return {
      ...document,
      start,
      end,
      ...(trail && { trail }),
      ...(anchor !== undefined && { anchor }),
      text: texts[at]!,
      ...(at === 0 && source !== undefined && { source }),
      ...(waits(passage) ? { waits: true } : { vector: vectorOf(data, row++, dimensions) }),
    };
  });
}

/** The vector that a row stands for. */
function vectorOf({ scales, coarse, fine }: RowsData, row: number, dimensions: number): Float32Array<ArrayBuffer> {
  const scale = scales[row]!;
  const at = row * dimensions;
  return Float32Array.from({ length: dimensions }, (_, i) => scale * (coarse[at + i]! + fine[at + i]! / FINE));
}

/** Writes documents whose passages and vectors are given: all of them, or none. Those that are there already, the same, are left out. */
export async function put(
  live: LiveCollection,
  documents: readonly GivenDocument[],
  vectors: Float32Array<ArrayBuffer>,
): Promise<Committed> {
  const { dimensions } = live.embedder;
  const fresh: { readonly document: GivenDocument; readonly hash: string; readonly vectors: Float32Array<ArrayBuffer> }[] = [];
  let at = 0;
  for (const document of documents) {
    const hash = await shortHash(
      JSON.stringify(["given", document.kind, document.title ?? null, document.source ?? null, document.passages]),
    );
    const end = at + document.passages.length * dimensions;
    const stored = live.contents.get(document.id)?.stored;
    const isThere = stored?.hash === hash && fieldsOf(stored) === fieldsOf({ ...NO_FIELDS, ...document });
    if (!isThere) fresh.push({ document, hash, vectors: vectors.subarray(at, end) });
    at = end;
  }
  const unchanged = documents.length - fresh.length;
  if (fresh.length === 0) return { added: 0, updated: 0, unchanged, passages: 0 };
  const content = await contentOf(live, fresh);
  let updated = 0;
  await live.write(async () => {
    if (live.isOther) throw live.needsReindex();
    updated = fresh.filter(({ document }) => live.contents.get(document.id)).length;
    return live.writing(content);
  });
  return { added: fresh.length - updated, updated, unchanged, passages: content.scales.length };
}

const NO_FIELDS = { url: undefined, tags: undefined, meta: undefined };

async function contentOf(
  { module, embedder: { dimensions } }: LiveCollection,
  given: readonly { readonly document: GivenDocument; readonly hash: string; readonly vectors: Float32Array<ArrayBuffer> }[],
): Promise<SegmentContent> {
  const rows = new module.Rows(dimensions);
  try {
    for (const { vectors } of given) rows.add(vectors);
    const texts = new Texts();
    const documents: StoredDocument[] = [];
    for (const { document, hash } of given) {
      const { passages, source: whole, ...fields } = document;
      const source = whole === undefined ? undefined : texts.add(whole);
      const places = source ? texts.addSlices(source, whole!, passages) : passages.map(({ text }) => texts.add(text));
      const stored: StoredPassage[] = [];
      for (const { start, end, trail, anchor, text, input } of passages) {
        const hashes = { hash: await shortHash(input), textHash: await shortHash(text) };
        const above = { ...(trail.length > 0 && { trail }), ...(anchor !== undefined && { anchor }) };
        stored.push({ start, end, ...places[stored.length]!, ...above, ...hashes });
      }
      documents.push({ ...fields, hash, ...(source && { source }), passages: stored });
    }
    const fine = rows.fine(0, rows.length);
    if (!fine) throw new Error("rows that were just made have fine components");
    return {
      scales: rows.scales(0, rows.length),
      coarse: rows.coarse(0, rows.length),
      fine,
      documents: { documents, removed: [], replaces: [] },
      texts: texts.bytes(),
    };
  } finally {
    rows.free();
  }
}
