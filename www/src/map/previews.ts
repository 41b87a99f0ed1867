/** What a tip says about a document: its title and its first words. */

import { plainMarkdown, type Collection, type Document } from "felsic/search";

/** A title, and how the text begins. */
export interface Preview {
  readonly title: string;
  readonly words: string;
}

/** Characters that are looked at, and that are shown. */
const READ = 20_000;
const SHOWN = 160;
/** How many are remembered. */
const REMEMBERED = 100;

/** The last part of a document's id, which is a file's name. */
export function nameOf(id: string): string {
  return id.split("/").findLast((part) => part !== "") ?? id;
}

/** Previews of the documents of one collection, as far as they have been asked for. */
export class Previews {
  readonly #collection: Collection;
  readonly #known = new Map<string, Promise<Preview>>();

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  of(id: string): Promise<Preview> {
    const known = this.#known.get(id);
    if (known) return known;
    const read = this.#read(id);
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(id, read);
    return read;
  }

  async #read(id: string): Promise<Preview> {
    // What cannot be read has a name still.
    const document = await this.#collection.get(id).catch(() => undefined);
    const words = document ? beginningOf(document) : "";
    return { title: document?.title ?? nameOf(id), words };
  }
}

function beginningOf({ text, kind }: Document): string {
  if (kind === "markdown") return beginning(plainMarkdown(text.slice(0, READ)).text, false);
  return beginning(text, kind === "html");
}

/** The first words of a text, on one line. */
export function beginning(text: string, isHtml: boolean): string {
  const head = text.slice(0, READ);
  const read = isHtml ? head.replace(/<(script|style|head)\b[\s\S]*?<\/\1\s*>|<[^>]*>/gi, " ") : head;
  const line = read.replace(/\s+/g, " ").trim();
  if (line.length <= SHOWN) return line;
  const cut = line.slice(0, SHOWN).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), SHOWN / 2))} …`;
}
