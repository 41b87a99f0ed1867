/** The worker that reads files, so that the page stays free. */

import type { Request, Response } from "./messages.js";
import { partOf, read } from "./read.js";
import type { ReadResult } from "./types.js";
import { Budget, Memory, refusalOf, Work } from "./work.js";

/** Milliseconds between two signs of life. */
const BEAT = 1000;

interface Job {
  readonly id: number;
  readonly abort: AbortController;
  /** Goes on after a result. */
  goOn: () => void;
}

let job: Job | undefined;

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.type === "read") void perform(data);
  else if (data.id !== job?.id) return;
  else if (data.type === "cancel") {
    job.abort.abort();
    job.goOn();
  } else job.goOn();
});

async function perform({ id, file, path, part }: Extract<Request, { type: "read" }>): Promise<void> {
  const own: Job = { id, abort: new AbortController(), goOn: () => {} };
  job = own;
  const beat = setInterval(() => tell({ type: "beat" }), BEAT);
  const { signal } = own.abort;
  try {
    const results =
      part === undefined ? read(file, path, new Work(signal, new Budget(file.size))) : bytesOfPart(file, path, part, signal);
    for await (const result of results) {
      const taken = new Promise<void>((resolve) => (own.goOn = resolve));
      tell({ type: "result", id, result });
      await taken;
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) tell({ type: "result", id, result: { path, ...refusalOf(error) } });
  } finally {
    clearInterval(beat);
    tell({ type: "done", id });
  }
}

async function* bytesOfPart(file: Blob, path: string, part: string, signal: AbortSignal): AsyncGenerator<ReadResult | Blob> {
  const source = await partOf(file, path, part, signal);
  if (source) yield source instanceof Memory ? new Blob([source.bytes]) : (source as Blob);
}

function tell(response: Response): void {
  postMessage(response);
}

tell({ type: "ready" });
