/** Archives: each of their parts is read as a file of its own. */

import { isBinary } from "./encoding.js";
import { endingOf, nameOf } from "./endings.js";
import { DEEPEST_ARCHIVE, MOST_PART_BYTES } from "./limits.js";
import type { ReadPart } from "./mail.js";
import { Names } from "./names.js";
import type { ReadResult } from "./types.js";
import { nearby, Refused, refusalOf, type Source, type Work } from "./work.js";
import { gunzipped, type Zip } from "./zip.js";

/** What systems add to archives by themselves. */
const NOTHING = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)|\/$/;

/** Reads the parts of a zip archive. */
export async function* readZip(zip: Zip, path: string, work: Work, readPart: ReadPart): AsyncGenerator<ReadResult> {
  checkDepth(work);
  const names = new Names(path);
  let isEmpty = true;
  for (const entry of zip.entries) {
    if (NOTHING.test(entry.name.replaceAll("\\", "/"))) continue;
    isEmpty = false;
    const own = names.of(entry.name);
    if (!work.wants(own)) continue;
    let part: Source | undefined;
    try {
      work.budget.part();
      part = await unpacked(zip.chunks(entry, work, MOST_PART_BYTES));
    } catch (error) {
      work.signal.throwIfAborted();
      if (work.budget.isSpent) throw error;
      yield { path: own, ...refusalOf(error) };
    }
    if (part) yield* readPart(part, own, work.within());
    if (work.budget.isSpent) throw new Refused("too-large", "it unpacks to far more than it is");
  }
  if (isEmpty) throw new Refused("empty", "the archive has no files");
}

/** Reads the one file that gzip has packed. */
export async function* readGzip(blob: Source, path: string, work: Work, readPart: ReadPart): AsyncGenerator<ReadResult> {
  checkDepth(work);
  const name = nameOf(path);
  const own = new Names(path).of(endingOf(path) === "gz" ? name.slice(0, -3) : name);
  const part = await unpacked(gunzipped(blob, work, MOST_PART_BYTES));
  yield* readPart(part, own, work.within());
}

function checkDepth(work: Work): void {
  if (work.depth > DEEPEST_ARCHIVE) throw new Refused("too-many", "archives are in archives in archives");
}

/** Unpacks a part, unless its first bytes say that nobody can read it. */
async function unpacked(chunks: AsyncIterable<Uint8Array>): Promise<Source> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of chunks) {
    if (parts.length === 0 && isBinary(chunk)) throw new Refused("binary", "it has zero bytes");
    parts.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return nearby(new Blob(parts));
}
