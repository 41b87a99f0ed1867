/** Books: the chapters in the order of their spine, with the titles that the table of contents gives them. */

import { decode } from "./encoding.js";
import { addHtml, htmlTitle } from "./html.js";
import { MOST_TEXT_BYTES, MOST_TOLD } from "./limits.js";
import { Markdown, oneLine, titleOf } from "./markdown.js";
import { resolved } from "./office.js";
import type { ReadResult, Refusal } from "./types.js";
import { Refused, refusalOf, type Work } from "./work.js";
import { readXml } from "./xml.js";
import type { Entry, Zip } from "./zip.js";

interface Package {
  title: string | undefined;
  /** The parts of the spine, in order. */
  chapters: string[];
  /** The tables of contents: that of EPUB 3 and that of EPUB 2. */
  contents: { nav?: string; ncx?: string };
}

export async function* readEpub(zip: Zip, path: string, work: Work): AsyncGenerator<ReadResult> {
  const book = await readPackage(zip, await packagePart(zip, work), work);
  const titles = await chapterTitles(zip, book, work);
  const locked = await lockedParts(zip, work);
  const document = new Markdown();
  const missing: Refusal[] = [];
  for (const chapter of book.chapters) {
    try {
      await addChapter(zip, chapter, titles.get(chapter), locked, document, work);
    } catch (error) {
      work.signal.throwIfAborted();
      if (work.budget.isSpent || (error instanceof Refused && error.code === "too-large")) throw error;
      missing.push({ path: `${path}/${chapter}`, ...refusalOf(error) });
    }
  }
  if (document.isEmpty && missing[0]) throw new Refused(missing[0].code, missing[0].detail ?? "");
  const { text } = document.finish();
  const title = titleOf(book.title, document.title);
  yield { path, kind: "book", text, cut: "markdown", ...(title !== undefined && { title }) };
  // One bad chapter keeps no other out, and is told.
  yield* missing.slice(0, MOST_TOLD);
}

async function packagePart(zip: Zip, work: Work): Promise<string> {
  const container = zip.find("META-INF/container.xml");
  let part: string | undefined;
  if (container)
    await readXml(zip, container, work, { open: (name, { "full-path": path }) => void (name === "rootfile" && (part ??= path)) });
  part = part === undefined || !zip.find(part) ? zip.entries.find(({ name }) => name.endsWith(".opf"))?.name : part;
  if (part === undefined) throw new Refused("damaged", "it has no package document");
  return part;
}

async function readPackage(zip: Zip, part: string, work: Work): Promise<Package> {
  const entry = found(zip, part);
  const items = new Map<string, string>();
  const spine: string[] = [];
  const contents: Package["contents"] = {};
  let title: string | undefined;
  let isTitle = false;
  await readXml(zip, entry, work, {
    open(name, { id, href, properties, idref, "media-type": type }) {
      isTitle = name === "title" && title === undefined;
      if (name === "itemref" && idref !== undefined) spine.push(idref);
      if (name !== "item" || id === undefined || href === undefined) return;
      const target = resolved(part, unquoted(href));
      items.set(id, target);
      if (properties?.split(/\s+/).includes("nav")) contents.nav = target;
      if (type === "application/x-dtbncx+xml") contents.ncx = target;
    },
    text: (text) => void (isTitle && (title = `${title ?? ""}${text}`.slice(0, 2000))),
    close: () => void (isTitle = false),
  });
  const chapters = spine.map((id) => items.get(id)).filter((chapter) => chapter !== undefined && chapter !== contents.nav);
  return { title, chapters: [...new Set(chapters as string[])], contents };
}

/** The titles of chapters by their parts; where several begin in one part, the part has the first. */
async function chapterTitles(zip: Zip, { contents }: Package, work: Work): Promise<Map<string, string>> {
  const titles = new Map<string, string>();
  const part = contents.nav ?? contents.ncx;
  const entry = part === undefined ? undefined : zip.find(part);
  if (part === undefined || !entry) return titles;
  let [words, target, isText] = ["", undefined as string | undefined, false];
  const keep = () => {
    if (target !== undefined && oneLine(words) !== "" && !titles.has(target)) titles.set(target, oneLine(words));
    [words, target] = ["", undefined];
  };
  const partOf = (href: string | undefined) => href && resolved(part, unquoted(href.replace(/#.*/, "")));
  try {
    await readXml(zip, entry, work, {
      open(name, { href, src }) {
        if (name === "a") [words, target, isText] = ["", partOf(href), true];
        else if (name === "navLabel") [words, isText] = ["", true];
        else if (name === "content") {
          target = partOf(src);
          keep();
        }
      },
      text: (text) => void (isText && (words += text.slice(0, 1000))),
      close(name) {
        if (name === "a") keep();
        if (name === "a" || name === "navLabel") isText = false;
      },
    });
  } catch {
    // A book without titles of its chapters is a book.
    work.signal.throwIfAborted();
  }
  return titles;
}

/** The parts that only a shop's program can open; fonts are often made unreadable, too. */
async function lockedParts(zip: Zip, work: Work): Promise<Set<string>> {
  const locked = new Set<string>();
  const entry = zip.find("META-INF/encryption.xml");
  if (!entry) return locked;
  await readXml(zip, entry, work, {
    open: (name, { URI: uri }) => void (name === "CipherReference" && uri !== undefined && locked.add(unquoted(uri))),
  });
  return locked;
}

async function addChapter(
  zip: Zip,
  part: string,
  title: string | undefined,
  locked: Set<string>,
  document: Markdown,
  work: Work,
) {
  if (locked.has(part)) throw new Refused("encrypted", "only a shop's program can open it");
  const html = decode(await zip.bytes(found(zip, part), work, MOST_TEXT_BYTES));
  await work.breathe();
  const chapter = title ?? (/<h[1-6][\s>]/i.test(html) ? undefined : htmlTitle(html));
  // Most chapters say their title themselves.
  const begin = oneLine(html.slice(0, 20_000).replace(/<[^>]{0,1000}>/g, " ")).toLowerCase();
  const isSaid = /<h[1-6][\s>]/i.test(html.slice(0, 20_000)) && chapter !== undefined && begin.includes(chapter.toLowerCase());
  if (chapter !== undefined && !isSaid && /<(?:p|div|li|blockquote)[\s>]/i.test(html)) document.heading(1, chapter);
  addHtml(html, document);
}

function found(zip: Zip, part: string): Entry {
  const entry = zip.find(part);
  if (!entry) throw new Refused("damaged", `it has no ${part}`);
  return entry;
}

/** An address without its escapes. */
function unquoted(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}
