/** A map that is kept on this machine, so that the next visit shows it at once. */

import { del, get, set } from "idb-keyval";
import type { Collection } from "felsic/search";
import { briefStore } from "../brief-store.js";
import { canKeep } from "../can-keep.js";

/** What is kept of a map. */
export interface Kept {
  readonly version: typeof VERSION;
  /** Vectors of other spaces have other places. */
  readonly space: string;
  readonly ids: readonly string[];
  readonly x: Float32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer>;
  /** The cluster of each document. */
  readonly cluster: Uint8Array<ArrayBuffer>;
  /** The words of each cluster. */
  readonly words: readonly (readonly string[])[];
  /** How many documents the layout was made of; others have come since. */
  readonly arranged: number;
}

const VERSION = 1;

const store = briefStore("felsic-maps", "maps");

/** Reads the map of a collection; `undefined` if there is none, or it is not right. */
export async function readKept({ info }: Collection): Promise<Kept | undefined> {
  const value = (await canKeep()) && (await get<unknown>(info.name, store).catch(() => undefined));
  return isKept(value) && value.space === info.space ? value : undefined;
}

/** Keeps the map of a collection, where its documents are kept. That it cannot be kept is no problem: it is made again. */
export async function keep({ info }: Collection, map: Omit<Kept, "version" | "space">): Promise<void> {
  const kept: Kept = { version: VERSION, space: info.space, ...map };
  if (await canKeep()) await set(info.name, kept, store).catch(() => undefined);
}

/** Forgets the map of a collection. */
export async function forget(name: string): Promise<void> {
  if (await canKeep()) await del(name, store).catch(() => undefined);
}

function isKept(value: unknown): value is Kept {
  const { version, space, ids, x, y, cluster, words, arranged } = (value ?? {}) as Partial<Record<keyof Kept, unknown>>;
  if (version !== VERSION || typeof space !== "string" || typeof arranged !== "number") return false;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string")) return false;
  const isAxis = (axis: unknown) =>
    axis instanceof Float32Array && axis.length === ids.length && axis.every((at) => Math.abs(at) <= 1);
  if (!isAxis(x) || !isAxis(y) || !(cluster instanceof Uint8Array) || cluster.length !== ids.length) return false;
  if (!Array.isArray(words) || !words.every((some) => Array.isArray(some) && some.every((word) => typeof word === "string")))
    return false;
  return cluster.every((own) => own < words.length);
}
