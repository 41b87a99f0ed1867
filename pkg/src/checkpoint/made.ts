/** Has a pack made of a checkpoint, by a worker whose memory is free again afterwards. */

import { abortedBy, FelsicError, fromMessage } from "../errors.js";
import type { LoadProgress } from "../options.js";
import type { Made } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import { CheckpointFiles } from "./files.js";
import type { FromPacker, ToPacker } from "./protocol.js";

/** What a pack is made of, and who hears of it. */
export interface MakeOptions extends ToPacker {
  readonly signal: AbortSignal;
  readonly progress: (progress: LoadProgress) => void;
  readonly warn: (warning: Warning) => void;
}

/** Makes a pack and stores it, or finds it stored. */
export async function makePack(options: MakeOptions): Promise<Made> {
  // Before anything else is fetched for it.
  await new CheckpointFiles(options.model, options.signal).check();
  return inWorker(options);
}

function inWorker({ model, cache, signal, progress, warn }: MakeOptions): Promise<Made> {
  return new Promise<Made>((resolve, reject) => {
    if (signal.aborted) return reject(abortedBy(signal));
    const worker = startWorker();
    const end = (settle: () => void) => {
      signal.removeEventListener("abort", abort);
      worker.terminate();
      settle();
    };
    const abort = () => end(() => reject(abortedBy(signal)));
    signal.addEventListener("abort", abort, { once: true });
    worker.addEventListener("message", ({ data }: MessageEvent<FromPacker>) => {
      switch (data.type) {
        case "progress":
          return progress(data.progress);
        case "warning":
          return warn(data.warning);
        case "made":
          return end(() => resolve(data.made));
        case "error":
          return end(() => reject(fromMessage(data.error)));
      }
    });
    worker.addEventListener("error", ({ message: cause }) => {
      const message = "the worker that makes packs of checkpoints does not load, or stopped by a defect";
      end(() => reject(new FelsicError("internal", message, { cause })));
    });
    worker.postMessage({ model, cache } satisfies ToPacker);
  });
}

function startWorker(): Worker {
  if (typeof Worker !== "function") {
    const message = "this browser's workers can start no other, which making a pack of a checkpoint needs; use a pack";
    throw new FelsicError("device-unavailable", message);
  }
  return new Worker(new URL("./worker-packer.js", import.meta.url), { type: "module", name: "felsic-packer" });
}
