/** Files that are text as they are: notes, Markdown, pages, tables, data, programs. */

import { decode } from "./encoding.js";
import { endingOf, formatOf } from "./endings.js";
import { addHtml, withoutData } from "./html.js";
import { LONGEST_TEXT, MOST_TEXT_BYTES } from "./limits.js";
import { Markdown } from "./markdown.js";
import type { ReadDocument } from "./types.js";
import { bytesOf, Refused, type Source, type Work } from "./work.js";

/** Pages up to this length are looked through for words; longer ones have some. */
const LONGEST_LOOK = 200_000;

export async function readText(blob: Source, path: string, work: Work): Promise<ReadDocument> {
  if (blob.size > MOST_TEXT_BYTES) throw new Refused("too-large", `the file has ${blob.size} bytes`);
  let text = decode(await bytesOf(blob));
  await work.breathe();
  if (formatOf(path)?.cut === "html") text = withoutData(text);
  if (text.trim() === "") throw new Refused("empty", "there is nothing in it");
  if (text.length > LONGEST_TEXT) throw new Refused("too-large", `it has ${text.length} characters`);
  if (
    endingOf(path) === "svg" ||
    /^\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--[^>]{0,1000}-->\s*)?(?:<!DOCTYPE svg[^>]{0,500}>\s*)?<svg[\s>]/.test(
      text.slice(0, 4096),
    )
  )
    throw new Refused("binary", "it is a picture");
  const { kind, cut } = formatOf(path) ?? (isPage(text) ? PAGE : TEXT);
  // A name that promises another format has been sorted out by its first bytes.
  if (cut === undefined) throw new Refused("damaged", "it is text, which its name does not say");
  if (cut === "html" && text.length < LONGEST_LOOK) checkWords(text);
  return { path, kind, text, cut };
}

const PAGE = { kind: "page", cut: "html" } as const;
const TEXT = { kind: "text", cut: "text" } as const;

function isPage(text: string): boolean {
  return /^\s*(?:<!doctype html|<html[\s>])/i.test(text.slice(0, 1000));
}

/** Refuses a page without words, such as one that a script would fill. */
function checkWords(text: string): void {
  const words = new Markdown("plain");
  addHtml(text, words);
  words.finish();
}
