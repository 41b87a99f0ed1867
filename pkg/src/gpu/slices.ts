/** A call with many texts, in slices: what fails on one device is computed on another, and nothing else is computed again. */

import type { EmbedRequest } from "../engines.js";
import type { RequestOptions } from "../link.js";
import type { EmbedProgress } from "../options.js";
import type { EmbedResult } from "../protocol.js";

/** Texts of a call, of similar lengths. */
export interface Slice {
  readonly texts: readonly string[];
  /** Their places in the call. */
  readonly places: readonly number[];
  readonly characters: number;
}

/** A device that computes slices. */
export interface Lane {
  /** The most slices that it has at a time: one waits there, so that it need not wait for the page. */
  readonly room: number;
  /** Whether a slice is for this device now. Some lane has to take it. */
  takes(slice: Slice): boolean;
  run(slice: Slice, request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult>;
}

/** The number of slices that a lane has at a time. */
export const ROOM = 2;

/** Puts the texts of a call into slices of at most `most` characters, or of one text, the shortest first as an engine has them. */
export function slicesOf(texts: readonly string[], most: number): Slice[] {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters <= most) return [{ texts, places: texts.map((_, place) => place), characters }];
  const order = texts.map((_, place) => place).sort((a, b) => texts[a]!.length - texts[b]!.length);
  const slices: { texts: string[]; places: number[]; characters: number }[] = [];
  for (const place of order) {
    const text = texts[place]!;
    let last = slices.at(-1);
    if (!last || last.characters + text.length > most) slices.push((last = { texts: [], places: [], characters: 0 }));
    last.texts.push(text);
    last.places.push(place);
    last.characters += text.length;
  }
  return slices;
}

/** Computes a call on several devices. The first lane that takes a slice gets it; the first failure ends the call. */
export async function inSlices(
  request: EmbedRequest,
  { signal, onProgress }: RequestOptions<EmbedProgress>,
  lanes: readonly Lane[],
  most: number,
): Promise<EmbedResult> {
  const total = request.texts.length;
  const rest = slicesOf(request.texts, most);
  const result = {
    vectors: new Array<Float32Array<ArrayBuffer>>(total),
    tokens: new Uint32Array(total),
    truncated: new Uint8Array(total),
  };
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  const progress = new Progress(total, onProgress);

  const start = async (lane: Lane, slice: Slice): Promise<void> => {
    const count = progress.part();
    const options = { signal: stop.signal, onProgress: ({ done }: EmbedProgress) => count(done) };
    const made = await lane.run(slice, { ...request, texts: slice.texts }, options);
    for (const [index, place] of slice.places.entries()) {
      result.vectors[place] = made.vectors[index]!;
      result.tokens[place] = made.tokens[index]!;
      result.truncated[place] = made.truncated[index]!;
    }
    count(slice.texts.length);
  };

  const open = new Map(lanes.map((lane) => [lane, 0]));
  const running = new Set<Promise<void>>();
  const fill = () => {
    for (const lane of lanes) {
      while (open.get(lane)! < lane.room) {
        const next = rest.findIndex((slice) => lane === lanes.find((lane) => lane.takes(slice)));
        const [slice] = next < 0 ? [] : rest.splice(next, 1);
        if (!slice) break;
        open.set(lane, open.get(lane)! + 1);
        const work = start(lane, slice).finally(() => {
          open.set(lane, open.get(lane)! - 1);
          running.delete(work);
        });
        running.add(work);
      }
    }
  };
  try {
    for (fill(); running.size > 0; fill()) await Promise.race(running);
    return result;
  } catch (error) {
    for (const work of running) work.catch(() => undefined);
    stop.abort(signal?.reason);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** The progress of a call, which never goes back, even if a slice is computed again. */
class Progress {
  readonly #total: number;
  readonly #report: ((progress: EmbedProgress) => void) | undefined;
  readonly #parts: number[] = [];
  #told = 0;

  constructor(total: number, report: ((progress: EmbedProgress) => void) | undefined) {
    this.#total = total;
    this.#report = report;
  }

  /** Returns what counts the texts of a slice that are done. */
  part(): (done: number) => void {
    const at = this.#parts.push(0) - 1;
    return (done) => {
      this.#parts[at] = Math.max(this.#parts[at]!, done);
      const sum = this.#parts.reduce((sum, done) => sum + done, 0);
      if (sum <= this.#told) return;
      this.#told = sum;
      this.#report?.({ done: sum, total: this.#total });
    };
  }
}
