/** Makes a pack from a checkpoint in a worker, whose memory is free again afterwards. */

import { FelsicError, fromMessage } from "../errors.js";
import type { Made } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import { packerFiles } from "../package.js";
import { startWorker } from "../start.js";
import type { LoadProgress } from "../types.js";
import type { FromPacker, PackRequest, ToPacker } from "./protocol.js";

/** The listeners to the making of a pack. */
export interface MakeListeners {
  readonly progress: (progress: LoadProgress) => void;
  readonly warn: (warning: Warning) => void;
  /** Calls back when nothing waits for the pack any more. */
  readonly onEnd: (callback: () => void) => void;
}

/** Makes and stores a pack, or finds it stored. The packer's files are in `base`, if the caller has named a folder. */
export function makePack(request: PackRequest, base: URL | undefined, { progress, warn, onEnd }: MakeListeners): Promise<Made> {
  return new Promise<Made>((resolve, reject) => {
    const files = packerFiles(base);
    const { worker, why, end: endWorker } = startWorker(files.scriptUrl, "felsic-packer");
    let hasStarted = false;
    const end = (settle: () => void) => {
      endWorker();
      settle();
    };
    onEnd(() => end(() => reject(new FelsicError("destroyed", "the engine has ended"))));
    worker.addEventListener("message", ({ data }: MessageEvent<FromPacker>) => {
      switch (data.type) {
        case "started":
          hasStarted = true;
          return;
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
    worker.addEventListener("error", (event) => {
      if (!hasStarted) return void why(event).then((error) => end(() => reject(error)));
      const message = "the worker that makes packs of checkpoints crashed";
      end(() => reject(new FelsicError("internal", message, { cause: event.message })));
    });
    worker.postMessage({ ...request, ...files } satisfies ToPacker);
  });
}
