/** The worker that reads files, so that the page stays free. */

import type { Request, Response } from "./messages.js";
import { read } from "./read.js";
import { refusalOf, Budget, Work } from "./work.js";

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

async function perform({ id, file, path }: Extract<Request, { type: "read" }>): Promise<void> {
  const own: Job = { id, abort: new AbortController(), goOn: () => {} };
  job = own;
  const beat = setInterval(() => tell({ type: "beat" }), BEAT);
  const { signal } = own.abort;
  try {
    for await (const result of read(file, path, new Work(signal, new Budget(file.size)))) {
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

function tell(response: Response): void {
  postMessage(response);
}

tell({ type: "ready" });
