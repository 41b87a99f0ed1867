/** Turns typed text and files into passages: pieces short enough to be a result and long enough to mean something. */

/** The longest passage, in characters; longer paragraphs are cut between sentences. About 200 tokens of English. */
const LONGEST = 800;

/** Why a file cannot be read, in words that name it. */
export class FileError extends Error {}

/** What a file contains. */
export interface Contents {
  readonly passages: string[];
  /** The parts that cannot be read, each in words that name it. */
  readonly refused: string[];
}

/** Returns the passages of a typed or pasted text: its paragraphs, or its lines if it has no paragraphs. */
export function fromTyped(text: string): string[] {
  const clean = text.replaceAll(/\r\n?/g, "\n");
  const pieces = /\n[^\S\n]*\n/.test(clean.trim()) ? paragraphs(clean) : clean.split("\n");
  return finish(pieces);
}

/** Returns the passages of a file, by the type in its name. Throws a {@link FileError} if it cannot be read at all. */
export function fromFile(name: string, bytes: Uint8Array): Contents {
  const content = decoded(name, bytes).replaceAll(/\r\n?/g, "\n");
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  switch (extension) {
    case "jsonl":
    case "ndjson":
      return jsonLines(name, content);
    case "json":
      return json(name, content);
    case "md":
    case "markdown":
      return { passages: finish(underHeadings(paragraphs(content))), refused: [] };
    default:
      return { passages: fromTyped(content), refused: [] };
  }
}

/** The first bytes of files that people mistake for texts, and what those files are. */
const KINDS: readonly [start: string, kind: string][] = [
  ["%PDF-", "a PDF"],
  ["PK\x03\x04", "a zip archive, as documents of Word and LibreOffice and e-books are"],
  ["\xd0\xcf\x11\xe0", "a document of an old version of Word, Excel or PowerPoint"],
  ["{\\rtf", "a document in rich text format"],
];

/** Returns the text of a file: UTF-16 if its first bytes say so, otherwise UTF-8. A file that is neither is refused. */
function decoded(name: string, bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  const kind = KINDS.find(([first]) => start.startsWith(first))?.[1];
  if (kind) throw new FileError(`${name} is ${kind} (save it as plain text)`);
  const encoding = start.startsWith("\xff\xfe") ? "utf-16le" : start.startsWith("\xfe\xff") ? "utf-16be" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new FileError(`${name} is not text in UTF-8 or UTF-16 (save it as plain text in UTF-8)`);
  }
  // No text contains this character; pictures and programs do, and so does UTF-16 without a byte order mark.
  if (text.includes("\0")) throw new FileError(`${name} is not a text file, or not one in UTF-8`);
  return text;
}

function paragraphs(text: string): string[] {
  return text.split(/\n[^\S\n]*\n/);
}

/** Joins a Markdown heading with the paragraph below it, which it describes. */
function underHeadings(pieces: readonly string[]): string[] {
  const joined: string[] = [];
  let headings = "";
  for (const piece of pieces) {
    const isHeading = /^#{1,6}\s[^\n]*$/.test(piece.trim());
    if (isHeading) headings += `${piece.trim()}\n`;
    else {
      joined.push(headings + piece);
      headings = "";
    }
  }
  if (headings) joined.push(headings);
  return joined;
}

/** Reads one text a line. A line that is not a text leaves out only itself. */
function jsonLines(name: string, content: string): Contents {
  const lines = content.split("\n").map((line, index) => [line, `${name}, line ${index + 1}`] as const);
  return each(
    lines.filter(([line]) => line.trim() !== ""),
    (line, where) => textOf(parse(line, where), where),
  );
}

/** Returns the passages of items; an item that is not a text is reported by its `where`. */
function each<Item>(
  items: readonly (readonly [item: Item, where: string])[],
  read: (item: Item, where: string) => string,
): Contents {
  const texts: string[] = [];
  const refused: string[] = [];
  for (const [item, where] of items) {
    try {
      texts.push(read(item, where));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      refused.push(error.message);
    }
  }
  return { passages: finish(texts), refused };
}

/** Reads an array of texts or, as some files with this ending have it, one text a line. */
function json(name: string, content: string): Contents {
  const lines = content.trim().split("\n");
  const severalValues = lines.length > 1 && /^["{].*["}]$/.test((lines[0] ?? "").trim());
  if (severalValues) return jsonLines(name, content);
  const value = parse(content, name);
  const items = Array.isArray(value)
    ? value.map((item: unknown, index) => [item, `${name}, item ${index + 1}`] as const)
    : [[value, name] as const];
  return each(items, textOf);
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new FileError(`${where} is not JSON`);
  }
}

function textOf(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && "text" in value && typeof value.text === "string") return value.text;
  throw new FileError(`${where} is neither a string nor an object with a "text"`);
}

function finish(pieces: readonly string[]): string[] {
  return pieces.flatMap((piece) => split(piece.trim())).filter((piece) => piece !== "");
}

/** Cuts between sentences into pieces of at most LONGEST; a longer sentence between words or, as a last resort, anywhere. */
function split(text: string): string[] {
  if (text.length <= LONGEST) return [text];
  const pieces: string[] = [];
  let piece = "";
  for (const part of parts(text)) {
    if (piece !== "" && piece.length + part.length > LONGEST) {
      pieces.push(piece.trim());
      piece = "";
    }
    piece += part;
  }
  return [...pieces, piece.trim()];
}

/** Cuts a text between its sentences; in browsers that cannot find them (Firefox before 125), by their punctuation. */
function sentences(text: string): string[] {
  const { Segmenter } = Intl as { readonly Segmenter?: typeof Intl.Segmenter };
  if (!Segmenter) return text.split(/(?<=[.!?…]["'”’)\]]*\s+|[。！？]|\n)/);
  return Array.from(new Segmenter(undefined, { granularity: "sentence" }).segment(text), ({ segment }) => segment);
}

function* parts(text: string): Generator<string> {
  for (const sentence of sentences(text)) {
    if (sentence.length <= LONGEST) {
      yield sentence;
      continue;
    }
    for (const word of sentence.split(/(?<=\s)/)) {
      // Whole code points, so that no surrogate pair is torn.
      const points = Array.from(word);
      for (let start = 0; start < points.length; start += LONGEST / 2) yield points.slice(start, start + LONGEST / 2).join("");
    }
  }
}
