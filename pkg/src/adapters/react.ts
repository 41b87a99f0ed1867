/** Hooks for React 18 and later: an embedder and a collection that components share. */

import { useMemo, useSyncExternalStore } from "react";
import { type CreateOptions, Embedder, FelsicError, type LoadProgress, type Warning } from "../index.js";
import { type Maker, Registry, type Snapshot } from "./shared.js";

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
