/** Bytes to text: UTF-8, UTF-16, what the text itself declares, and the Latin letters of old files; never garbage. */

import { Refused } from "./work.js";

/** How many bytes are looked at for a declaration. */
const HEAD = 4096;
/** How many bytes are counted to tell UTF-16 by its zeros. */
const SAMPLE = 1 << 16;

/** Returns the text of a file, or refuses it: `binary`, or `encoding` if it is text that cannot be told. */
export function decode(bytes: Uint8Array): string {
  const marked = byMark(bytes);
  if (marked !== undefined) return marked;
  const wide = wideEncoding(bytes);
  if (wide !== undefined) return checkedWide(strictly(bytes, wide));
  if (bytes.includes(0)) throw new Refused("binary", "it has zero bytes");
  const declared = declaredEncoding(bytes);
  // Escapes are ASCII: the text would pass for UTF-8.
  if (declared === "iso-2022-jp") return readable(strictly(bytes, declared) ?? "");
  const text = strictly(bytes, "utf-8");
  if (text !== undefined) return readable(text);
  if (declared !== undefined && declared !== "utf-8" && !declared.startsWith("utf-16")) {
    const own = strictly(bytes, declared);
    if (own !== undefined) return readable(own);
  }
  const mended = nearlyUtf8(bytes);
  if (mended !== undefined) return mended;
  checkLatin(bytes);
  return new TextDecoder("windows-1252").decode(bytes);
}

/** Returns the name of an encoding that `TextDecoder` knows. */
export function knownEncoding(label: string): string | undefined {
  try {
    return new TextDecoder(label.trim()).encoding;
  } catch {
    return undefined;
  }
}

/** The encoding that a page, an XML file or a program declares. */
export function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  const label =
    /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']/i.exec(head)?.[1] ??
    /<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:-]{1,40})/i.exec(head)?.[1] ??
    /^(?:[^\n]{0,200}\n)?[#;/*% \t]{1,9}[^\n]{0,80}?coding[:=][ \t]*([\w.-]{1,40})/.exec(head)?.[1];
  return label === undefined ? undefined : knownEncoding(label);
}

/** The text of bytes that begin with a byte order mark. */
function byMark(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    throw new Refused("encoding", "UTF-32 is not read");
  if (a === 0xff && b === 0xfe) return checkedWide(strictly(even(bytes), "utf-16le"));
  if (a === 0xfe && b === 0xff) return checkedWide(strictly(even(bytes), "utf-16be"));
  if (a !== 0xef || b !== 0xbb || c !== 0xbf) return undefined;
  if (bytes.includes(0)) throw new Refused("binary", "it has zero bytes");
  const text = strictly(bytes, "utf-8") ?? nearlyUtf8(bytes);
  if (text === undefined) throw new Refused("encoding", "it is marked as UTF-8 and is not");
  return readable(text);
}

/** Half a character at the end is left out: the file was cut off. */
function even(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length & ~1);
}

function strictly(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-16 without a mark: most characters of a language with spaces have one zero byte, always on the same side. */
function wideEncoding(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4 || bytes.length % 2 === 1) return undefined;
  const end = Math.min(bytes.length, SAMPLE);
  const zeros: [number, number] = [0, 0];
  for (let i = 0; i < end; i += 1) if (bytes[i] === 0) zeros[i & 1 ? 1 : 0] += 1;
  const few = end / 200;
  if (zeros[1] > end / 8 && zeros[0] <= few) return "utf-16le";
  if (zeros[0] > end / 8 && zeros[1] <= few) return "utf-16be";
  return undefined;
}

/** Zeros on one side are found in tables of numbers too, which become characters that nobody uses. */
function checkedWide(text: string | undefined): string {
  if (text === undefined) throw new Refused("binary", "it is no UTF-16");
  const sample = text.slice(0, SAMPLE);
  const odd = sample.match(/[\p{Cn}\p{Co}]/gu)?.length ?? 0;
  if (odd > sample.length / 50) throw new Refused("binary", "as UTF-16 it has characters that do not exist");
  return readable(text);
}

/** Refuses a text with characters that no text has. */
function readable(text: string): string {
  // Tab, line ends, form feed, backspace and escape are found in manuals and logs.
  let controls = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 32 ? (code < 8 || code > 13 || code === 11) && code !== 27 : code === 127) controls += 1;
    if (code === 0) throw new Refused("binary", "it has zero characters");
  }
  if (controls > text.length / 500)
    throw new Refused("binary", `${controls} of its ${text.length} characters are control characters`);
  return text;
}

/** The text of UTF-8 that was cut off, or has a few stray bytes. */
function nearlyUtf8(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes);
  let [wrong, right] = [0, 0];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd) wrong += 1;
    else if (code > 127) right += 1;
  }
  // The bytes of old encodings are hardly ever UTF-8 by chance.
  return right >= 8 && wrong <= 1 + right / 50 ? readable(text.replace(/\ufffd$/, "")) : undefined;
}

/** Refuses what windows-1252 would turn into garbage. */
function checkLatin(bytes: Uint8Array): void {
  let [high, inRuns, run, odd] = [0, 0, 0, 0];
  for (const byte of bytes) {
    const isControl = byte < 32 && (byte < 9 || byte > 13 || byte === 11) && byte !== 27;
    if (isControl || byte === 127) throw new Refused("binary", "it is no UTF-8 and has control characters");
    if (byte < 128) {
      run = 0;
      continue;
    }
    high += 1;
    run += 1;
    // Three in a row have one word in thousands; other scripts have little else.
    if (run >= 3) inRuns += run === 3 ? 3 : 1;
    if (byte === 0x81 || byte === 0x8d || byte === 0x8f || byte === 0x90 || byte === 0x9d) odd += 1;
  }
  if (odd > 0 || high > bytes.length * 0.3 || inRuns > 3 + high / 20)
    throw new Refused("encoding", "it is neither UTF-8 nor Latin text, and declares nothing that is known");
}

/** The first bytes of files that have zeros and are read all the same: zip, gzip, PDF, and what has a password. */
const PACKED = [
  [0x50, 0x4b, 3, 4],
  [0x50, 0x4b, 5, 6],
  [0x1f, 0x8b],
  [0x25, 0x50, 0x44, 0x46],
  [0xd0, 0xcf, 0x11, 0xe0],
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/** Whether a file that begins with these bytes has neither text nor anything that is read. */
export function isBinary(head: Uint8Array): boolean {
  if (PACKED.some((first) => first.every((byte, i) => head[i] === byte))) return false;
  // Readers of PDF let something stand before it.
  if (String.fromCharCode(...head.subarray(0, 1024)).includes("%PDF-")) return false;
  return head.includes(0) && wideEncoding(even(head)) === undefined;
}
