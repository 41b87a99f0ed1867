/** Whether an embedder can be created here, in the four words of the browsers' proposal. */

import { isGguf } from "./checkpoint/address.js";
import { FelsicError } from "./errors.js";
import { checkCreateOptions, checkedCacheFolder, checkedDevice, type CreateOptions, type ModelOptions } from "./options.js";
import { placeOf } from "./place.js";
import { canStartWorkers } from "./start.js";
import { isOnDisk } from "./store/caches.js";
import { filesOf } from "./store/manifests.js";
import { storedState } from "./store/state.js";
import { gpuScript } from "./workers.js";

/**
 * Whether an embedder can be created here:
 *
 * - `unavailable`: this browser, or the requested device in it, cannot run felsic;
 * - `downloadable`: `create()` will fetch the pack;
 * - `downloading`: a `create()` of this page is fetching it;
 * - `available`: the whole pack is stored on this machine, or this page has loaded it before, so that the browser's
 *   HTTP cache has it as far as the server's headers allow.
 */
export type Availability = "unavailable" | "downloadable" | "downloading" | "available";

/** A module with one SIMD instruction; a browser without SIMD refuses it. */
const SIMD_PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], // one type: () -> v128
  ...[0x03, 0x02, 0x01, 0x00], // one function of it
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b], // i32.const 0, i8x16.splat
);

const loading = new Map<string, number>();
const loaded = new Set<string>();

/** Returns the {@link Availability} of a model; without a `model`, that of the built-in one. */
export async function availability(options: ModelOptions & Pick<CreateOptions, "device"> = {}): Promise<Availability> {
  checkCreateOptions(options);
  const device = checkedDevice(options.device);
  const cache = checkedCacheFolder(options.cacheDirectory);
  if (!canRun()) return "unavailable";
  const { model } = placeOf(options);
  if (device === "webgpu" && !(gpuScript && (await hasGpu()))) return "unavailable";
  if (loading.has(model)) return "downloading";
  const isThere = loaded.has(model) || isOnDisk(model) || (await storedState(model, cache)) === "complete";
  return isThere ? "available" : "downloadable";
}

/** Returns the bytes of a model's pack that are not here yet, by its manifest; see `Embedder.missingBytes()`. */
export async function missingBytes(options: ModelOptions = {}): Promise<number> {
  if ((await availability(options)) === "available") return 0;
  const { model, urls } = placeOf(options);
  if (isGguf(model)) throw new FelsicError("not-found", `${model} is a GGUF file, which has no manifest`);
  const url = urls?.["manifest.json"] ?? `${model}manifest.json`;
  const answer = await fetch(url, { cache: "no-cache", credentials: "omit" }).catch((cause: unknown) => {
    throw new FelsicError("network", `${url} could not be fetched`, { cause });
  });
  const { ok, status } = answer;
  if (!ok) throw new FelsicError(status === 404 ? "not-found" : "network", `${url} answered with HTTP status ${status}`);
  const files = filesOf(new Uint8Array(await answer.arrayBuffer()));
  if (!files) throw new FelsicError("manifest-invalid", `${url} is not the manifest of a pack`);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Notes that a model, or every model, has to be fetched again. */
export function forgetLoaded(model?: string): void {
  if (model === undefined) loaded.clear();
  else loaded.delete(model);
}

/** Notes that `model` is being loaded until `work` settles. */
export async function whileLoading<T>(model: string, work: Promise<T>): Promise<T> {
  loading.set(model, (loading.get(model) ?? 0) + 1);
  try {
    const result = await work;
    loaded.add(model);
    return result;
  } finally {
    const left = (loading.get(model) ?? 1) - 1;
    if (left > 0) loading.set(model, left);
    else loading.delete(model);
  }
}

function canRun(): boolean {
  return canStartWorkers() && typeof WebAssembly === "object" && WebAssembly.validate(SIMD_PROBE);
}

async function hasGpu(): Promise<boolean> {
  const gpu = (globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } } | undefined)?.gpu;
  if (!gpu) return false;
  return Boolean(await gpu.requestAdapter().catch(() => undefined));
}
