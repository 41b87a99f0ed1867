/** Reads files that are plain text in UTF-8, and refuses all others. */

import type { FileKind, ReadDocument, ReadResult } from "../reading/types.js";

/** What reads files; the work may take place in a worker. */
export interface FileReading {
  read(file: File, path: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ReadResult>;
  close(): void;
}

type Kinds = Pick<ReadDocument, "kind" | "cut">;

const TEXT: Kinds = { kind: "text", cut: "text" };
const KINDS: Readonly<Record<string, Kinds>> = {
  md: { kind: "markdown", cut: "markdown" },
  markdown: { kind: "markdown", cut: "markdown" },
  html: { kind: "page", cut: "html" },
  htm: { kind: "page", cut: "html" },
  csv: { kind: "table", cut: "csv" },
  json: { kind: "data", cut: "json" },
  jsonl: { kind: "data", cut: "json" },
  js: { kind: "code", cut: "code" },
  ts: { kind: "code", cut: "code" },
  py: { kind: "code", cut: "code" },
  rs: { kind: "code", cut: "code" },
};

/** Reads plain text. */
export class PlainReader implements FileReading {
  async *read(file: File, path: string): AsyncGenerator<ReadResult> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (bytes.includes(0)) return void (yield { path, code: "binary" });
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return void (yield { path, code: "encoding" });
    }
    if (text.trim() === "") return void (yield { path, code: "empty" });
    const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
    yield { path, text, ...kindOf(ending) };
  }

  close(): void {}
}

function kindOf(ending: string): { readonly kind: FileKind; readonly cut: ReadDocument["cut"] } {
  return Object.hasOwn(KINDS, ending) ? KINDS[ending]! : TEXT;
}
