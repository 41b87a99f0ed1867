/** What earlier visits have measured, in a cache of its own of the Cache API, which pages and workers have wherever WebGPU is. */

import { GPU_MEASURES } from "../store/names.js";
import type { Refusal } from "./device.js";
import { Measures } from "./measures.js";

/** How long a result counts, in milliseconds: drivers and browsers are updated. */
const MONTH = 30 * 86_400_000;

/** The number of results that are kept besides the latest. */
const MOST = 20;

/** What is remembered of one adapter, model, version of felsic and set of kernels. */
export interface Memory {
  readonly measures: Measures;
  /** Why the GPU is not to be used, whatever the measurements say. */
  readonly refusal?: Refusal | undefined;
}

/** Returns what is remembered under a key; never rejects. */
export async function remembered(key: readonly string[]): Promise<Memory | undefined> {
  try {
    const found = await (await caches.open(GPU_MEASURES)).match(address(key));
    const { until, refusal, measures } = ((await found?.json()) ?? {}) as Record<string, unknown>;
    const read = Measures.from(measures);
    if (!read || typeof until !== "number" || !(until > Date.now()) || until > Date.now() + MONTH) return undefined;
    return { measures: read, refusal: refusal === "wrong" || refusal === "failed" ? refusal : undefined };
  } catch {
    return undefined;
  }
}

/** Remembers a result; never rejects, since without a cache the next visit measures again. */
export async function remember(key: readonly string[], memory: Memory): Promise<void> {
  try {
    const value = JSON.stringify({ ...memory, until: Date.now() + MONTH });
    const cache = await caches.open(GPU_MEASURES);
    const others = (await cache.keys()).filter(({ url }) => url !== address(key));
    await cache.put(address(key), new Response(value));
    // What was measured of earlier versions is never asked for again.
    for (const other of others.slice(0, -MOST)) await cache.delete(other);
  } catch {
    // Nothing depends on it.
  }
}

/** Entries are keyed by requests; this host cannot exist. */
function address(key: readonly string[]): string {
  return `https://felsic.invalid/${encodeURIComponent(JSON.stringify(key))}`;
}
