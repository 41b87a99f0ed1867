/** Mailboxes: messages one after another in a file, of which a few megabytes are in memory at a time. */

import { MOST_MESSAGE_BYTES } from "./limits.js";
import type { ReadPart } from "./mail.js";
import type { ReadResult } from "./types.js";
import { bytesOf, Memory, refusalOf, Refused, type Source, type Work } from "./work.js";
import { joined } from "./zip.js";

/** Bytes that are read from the file at once. */
const PIECE = 1 << 20;
/** The longest line that may begin a message. */
const LONGEST_LINE = 300;
/** `From `, whoever it was, and a day with its time; programs write it in many ways. */
const BEGIN = /^From \S.{0,200}\d\d:\d\d/;

const NEWLINE = 10;

/** Whether a file begins as a mailbox does, whatever its name is. */
export function isMbox(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 4096));
  return BEGIN.test(text) && /\n[A-Za-z-]{1,70}: /.test(text);
}

/** Reads a mailbox. */
export async function* readMbox(blob: Source, path: string, work: Work, readPart: ReadPart): AsyncGenerator<ReadResult> {
  let number = 0;
  for await (const message of messages(blob, work)) {
    number += 1;
    const own = `${path}/${number}.eml`;
    if (!work.wants(own)) continue;
    try {
      if (message === undefined) throw new Refused("too-large", `the message has more than ${MOST_MESSAGE_BYTES} bytes`);
      yield* readPart(new Memory(message), own, work);
    } catch (error) {
      work.signal.throwIfAborted();
      yield { path: own, ...refusalOf(error) };
      if (work.budget.isSpent) return;
    }
  }
  if (number === 0) throw new Refused("damaged", "no message begins in it");
}

/** Yields the bytes of each message without the line that begins it; `undefined` for one that is too large. */
export async function* messages(blob: Source, work: Work): AsyncGenerator<Uint8Array<ArrayBuffer> | undefined> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let isOpen = false;
  let isAfterBlank = true;
  const take = (bytes: Uint8Array) => {
    size += bytes.length;
    if (size > MOST_MESSAGE_BYTES) pieces = [];
    else if (bytes.length > 0) pieces.push(bytes);
  };
  const end = () => {
    const message = size > MOST_MESSAGE_BYTES ? undefined : unquoted(joined(pieces));
    [pieces, size] = [[], 0];
    return message;
  };
  for await (const { bytes, starts } of lines(blob, work)) {
    let from = 0;
    for (const { at, next } of starts) {
      const line = bytes.subarray(at, next);
      if (isAfterBlank && isBegin(line)) {
        if (isOpen) {
          take(bytes.subarray(from, at));
          yield end();
        }
        [isOpen, from] = [true, next];
      }
      isAfterBlank = line.length === 1 || (line.length === 2 && line[0] === 13);
    }
    if (isOpen) take(bytes.subarray(from));
  }
  if (isOpen) yield end();
}

/** Yields pieces that end with lines, and where their lines are; a line that is longer than a piece is cut. */
async function* lines(blob: Source, work: Work) {
  let rest: Uint8Array = new Uint8Array();
  for (let at = 0; at < blob.size; at += PIECE) {
    const isLast = at + PIECE >= blob.size;
    const bytes = joined([rest, await bytesOf(blob, at, Math.min(at + PIECE, blob.size))]);
    const last = bytes.lastIndexOf(NEWLINE) + 1;
    const whole = isLast || last === 0 ? bytes.length : last;
    const starts: { at: number; next: number }[] = [];
    for (let start = 0; start < whole;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const next = newline < 0 || newline >= whole ? whole : newline + 1;
      starts.push({ at: start, next });
      start = next;
    }
    rest = bytes.slice(whole);
    await work.breathe();
    yield { bytes: bytes.subarray(0, whole), starts };
  }
}

function isBegin(line: Uint8Array): boolean {
  return (
    line[0] === 70 && line[1] === 114 && line[4] === 32 && BEGIN.test(String.fromCharCode(...line.subarray(0, LONGEST_LINE)))
  );
}

/** Takes away the mark that keeps a line of text from beginning a message. */
function unquoted(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [mark, from] = [62, [70, 114, 111, 109, 32]];
  let [to, isStart] = [0, true];
  for (let at = 0; at < message.length; at += 1) {
    const byte = message[at]!;
    if (isStart && byte === mark) {
      let end = at;
      while (message[end] === mark) end += 1;
      if (from.every((byte, i) => message[end + i] === byte)) {
        isStart = false;
        continue;
      }
    }
    isStart = byte === NEWLINE;
    message[to] = byte;
    to += 1;
  }
  return message.subarray(0, to);
}
