/** What other apps and the system hand to the page. */

import { clear, update } from "idb-keyval";
import { briefStore } from "../brief-store.js";
import { SHARE_LOST, SHARE_WAITS, SHARED_DATABASE, SHARED_KEY, SHARED_STORE, type Shared } from "./protocol.js";

/** The part of the File Handling API that is used; TypeScript's library does not have it yet. */
interface LaunchQueue {
  setConsumer(consumer: (launch: { readonly files?: readonly FileSystemFileHandle[] }) => void): void;
}

/** Takes what other apps have shared since the last time: each thing is handed out once, in one tab. */
export async function takeShared(): Promise<readonly Shared[]> {
  let taken: readonly Shared[] = [];
  try {
    const waiting = (list: readonly Shared[] = []) => {
      taken = list;
      return [];
    };
    await update<readonly Shared[]>(SHARED_KEY, waiting, briefStore(SHARED_DATABASE, SHARED_STORE));
  } catch {
    // Nothing can be stored here, so nothing has been shared.
    return [];
  }
  return taken;
}

/** Removes what waits. */
export async function removeShared(): Promise<void> {
  await clear(briefStore(SHARED_DATABASE, SHARED_STORE)).catch(() => undefined);
}

/** Takes out of the page's URL how a share has ended: a reload is none. */
export function takeOutcome(): string | undefined {
  const url = new URL(location.href);
  const outcome = [SHARE_WAITS, SHARE_LOST].find((name) => url.searchParams.has(name));
  if (outcome === undefined) return undefined;
  url.searchParams.delete(outcome);
  history.replaceState(history.state, "", url);
  return outcome;
}

/** Calls back with files that a person opens with the installed app, also with those that were opened before this call. */
export function receiveFiles(callback: (files: readonly File[]) => void): void {
  const { launchQueue } = globalThis as { launchQueue?: LaunchQueue };
  launchQueue?.setConsumer(({ files = [] }) => {
    if (files.length === 0) return;
    void Promise.allSettled(files.map((file) => file.getFile())).then((read) =>
      callback(read.flatMap((file) => (file.status === "fulfilled" ? [file.value] : []))),
    );
  });
}
