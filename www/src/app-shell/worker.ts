/** The service worker from the page's side: when it is registered, and how a new version takes the place of the old one. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { FILES_CACHES, type ToWorker } from "./protocol.js";

/** Milliseconds after which the page's files are kept even if no model has come: a person who waits for it should not lose more. */
const PATIENCE = 20_000;

/** The page's side of the service worker. */
export interface AppWorker {
  readonly offline: ReadonlySignal<"no" | "ready">;
  readonly update: ReadonlySignal<boolean>;
  applyUpdate(): void;
  /** Says that the page has loaded what it needs: keeping its files now takes nothing from it. */
  settled(): void;
  /** Ends the service worker of this page, and removes the files that it has kept. */
  remove(): Promise<void>;
}

export function startWorker(): AppWorker {
  const offline = signal<"no" | "ready">("no");
  const update = signal(false);
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  let registration: ServiceWorkerRegistration | undefined;
  let isBegun = false;

  const watch = (worker: ServiceWorker | null, found: ServiceWorkerRegistration) => {
    const look = () => {
      if (found.active?.state === "activated") offline.value = "ready";
      // The first version has nothing to wait for.
      update.value = found.waiting !== null && found.active !== null;
    };
    worker?.addEventListener("statechange", look);
    look();
  };

  const begin = async () => {
    if (isBegun || !container) return;
    isBegun = true;
    try {
      const found = await container.register(new URL("./sw.js", document.baseURI), { updateViaCache: "none" });
      registration = found;
      for (const worker of [found.installing, found.waiting, found.active]) watch(worker, found);
      found.addEventListener("updatefound", () => watch(found.installing, found));
      // A page that was loaded past its service worker (by a hard reload) is taken back.
      if (!container.controller) found.active?.postMessage({ type: "claim" } satisfies ToWorker);
    } catch (error) {
      // Without a service worker, in a private window perhaps, the page needs the network each time. That is all.
      console.info(`felsic works without a network only where service workers are allowed: ${String(error)}`);
    }
  };

  let had = container?.controller ?? null;
  container?.addEventListener("controllerchange", () => {
    // A page of one version never works with files of another. The first version changes nothing.
    if (had) location.reload();
    had = container.controller;
  });

  // A page that is controlled has its files, and only asks whether there are newer ones.
  if (container?.controller) void begin();
  else setTimeout(() => void begin(), PATIENCE);

  return {
    offline,
    update,
    applyUpdate: () => registration?.waiting?.postMessage({ type: "replace" } satisfies ToWorker),
    settled: () => void begin(),
    async remove() {
      const folder = new URL("./", document.baseURI).href;
      // One that has been removed still answers to the pages that are open; without its files it asks the network.
      await (await container?.getRegistration(folder))?.unregister();
      await removeCaches(FILES_CACHES.map((name) => name + folder));
      offline.value = "no";
      update.value = false;
    },
  };
}

/** Removes caches, and what a service worker opens anew that was looking into one at that moment. */
async function removeCaches(names: readonly string[]): Promise<void> {
  const { caches } = globalThis as Partial<typeof globalThis>;
  for (let clean = 0, turn = 0; caches && clean < 3 && turn < 40; turn += 1) {
    const removed = await Promise.all(names.map((name) => caches.delete(name)));
    clean = removed.includes(true) ? 0 : clean + 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
