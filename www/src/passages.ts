/** Typed text and files to passages: pieces short enough to be a result and long enough to mean something. */

/** Longest passage in characters; longer paragraphs are cut between sentences. About 200 tokens of English. */
const LONGEST = 800;

/** Why a file cannot be read, in words that name it. */
export class FileError extends Error {}

/** Passages of a text that was typed or pasted: paragraphs, or lines where there are no paragraphs. */
export function fromTyped(text: string): string[] {
  const clean = text.replaceAll(/\r\n?/g, "\n");
  const pieces = /\n[^\S\n]*\n/.test(clean.trim()) ? paragraphs(clean) : clean.split("\n");
  return finish(pieces);
}

/** Passages of a file, by what its name says that it is. Throws a {@link FileError}. */
export function fromFile(name: string, content: string): string[] {
  const clean = content.replace(/^\uFEFF/, "").replaceAll(/\r\n?/g, "\n");
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  switch (extension) {
    case "jsonl":
    case "ndjson":
      return finish(jsonLines(name, clean));
    case "json":
      return finish(json(name, clean));
    case "md":
    case "markdown":
      return finish(underHeadings(paragraphs(clean)));
    default:
      return fromTyped(clean);
  }
}

function paragraphs(text: string): string[] {
  return text.split(/\n[^\S\n]*\n/);
}

/** Joins a Markdown heading with the paragraph below it, which it tells more about than about itself. */
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

function jsonLines(name: string, content: string): string[] {
  return content.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    return [textOf(parse(line, `${name}, line ${index + 1}`), `${name}, line ${index + 1}`)];
  });
}

/** An array of texts; or, as some write it under this name, a text a line. */
function json(name: string, content: string): string[] {
  const lines = content.trim().split("\n");
  const severalValues = lines.length > 1 && /^["{].*["}]$/.test((lines[0] ?? "").trim());
  if (severalValues) return jsonLines(name, content);
  const value = parse(content, name);
  return Array.isArray(value) ? value.map((item, index) => textOf(item, `${name}, item ${index + 1}`)) : [textOf(value, name)];
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

/** Cuts between sentences into pieces of at most LONGEST, a longer sentence between words or, at last, anywhere. */
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

function* parts(text: string): Generator<string> {
  for (const { segment: sentence } of new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(text)) {
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
