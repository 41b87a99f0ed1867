/** The calls that make documents searchable: at once by words, and later by meaning. */

import type { Collection, Document } from "felsic/search";

/** How far the vectors are. */
export interface Made {
  /** Passages and tokens that have been embedded in this call. */
  readonly passages: number;
  readonly tokens: number;
}

/** What a collection has that makes vectors later. */
type Later = Collection & {
  complete(options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: { readonly passages: number; readonly tokens?: number }) => void;
  }): Promise<unknown>;
};

/** Passages that are found by words alone until their vectors are made. */
export function waitingOf(collection: Collection): number {
  return (collection.info as { readonly waiting?: number }).waiting ?? 0;
}

/** Adds documents. */
export async function addDocuments(collection: Collection, documents: readonly Document[], signal: AbortSignal): Promise<void> {
  const later = "complete" in collection ? { meaning: "later" } : {};
  await collection.add(documents, { signal, ...later });
}

/** Makes the vectors that are missing. */
export async function makeVectors(collection: Collection, signal: AbortSignal, report: (made: Made) => void): Promise<void> {
  if (!("complete" in collection)) return;
  await (collection as Later).complete({ signal, onProgress: ({ passages, tokens = 0 }) => report({ passages, tokens }) });
}
