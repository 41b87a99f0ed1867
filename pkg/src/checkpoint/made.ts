/** Makes a pack from a checkpoint in a worker, whose memory is free again afterwards. */

import { FelsicError, fromMessage } from "../errors.js";
import type { Made } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import { type Folders, packerFiles } from "../package.js";
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

/** Makes and stores a pack, or finds it stored. */
export function makePack(request: PackRequest, folders: Folders, { progress, warn, onEnd }: MakeListeners): Promise<Made> {
  return new Promise<Made>((resolve, reject) => {
    const files = packerFiles(folders.base);
    const started = startWorker(files.scriptUrl, "felsic-packer", folders.cache);
    const end = (settle: () => void) => {
      started.end();
      settle();
    };
    onEnd(() => end(() => reject(new FelsicError("destroyed", "the engine has ended"))));
    started.worker.addEventListener("message", ({ data }: MessageEvent<FromPacker>) => {
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
    started.onFailure("the worker that makes packs of checkpoints crashed", (error) => end(() => reject(error)));
    started.worker.postMessage({ ...request, ...files } satisfies ToPacker);
  });
}
