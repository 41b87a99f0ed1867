/** The page as an app: kept for use without a network, installed, handed things by other apps, and honest about its requests. */

import type { ReadonlySignal } from "@preact/signals";
import type { ModelState } from "../library/types.js";
import { readCopy, removeCopy, STORED, stored, writeCopy } from "./choice.js";
import { watchInstalling } from "./install.js";
import { SHARE_LOST, type Shared } from "./protocol.js";
import { receiveFiles, removeShared, takeOutcome, takeShared } from "./received.js";
import { type NetworkRequest, type Watched, watchRequests } from "./requests.js";
import { startWorker } from "./worker.js";

export { allowedOrigins, chooseHost, chosenHost } from "./chosen.js";
export { hostOf } from "./host.js";
export type { NetworkRequest, Shared, Watched };

/** What the page's views use of it. */
export interface Shell {
  /** What was asked for, in the order in which it was noted. */
  readonly requests: ReadonlySignal<readonly NetworkRequest[]>;
  /** What `requests` covers. `all` is the rule; `page`, then `later` at the first visit; `page` without a service worker. */
  readonly watched: ReadonlySignal<Watched>;
  /** How many requests page and workers have sent over the network since the model was there; `undefined` as long as it is not. */
  readonly sinceModel: ReadonlySignal<number | undefined>;
  /**
   * Tells how the model is. When it is there and all of its bytes are, what is asked for later counts in `sinceModel`, and the page's
   * files are kept for use without a network.
   */
  noteModel(model: Pick<ModelState, "state" | "loadedBytes" | "totalBytes">): void;
  /** Whether the page works without a network. */
  readonly offline: ReadonlySignal<"no" | "ready">;
  /** Whether the browser offers to install the page. */
  readonly installable: ReadonlySignal<boolean>;
  /** Asks the person whether to install it, in a click; resolves to the answer. */
  install(): Promise<boolean>;
  /** Whether a new version of the page waits. */
  readonly update: ReadonlySignal<boolean>;
  /** Changes to the new version: every tab of the page is loaded again. */
  applyUpdate(): void;
  /** Takes what other apps have shared, once. */
  shared(): Promise<readonly Shared[]>;
  /** Whether something that another app has shared could not be kept, and this page is what the person sees instead. */
  readonly isShareLost: boolean;
  /** Calls back with files that a person opens with the installed app. */
  onFiles(callback: (files: readonly File[]) => void): void;
  /**
   * Removes what the shell has kept on this machine: the page's files, the chosen host, what was shared. The page goes on, needs the network
   * when it is opened again, and is kept anew then.
   */
  remove(): Promise<void>;
}

let started: Shell | undefined;

/** Starts it; another call returns the same. */
export function startShell(): Shell {
  started ??= start();
  return started;
}

function start(): Shell {
  const { list, watched, sinceModel, noteModel } = watchRequests();
  const { offline, update, applyUpdate, settled, remove } = startWorker();
  const { installable, install } = watchInstalling();
  void mendCopy();
  return {
    requests: list,
    watched,
    sinceModel,
    noteModel(model) {
      noteModel(model);
      const isLoaded = model.state === "ready" && model.loadedBytes >= model.totalBytes;
      if (isLoaded || model.state === "failed") settled();
    },
    offline,
    installable,
    install,
    update,
    applyUpdate,
    shared: takeShared,
    isShareLost: takeOutcome() === SHARE_LOST,
    onFiles: receiveFiles,
    async remove() {
      localStorage.removeItem(STORED);
      await Promise.all([remove(), removeShared(), removeCopy()]);
    },
  };
}

/** Makes the service worker's copy of the choice equal to the page's, should only one of them have been deleted. */
async function mendCopy(): Promise<void> {
  try {
    const choice = stored() ?? "";
    if ((await readCopy()) !== choice) await writeCopy(choice);
  } catch {
    // Where nothing can be stored, there is no service worker either.
  }
}
