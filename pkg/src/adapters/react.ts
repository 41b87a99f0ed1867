/** Hooks for React 18 and later: an embedder and a collection that components share. */

import { useMemo, useSyncExternalStore } from "react";
import { type CreateOptions, Embedder, FelsicError, type LoadProgress, type Warning } from "../index.js";
import { Collection, type CollectionOptions } from "../search.js";
import { type Maker, Registry, type Snapshot, type View } from "./shared.js";

/** Options of {@link useEmbedder}: those of `Embedder.create()` but for the callbacks, whose news are a part of the state. */
export type UseEmbedderOptions = Omit<CreateOptions, "onProgress" | "onWarning" | "monitor" | "signal">;

/** What {@link useEmbedder} returns. */
export interface EmbedderState {
  /** `idle` on a server and before the component is shown, then `loading`, then `ready` or `failed`. */
  readonly status: "idle" | "loading" | "ready" | "failed";
  /** The embedder, once it is ready. Other components may share it: do not destroy it. */
  readonly embedder: Embedder | undefined;
  /** How far the load is; also while the vocabulary table is loaded in the background. */
  readonly progress: LoadProgress | undefined;
  /** What has gone wrong without stopping the load. */
  readonly warnings: readonly Warning[];
  /** Why there is no embedder. */
  readonly error: FelsicError | undefined;
  /** Tries again after a failure. */
  readonly retry: () => void;
}

interface EmbedderSnapshot extends Snapshot<Embedder> {
  readonly progress?: LoadProgress;
  readonly warnings?: readonly Warning[];
}

const embedders = new Registry<Embedder, EmbedderSnapshot>({ status: "idle" });
const NO_WARNINGS: readonly Warning[] = [];

/**
 * Returns an embedder and how far it is. Components that pass equal options share one embedder, with its workers: it is created when the
 * first of them is shown, and destroyed when the last of them has gone. On a server nothing is created.
 */
export function useEmbedder(options: UseEmbedderOptions = {}): EmbedderState {
  const key = keyOf(options);
  // The key says all that the options say; they themselves may be a new object each time.
  const view = useMemo(() => embedders.view(key, embedderMaker(options)), [key]);
  const state = useSyncExternalStore(view.subscribe, view.snapshot, view.serverSnapshot);
  return useMemo(
    () => ({
      status: state.status,
      embedder: state.value,
      progress: state.progress,
      warnings: state.warnings ?? NO_WARNINGS,
      error: errorOf(state.error),
      retry: view.retry,
    }),
    [state, view],
  );
}

function embedderMaker(options: UseEmbedderOptions): Maker<Embedder, EmbedderSnapshot> {
  return {
    make: (signal, update) => {
      const warnings: Warning[] = [];
      return Embedder.create({
        ...options,
        signal,
        onProgress: (progress) => update({ progress }),
        onWarning: (warning) => {
          warnings.push(warning);
          update({ warnings: [...warnings] });
        },
      });
    },
    end: (embedder) => embedder.destroy(),
  };
}

/** Options of {@link useCollection}: those of `Collection.open()` but for the callbacks, whose news are a part of the state. */
export type UseCollectionOptions = Omit<CollectionOptions, "embedder" | "onWarning" | "signal"> & {
  /** Makes the vectors; while it is there and `undefined`, as that of {@link useEmbedder} at first, the collection waits for it. */
  readonly embedder?: CollectionOptions["embedder"] | undefined;
};

/** What {@link useCollection} returns. */
export interface CollectionState {
  /** `idle` on a server, before the component is shown and while there is no embedder, then `loading`, then `ready` or `failed`. */
  readonly status: "idle" | "loading" | "ready" | "failed";
  /** The collection, once it is open. Other components may share it: do not close it. */
  readonly collection: Collection | undefined;
  /** Counts the changes of the documents, here and in other tabs: what depends on them depends on this. */
  readonly changes: number;
  /** What has gone wrong without stopping anything. */
  readonly warnings: readonly Warning[];
  /** Why there is no collection. */
  readonly error: FelsicError | undefined;
  /** Tries again after a failure. */
  readonly retry: () => void;
}

interface CollectionSnapshot extends Snapshot<Collection> {
  readonly changes?: number;
  readonly warnings?: readonly Warning[];
}

const collections = new Registry<Collection, CollectionSnapshot>({ status: "idle" });
const NOTHING: View<CollectionSnapshot> = {
  subscribe: () => () => undefined,
  snapshot: collections.idle,
  serverSnapshot: collections.idle,
  retry: () => undefined,
};
/** Numbers for embedders, which have no text that is equal for equal ones. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/**
 * Returns a collection and whether it is open. Components that name the same one with equal options share it: it is opened when the first
 * of them is shown, and closed when the last of them has gone. On a server nothing is opened.
 */
export function useCollection(where: string | URL, options: UseCollectionOptions = {}): CollectionState {
  const { embedder, ...others } = options;
  const waits = "embedder" in options && embedder === undefined;
  const key = keyOf({ ...others, where: String(where), embedder: embedder && numberOf(embedder) });
  const view = useMemo(
    () => (waits ? NOTHING : collections.view(key, collectionMaker(where, { ...others, ...(embedder && { embedder }) }))),
    [key, waits],
  );
  const state = useSyncExternalStore(view.subscribe, view.snapshot, view.serverSnapshot);
  return useMemo(
    () => ({
      status: state.status,
      collection: state.value,
      changes: state.changes ?? 0,
      warnings: state.warnings ?? NO_WARNINGS,
      error: errorOf(state.error),
      retry: view.retry,
    }),
    [state, view],
  );
}

function collectionMaker(where: string | URL, options: CollectionOptions): Maker<Collection, CollectionSnapshot> {
  return {
    async make(signal, update) {
      const warnings: Warning[] = [];
      const onWarning = (warning: Warning) => {
        warnings.push(warning);
        update({ warnings: [...warnings] });
      };
      const collection = await Collection.open(where, { ...options, signal, onWarning });
      let changes = 0;
      collection.addEventListener("change", () => update({ changes: (changes += 1) }));
      return collection;
    },
    end: (collection) => collection.close(),
  };
}

function numberOf(object: object): number {
  const known = numbers.get(object);
  if (known !== undefined) return known;
  numbers.set(object, (lastNumber += 1));
  return lastNumber;
}

/** A text that is equal for equal options. */
function keyOf(options: object): string {
  const plain = (_: string, value: unknown) => (value instanceof Headers ? [...value] : value);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return JSON.stringify(
    given.sort(([a], [b]) => (a < b ? -1 : 1)),
    plain,
  );
}

function errorOf(error: unknown): FelsicError | undefined {
  if (error === undefined) return undefined;
  return FelsicError.from(error) ?? new FelsicError("internal", "an unexpected error", { cause: error });
}
