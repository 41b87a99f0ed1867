/** What segments hold, in the form in which both live collections and indexes have it, and where texts are read from. */

import type { Document, DocumentKind } from "./types.js";

/** Where the bytes of a text are in a segment's `texts`. */
export interface TextPlace {
  readonly at: number;
  readonly bytes: number;
}

/** A passage in a segment's `documents`. */
export interface StoredPassage extends TextPlace {
  /** Offsets in the document's text, in UTF-16 units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** The headings above it; left out if there is none. */
  readonly trail?: readonly string[];
  /** What leads to it on the document's page, behind `#`. */
  readonly anchor?: string;
  /** The first 16 hexadecimal digits of the SHA-256 of what was embedded. */
  readonly hash: string;
  /** The same of its text, which is checked when it is read; an index has hashes of blocks instead. */
  readonly textHash?: string;
  /**
   * What stands above its text in what will be embedded. It is there as long as the passage waits for its vector, and has no row in
   * its segment; an index has no such passage.
   */
  readonly above?: string;
}

/** A document in a segment's `documents`. */
export interface StoredDocument extends Pick<Document, "id" | "title" | "url" | "tags" | "meta"> {
  readonly kind: DocumentKind;
  /** The first 16 hexadecimal digits of the SHA-256 of everything that decides what is embedded. */
  readonly hash: string;
  /** Whether the title was found in the text; live collections alone say so. */
  readonly foundTitle?: true;
  /** Where its whole text is; live collections alone have it. */
  readonly source?: TextPlace;
  /** When it was added, in milliseconds since 1970, while passages of it wait for their vectors: the newest are embedded first. */
  readonly since?: number;
  /** In the order of the rows of those that have one. */
  readonly passages: readonly StoredPassage[];
}

/** Whether a passage waits for its vector. */
export function waits({ above }: StoredPassage): boolean {
  return above !== undefined;
}

/** Returns how many passages of a document wait for their vectors. */
export function waitingOf({ passages }: StoredDocument): number {
  return passages.reduce((sum, passage) => sum + Number(waits(passage)), 0);
}

/** A segment's `documents`. */
export interface SegmentDocuments {
  readonly documents: readonly StoredDocument[];
  /** Ids of documents of earlier segments that are removed. */
  readonly removed: readonly string[];
  /** Names of segments that this one takes the place of. */
  readonly replaces: readonly string[];
}

/**
 * Reads the bytes of texts when they are needed: a live collection's from its segments' files, an index's from its server. Segments have the numbers that were given to `Contents.apply`.
 */
export interface TextSource {
  /** Returns exactly these bytes of a segment's `texts`; rejects with a `FelsicError` if that is impossible. */
  read(segment: number, at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>>;
}
