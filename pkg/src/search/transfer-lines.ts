/** JSON lines: a passage on each line, with its vector as a list of numbers. */

import { parsed } from "./json.js";
import { checkedRow, type PassageRow, wrong } from "./transfer-rows.js";

/** The most characters of a line. */
const LONGEST_LINE = 1 << 25;
/** Digits that tell every 32-bit number from its neighbours. */
const DIGITS = 9;

/** Writes passages; each line has the space of its vector. */
export function lineWriter(space: string): { rows(rows: readonly PassageRow[]): Uint8Array<ArrayBuffer>; end(): undefined } {
  const encoder = new TextEncoder();
  const line = ({ vector, ...row }: PassageRow) =>
    JSON.stringify({ ...row, ...(vector && { vector: Array.from(vector, (x) => Number(x.toPrecision(DIGITS))), space }) });
  return {
    rows: (rows) => encoder.encode(rows.map((row) => `${line(row)}\n`).join("")),
    end: () => undefined,
  };
}

/** Reads and checks the rows of a file, in batches of its chunks. @throws `input-invalid`, `vectors-disagree` */
export async function* readLines(file: Blob, dimensions: number): AsyncGenerator<PassageRow[]> {
  let number = 0;
  for await (const lines of linesOf(file)) {
    const rows: PassageRow[] = [];
    for (const line of lines) {
      number += 1;
      const where = `line ${number}`;
      const isNone = () => wrong(where, "it is not JSON; a file has one object on each line, or is Parquet");
      if (line.trim() !== "") rows.push(checkedRow(parsed(line, isNone), where, dimensions));
    }
    if (rows.length > 0) yield rows;
  }
}

/** The lines of a file, as many at a time as its chunks complete. */
async function* linesOf(file: Blob): AsyncGenerator<string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw wrong("the file", "it is not UTF-8");
    }
  };
  let rest = "";
  const reader = file.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decode(value)).split("\n");
      rest = done ? "" : lines.pop()!;
      if (rest.length > LONGEST_LINE) throw wrong("the file", `a line has more than ${LONGEST_LINE} characters`);
      yield lines;
      if (done) return;
    }
  } finally {
    await reader.cancel();
  }
}
