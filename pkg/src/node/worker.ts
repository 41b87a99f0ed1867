/**
 * The first script of a worker in Node: gives the thread what a browser's worker has, as far as felsic's workers use it, then runs the
 * very script that runs in a browser.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { withFiles } from "./fetch.js";
import { File } from "./folders.js";
import { channelsOf, keptIn, locksOf } from "./kept.js";

/** What the thread is started with. */
export interface Setting {
  /** The URL of the worker's script, a file. */
  readonly script: string;
  /** The folder that packs are kept in. */
  readonly cache: string;
}

type Listener = (event: { readonly type: string; readonly data?: unknown }) => void;

const { script, cache } = workerData as Setting;
const port = parentPort!;
// Node has read all that this script imports; from here on, a thread that ends leaves no file open.
port.postMessage(undefined);
const listeners = new Map<string, Set<Listener>>();

function dispatch(type: string, data?: unknown): void {
  for (const listener of [...(listeners.get(type) ?? [])]) listener({ type, data });
}

/** Listens to the page only when the script does: until then messages wait. */
let isListening = false;
function addEventListener(type: string, listener: Listener): void {
  listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
  if (type !== "message" || isListening) return;
  isListening = true;
  port.on("message", (data) => dispatch("message", data));
}

const scope: Readonly<Record<string, unknown>> = {
  self: globalThis,
  navigator: {
    hardwareConcurrency: 1,
    // Nothing that Node sends tells a language, so no order of requests may tell one either.
    languages: [],
    locks: locksOf(cache),
    storage: { getDirectory: async () => keptIn(cache) },
  },
  FileSystemFileHandle: File,
  BroadcastChannel: channelsOf(cache),
  addEventListener,
  removeEventListener: (type: string, listener: Listener) => listeners.get(type)?.delete(listener),
  postMessage(message: unknown, options: { transfer?: readonly never[] } | readonly never[] = []) {
    port.postMessage(message, "transfer" in options ? options.transfer : (options as readonly never[]));
  },
  close: () => process.exit(),
  fetch: withFiles(globalThis.fetch),
};
for (const [name, value] of Object.entries(scope)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

// Browsers report this, and the worker goes on.
process.on("unhandledRejection", (reason) => console.error("felsic: nothing has caught", reason));

const path = fileURLToPath(script);
runInThisContext(readFileSync(path, "utf8"), { filename: path });
