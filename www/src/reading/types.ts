/** What reading a file gives: documents for a collection, or the reason why there are none. */

import type { DocumentKind } from "felsic/search";

/** What a person calls a file. */
export type FileKind = "text" | "markdown" | "page" | "table" | "data" | "code" | "pdf" | "document" | "slides" | "book" | "mail";

/** A document that was read from a file; an archive or a mailbox gives several. */
export interface ReadDocument {
  /** Where it is: the file's path, and for a part of an archive or a mailbox, `/` and its name there. */
  readonly path: string;
  readonly kind: FileKind;
  readonly text: string;
  /** How a collection cuts the text. */
  readonly cut: DocumentKind;
  readonly title?: string;
  /** Where each page of a PDF, or each slide, begins in the text, in UTF-16 units; the first is 0. */
  readonly pages?: readonly number[];
  /** When it was written, in milliseconds since 1970, if the document itself says so (mail). */
  readonly date?: number;
}

/** Why a file, or a part of one, is not taken up. Messages for people are in the message table. */
export type RefusalCode =
  | "binary" // no text in it, or a format that is not read
  | "encoding" // text of an encoding that cannot be told
  | "empty" // no text, such as a scanned PDF
  | "encrypted" // needs a password
  | "damaged" // not what its name or its first bytes say
  | "too-large" // more than a document may have
  | "too-many" // an archive with too many parts, or parts in parts in parts
  | "unreadable"; // the browser does not give its bytes: gone, or not permitted

/** A file, or a part of one, that is not taken up. */
export interface Refusal {
  readonly path: string;
  readonly code: RefusalCode;
  /** What the reader found, in English, for a bug report. */
  readonly detail?: string;
}

/** One thing that a reader says about a file. */
export type ReadResult = ReadDocument | Refusal;
