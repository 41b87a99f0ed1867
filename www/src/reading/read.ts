/** The bytes of a file to its documents: by what they are, whatever the file's name is. */

import { readGzip, readZip } from "./archive.js";
import { readDocx } from "./docx.js";
import { isBinary } from "./encoding.js";
import { endingOf, formatOf, isArchive } from "./endings.js";
import { readEpub } from "./epub.js";
import { readMail, readSavedPage } from "./mail.js";
import { isMbox, readMbox } from "./mbox.js";
import { readNotebook } from "./notebook.js";
import { readOdf } from "./odf.js";
import { readText } from "./plain.js";
import { readPptx } from "./pptx.js";
import { readRtf } from "./rtf.js";
import { readOds, readXlsx } from "./sheets.js";
import type { ReadResult } from "./types.js";
import { Budget, bytesOf, nearby, Refused, refusalOf, Search, type Source, Work } from "./work.js";
import { Zip } from "./zip.js";
import { MOST_TEXT_BYTES } from "./limits.js";

const HEAD = 4096;

/** Reads a file. What cannot be read is said so; nothing is thrown but the reason of an abort. */
export async function* read(blob: Source, path: string, work: Work): AsyncGenerator<ReadResult> {
  if (!work.wants(path)) return;
  try {
    work.signal.throwIfAborted();
    if (path === work.search?.path) return void (work.search.found = blob);
    yield* readers(await nearby(blob), path, work);
  } catch (error) {
    work.signal.throwIfAborted();
    yield { path, ...refusalOf(error) };
  }
}

/** Returns the bytes of a part of a file, by the path that reading the file gave it. */
export async function partOf(blob: Source, path: string, part: string, signal: AbortSignal): Promise<Source | undefined> {
  const search = new Search(part);
  for await (const _ of read(blob, path, new Work(signal, new Budget(blob.size), search)));
  return search.found;
}

async function* readers(blob: Source, path: string, work: Work): AsyncGenerator<ReadResult> {
  const head = await bytesOf(blob, 0, Math.min(HEAD, blob.size));
  if (head.length === 0) throw new Refused("empty", "the file has no bytes");
  const begin = String.fromCharCode(...head.subarray(0, 1024));
  const ending = endingOf(path);
  if (begin.includes("%PDF-") && (begin.startsWith("%PDF-") || ending === "pdf")) {
    const { readPdf } = await import("./pdf.js");
    yield* readPdf(blob, path, work);
  } else if (/^PK(?:\x03\x04|\x05\x06)/.test(begin)) yield* readPacked(blob, path, work);
  else if (begin.startsWith("\x1f\x8b")) {
    if (ending !== "gz") throw new Refused("binary", "it is packed with gzip");
    yield* readGzip(blob, path, work, read);
  } else if (begin.startsWith("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) await refuseOld(blob);
  else if (begin.startsWith("{\\rtf")) {
    if (blob.size > MOST_TEXT_BYTES) throw new Refused("too-large", `the file has ${blob.size} bytes`);
    yield await readRtf(await bytesOf(blob), path, work);
  } else if (isBinary(head)) throw new Refused("binary", "it has zero bytes");
  else if (isMbox(head)) yield* readMbox(blob, path, work, read);
  else if (ending === "mbox") throw new Refused("damaged", "no message begins in it");
  else if (ending === "mht" || ending === "mhtml") yield await readSavedPage(blob, path, work);
  else if (ending === "eml") yield* readMail(blob, path, work, read);
  else if (isArchive(path) || (formatOf(path) && formatOf(path)?.cut === undefined)) {
    throw new Refused("damaged", `its bytes are not those of a .${ending} file`);
  } else if (ending === "ipynb") yield await readNotebook(blob, path, work);
  else yield await readText(blob, path, work);
}

/** Reads a zip archive, or one of the many formats that are one. */
async function* readPacked(blob: Source, path: string, work: Work): AsyncGenerator<ReadResult> {
  const zip = await Zip.open(blob);
  const has = (folder: string) => zip.entries.some(({ name }) => name.startsWith(folder));
  const type = await mediaType(zip, work);
  const open = /^application\/vnd\.oasis\.opendocument\.(text|presentation|spreadsheet)/.exec(type)?.[1];
  if (type === "application/epub+zip") yield* readEpub(zip, path, work);
  else if (open === "text") yield await readOdf(zip, path, "document", work);
  else if (open === "presentation") yield await readOdf(zip, path, "slides", work);
  else if (open === "spreadsheet") yield* readOds(zip, path, work);
  else if (zip.find("[Content_Types].xml") && has("word/")) yield* readDocx(zip, path, work);
  else if (zip.find("[Content_Types].xml") && has("ppt/")) yield* readPptx(zip, path, work);
  else if (zip.find("[Content_Types].xml") && has("xl/")) yield* readXlsx(zip, path, work);
  else if (endingOf(path) === "zip" || endingOf(path) === "") yield* readZip(zip, path, work, read);
  else if (formatOf(path)) throw new Refused("damaged", `it is an archive, but no .${endingOf(path)} file`);
  else throw new Refused("binary", "it is an archive of a program");
}

/** What OpenDocument and EPUB say that they are, in their first part. */
async function mediaType(zip: Zip, work: Work): Promise<string> {
  const entry = zip.find("mimetype");
  if (!entry || entry.size > 200) return "";
  return new TextDecoder().decode(await zip.bytes(entry, work, 200)).trim();
}

/** Refuses the containers of old Office, which hold the documents of new Office if these have a password. */
async function refuseOld(blob: Source): Promise<never> {
  const bytes = await bytesOf(blob, 0, Math.min(blob.size, 1 << 22));
  const name = Array.from("EncryptedPackage", (letter) => `${letter}\0`).join("");
  if (new TextDecoder("latin1").decode(bytes).includes(name)) throw new Refused("encrypted", "it needs a password");
  throw new Refused("binary", "it is a file of Office before 2007, or of Outlook: save it in a new format");
}
