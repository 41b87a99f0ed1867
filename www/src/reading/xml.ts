/** XML in pieces, by saxes: no tree, no entities but XML's own, no external ones, and a bound for its depth. */

import { SaxesParser } from "saxes";
import { declaredEncoding } from "./encoding.js";
import { DEEPEST_XML, MOST_XML_BYTES } from "./limits.js";
import { Refused, type Work } from "./work.js";
import type { Entry, Zip } from "./zip.js";

export type Attributes = Readonly<Record<string, string>>;

/** What is told of a file, in its order. Names come without prefixes: which ones a program chooses says nothing. */
export interface Handlers {
  open?(name: string, attributes: Attributes): void;
  close?(name: string): void;
  text?(text: string): void;
}

/** Reads a file of a zip archive. */
export async function readXml(zip: Zip, entry: Entry, work: Work, handlers: Handlers): Promise<void> {
  const parser = new SaxesParser({ position: false });
  let depth = 0;
  parser.on("error", (error) => {
    throw new Refused("damaged", `${entry.name}: ${error.message}`);
  });
  parser.on("opentag", ({ name, attributes }) => {
    depth += 1;
    if (depth > DEEPEST_XML) throw new Refused("damaged", `${entry.name}: its elements are more than ${DEEPEST_XML} deep`);
    handlers.open?.(local(name), attributes as Attributes);
  });
  parser.on("closetag", ({ name }) => {
    depth -= 1;
    handlers.close?.(local(name));
  });
  const text = (text: string) => handlers.text?.(text);
  parser.on("text", text);
  parser.on("cdata", text);
  let decoder: TextDecoder | undefined;
  for await (const chunk of zip.chunks(entry, work, MOST_XML_BYTES)) {
    decoder ??= new TextDecoder(encodingOf(chunk));
    parser.write(decoder.decode(chunk, { stream: true }));
  }
  parser.close();
}

/** Returns an attribute, whatever its prefix is. */
export function attribute(attributes: Attributes, name: string): string | undefined {
  if (Object.hasOwn(attributes, name)) return attributes[name];
  for (const key in attributes) if (key.endsWith(name) && key[key.length - name.length - 1] === ":") return attributes[key];
  return undefined;
}

/** The attribute `r:id` and its like, where there is an `id` without a prefix too. */
export function prefixed(attributes: Attributes, name: string): string | undefined {
  for (const key in attributes) if (key.endsWith(`:${name}`)) return attributes[key];
  return undefined;
}

function local(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function encodingOf(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  if (head[0] === 0x3c && head[1] === 0) return "utf-16le";
  if (head[0] === 0 && head[1] === 0x3c) return "utf-16be";
  return declaredEncoding(head) ?? "utf-8";
}
