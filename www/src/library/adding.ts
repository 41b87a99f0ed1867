/** The calls that make documents searchable: at once by words, and later by meaning. */

import type { Collection, Document } from "felsic/search";

/** How far the vectors are. */
export interface Made {
  /** Passages and tokens that have been embedded in this call. */
  readonly passages: number;
  readonly tokens: number;
}

/** Adds documents, which words find at once. */
export async function addDocuments(collection: Collection, documents: readonly Document[], signal: AbortSignal): Promise<void> {
  await collection.add(documents, { signal, meaning: "later" });
}

/** Makes the vectors that are missing; those of a model that was there before are all missing. */
export async function makeVectors(collection: Collection, signal: AbortSignal, report: (made: Made) => void): Promise<void> {
  if (collection.info.state === "ready") {
    return collection.complete({ signal, onProgress: ({ done, tokens }) => report({ passages: done, tokens }) });
  }
  await collection.reindex({ signal, onProgress: ({ passages, tokens }) => report({ passages, tokens }) });
}
