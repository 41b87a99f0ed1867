/** Copies of the memory, JSON lines as collections write them, in the extension's private files: a view saves them as a download. */

import { pageAddress, siteOf } from "../shared/addresses.js";
import { COPIES, SAVING } from "../shared/copies.js";
import { ExtensionError } from "../shared/errors.js";
import type { PageRecord } from "../shared/messages.js";

/** Opens a copy; without a name, makes room for a new one, and removes older ones. */
export async function copyFile(name?: string): Promise<{ name: string; handle: FileSystemFileHandle }> {
  const root = await navigator.storage.getDirectory();
  if (name === undefined) await root.removeEntry(COPIES, { recursive: true }).catch(() => {});
  const folder = await root.getDirectoryHandle(COPIES, { create: true });
  const chosen = name ?? `memory-${Date.now()}.jsonl`;
  return { name: chosen, handle: await folder.getFileHandle(chosen, { create: name === undefined }) };
}

/** Removes copies that are left over: a view that was closed early does not remove its own. */
export async function dropCopies(): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(COPIES).catch(() => undefined);
  for await (const [name, handle] of folder?.entries() ?? []) {
    if (handle.kind !== "file") continue;
    const { lastModified } = await (handle as FileSystemFileHandle).getFile();
    if (Date.now() - lastModified > SAVING) await folder?.removeEntry(name).catch(() => {});
  }
}

/** Returns the pages of a copy, each once; rejects with `input-invalid` if anything in it is not a page. */
export async function pagesIn(file: Blob): Promise<PageRecord[]> {
  const pages = new Map<string, PageRecord>();
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (line.trim() === "") continue;
    const page = pageOf(line, number);
    const known = pages.get(page.id);
    pages.set(page.id, known ? { ...known, bytes: known.bytes + page.bytes } : page);
  }
  return [...pages.values()];
}

async function* linesOf(file: Blob): AsyncGenerator<string> {
  let rest = "";
  const reader = file
    .stream()
    .pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = done ? "" : (lines.pop() ?? "");
      yield* lines;
      if (done) return;
    }
  } catch (cause) {
    throw cause instanceof TypeError ? new ExtensionError("input-invalid", "the copy is not UTF-8", { cause }) : cause;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function pageOf(line: string, number: number): PageRecord {
  const wrong = (what: string) => new ExtensionError("input-invalid", `line ${number} of the copy: ${what}`);
  let fields: { readonly [name: string]: unknown } | null;
  try {
    fields = JSON.parse(line);
  } catch {
    throw wrong("it is not JSON; choose a file that this page has saved");
  }
  if (typeof fields !== "object" || fields === null) throw wrong("it is not an object");
  const { id, title, url, source, text } = fields;
  const address = pageAddress(typeof url === "string" ? url : id);
  if (typeof id !== "string" || !address || !pageAddress(id)) throw wrong("it is not about a web page");
  const meta = (typeof fields["meta"] === "object" ? fields["meta"] : null) as { readonly [name: string]: unknown } | null;
  const time = (name: string) => {
    const value = meta?.[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(`it has no time "${name}"`);
    return value;
  };
  const [first, last] = [time("first"), time("last")];
  if (meta?.["site"] !== siteOf(address)) throw wrong(`its site is not that of ${address.href}`);
  return {
    id,
    url: address.href,
    title: typeof title === "string" ? title : address.href,
    site: siteOf(address),
    first,
    last,
    visits: first === last ? [last] : [first, last],
    bytes: (typeof source === "string" ? source.length : 0) + (typeof text === "string" ? text.length : 0),
  };
}
