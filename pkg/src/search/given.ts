/** Passages as files have them, seen from the worker: those of a live collection, and documents whose passages and vectors are given. */

import { storedPassage, Texts } from "./batch.js";
import { fieldsOf, type Held } from "./contents.js";
import type { LiveCollection } from "./live.js";
import type { Committed, GivenDocument } from "./protocol.js";
import { gathered, rowsOf, type SegmentContent, type VectorAt } from "./segments.js";
import type { StoredDocument } from "./stored.js";
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
  const vectors = await live.vectorsOf(held);
  const source = held.stored.source && (await live.contents.whole(id));
  // Replaced or removed while it was read: then it is read anew.
  if (live.contents.get(id)?.stored !== held.stored || texts.includes(undefined)) return passagesOfOne(live, id);
  return passageRows(held, { texts: texts as string[], source, vectors });
}

/** What has been read of a document's passages. */
interface ReadPassages {
  readonly texts: readonly string[];
  readonly source: string | undefined;
  readonly vectors: readonly (VectorAt | undefined)[];
}

function passageRows({ stored }: Held, { texts, source, vectors }: ReadPassages): PassageRow[] {
  const { title, url, tags, meta, kind, id } = stored;
  const document = {
    id,
    ...(title !== undefined && { title }),
    ...(url !== undefined && { url }),
    ...(tags !== undefined && { tags }),
    ...(meta !== undefined && { meta }),
    kind,
  };
  return stored.passages.map(({ start, end, trail, anchor }, at) => {
    const vector = vectors[at];
    return {
      ...document,
      start,
      end,
      ...(trail && { trail }),
      ...(anchor !== undefined && { anchor }),
      text: texts[at]!,
      ...(at === 0 && source !== undefined && { source }),
      ...(vector ? { vector: valuesOf(vector) } : { waits: true }),
    };
  });
}

/** The vector that a row stands for. */
function valuesOf([{ scales, coarse, fine }, row]: VectorAt): Float32Array<ArrayBuffer> {
  const scale = scales[row]!;
  const dimensions = coarse.length / scales.length;
  const at = row * dimensions;
  return Float32Array.from({ length: dimensions }, (_, i) => scale * (coarse[at + i]! + fine[at + i]! / FINE));
}

/** Writes documents whose passages and vectors are given: all of them, or none. Those that are there already, the same, are left out. */
export async function put(
  live: LiveCollection,
  documents: readonly GivenDocument[],
  vectors: Float32Array<ArrayBuffer>,
): Promise<Committed> {
  const { module, embedder } = live;
  const { dimensions } = embedder;
  const count = documents.reduce((sum, { passages }) => sum + passages.length, 0);
  const rows = rowsOf(module, vectors, { count, dimensions });
  const fresh: Fresh[] = [];
  let at = 0;
  for (const document of documents) {
    const hash = await shortHash(
      JSON.stringify(["given", document.kind, document.title ?? null, document.source ?? null, document.passages]),
    );
    const stored = live.contents.get(document.id)?.stored;
    const isThere = stored?.hash === hash && fieldsOf(stored) === fieldsOf({ ...NO_FIELDS, ...document });
    const first = at;
    if (!isThere) fresh.push({ document, hash, vectors: document.passages.map((_, i) => [rows, first + i]) });
    at += document.passages.length;
  }
  const unchanged = documents.length - fresh.length;
  if (fresh.length === 0) return { added: 0, updated: 0, unchanged, passages: 0 };
  const content = await contentOf(fresh, dimensions);
  let updated = 0;
  await live.write(async () => {
    if (live.isOther) throw live.needsReindex();
    updated = fresh.filter(({ document }) => live.contents.get(document.id)).length;
    return live.writing(content);
  });
  return { added: fresh.length - updated, updated, unchanged, passages: content.scales.length };
}

const NO_FIELDS = { url: undefined, tags: undefined, meta: undefined };

/** A document that is written. */
interface Fresh {
  readonly document: GivenDocument;
  readonly hash: string;
  readonly vectors: readonly VectorAt[];
}

async function contentOf(given: readonly Fresh[], dimensions: number): Promise<SegmentContent> {
  const texts = new Texts();
  const documents: StoredDocument[] = [];
  for (const { document, hash } of given) {
    const { passages, source: whole, ...fields } = document;
    const source = whole === undefined ? undefined : texts.add(whole);
    const places = source ? texts.addSlices(source, whole!, passages) : passages.map(({ text }) => texts.add(text));
    const stored = passages.map(async (passage, at) => storedPassage(passage, places[at]!, await shortHash(passage.input)));
    documents.push({ ...fields, hash, ...(source && { source }), passages: await Promise.all(stored) });
  }
  const rows = gathered(
    given.flatMap(({ vectors }) => vectors),
    dimensions,
  );
  return { ...rows, documents: { documents, removed: [], replaces: [] }, texts: texts.bytes() };
}
