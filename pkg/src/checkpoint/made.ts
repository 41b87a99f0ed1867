/** Has a pack made of a checkpoint, by a worker whose memory is free again afterwards. */

import { FelsicError, fromMessage } from "../errors.js";
import type { Made } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import type { LoadProgress } from "../types.js";
import { packerWorker } from "../workers.js";
import type { FromPacker, ToPacker } from "./protocol.js";

/** Who hears of it. */
export interface MakeListeners {
  readonly progress: (progress: LoadProgress) => void;
  readonly warn: (warning: Warning) => void;
  /** Calls back when nobody waits for the pack any more. */
  readonly onEnd: (callback: () => void) => void;
}

/** Makes a pack and stores it, or finds it stored. */
export function makePack(request: ToPacker, { progress, warn, onEnd }: MakeListeners): Promise<Made> {
  return new Promise<Made>((resolve, reject) => {
    const worker = startWorker();
    const end = (settle: () => void) => {
      worker.terminate();
      settle();
    };
    onEnd(() => end(() => reject(new FelsicError("destroyed", "the engine has ended"))));
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
    worker.postMessage(request);
  });
}

function startWorker(): Worker {
  try {
    return packerWorker();
  } catch (cause) {
    if (cause instanceof FelsicError) throw cause;
    const message = "the worker that makes packs of checkpoints cannot be started; its script has to be of the page's origin";
    throw new FelsicError("network", message, { cause });
  }
}
