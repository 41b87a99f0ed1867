/** Notebooks of Jupyter: their texts and programs, without what the programs put out. */

import { decode } from "./encoding.js";
import { LONGEST_TEXT, MOST_TEXT_BYTES } from "./limits.js";
import type { ReadDocument } from "./types.js";
import { bytesOf, Refused, type Source, type Work } from "./work.js";

interface Cell {
  readonly cell_type?: unknown;
  readonly source?: unknown;
}

export async function readNotebook(blob: Source, path: string, work: Work): Promise<ReadDocument> {
  if (blob.size > MOST_TEXT_BYTES) throw new Refused("too-large", `the file has ${blob.size} bytes`);
  const { cells } = Object(JSON.parse(decode(await bytesOf(blob)))) as { cells?: unknown };
  await work.breathe();
  if (!Array.isArray(cells)) throw new Refused("damaged", "it has no cells");
  const blocks = cells.map((cell: unknown) => block(Object(cell) as Cell)).filter((text) => text !== "");
  const text = blocks.join("\n\n");
  if (text === "") throw new Refused("empty", "its cells have no text");
  if (text.length > LONGEST_TEXT) throw new Refused("too-large", `it has ${text.length} characters`);
  return { path, kind: "markdown", text: text.replace(/\0|\p{Surrogate}/gu, "\ufffd"), cut: "markdown" };
}

function block({ cell_type: type, source }: Cell): string {
  const lines = Array.isArray(source) ? source.filter((line) => typeof line === "string").join("") : source;
  const text = typeof lines === "string" ? lines.trim() : "";
  if (text === "" || type === "markdown") return text;
  // A fence that is longer than any in the program.
  let fence = "```";
  for (const [run] of text.matchAll(/`{3,}/g)) if (run.length >= fence.length) fence = `${run}\``;
  return `${fence}\n${text}\n${fence}`;
}
