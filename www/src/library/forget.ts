/** Deletes everything that the page has stored on this machine. */

import { Embedder } from "felsic";
import { Collection } from "felsic/search";

/** How often a file that a worker has still open is tried again, and after how many milliseconds. */
const TRIES = 20;
const PAUSE = 100;

/** Deletes collections, models, copies, settings, databases and caches of this origin. What uses them has to be closed before. */
export async function forgetEverything(): Promise<void> {
  for (const name of await Collection.list()) await Collection.delete(name);
  await Embedder.deleteCache().catch(() => undefined);
  await Promise.all([forgetFiles(), forgetCaches(), forgetDatabases(), forgetWorkers()]);
  localStorage.clear();
  sessionStorage.clear();
}

async function forgetFiles(): Promise<void> {
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
  if (!root) return;
  const names: string[] = [];
  for await (const name of root.keys()) names.push(name);
  await Promise.all(names.map((name) => again(() => root.removeEntry(name, { recursive: true }))));
}

async function forgetCaches(): Promise<void> {
  if (!globalThis.caches) return;
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
}

async function forgetDatabases(): Promise<void> {
  const databases = (await indexedDB.databases?.()) ?? [];
  await Promise.all(databases.map(({ name }) => name !== undefined && deleteDatabase(name)));
}

/** The page is served by the network again, and stored anew, at the next visit. */
async function forgetWorkers(): Promise<void> {
  const registrations = (await navigator.serviceWorker?.getRegistrations?.().catch(() => [])) ?? [];
  await Promise.all(registrations.map((registration) => registration.unregister()));
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    // Another part of the page has it open: it goes when that is closed, at the latest with the page.
    request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

/** Workers that have just ended let their files go a moment later. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let at = 1; ; at += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotFoundError") return;
      if (at === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
