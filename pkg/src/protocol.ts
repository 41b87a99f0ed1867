/**
 * The messages between the page and a worker, and between an engine's worker and its helpers.
 *
 * Every request has an id and gets exactly one `result` or `error` with it, unless the worker ends.
 * The worker computes one request at a time, in the order of their arrival and urgent ones first; one that waits for
 * the network lets the others go on. Messages that are not requests (`abort`, `helper`, `helperLost`, `made`) are read at once.
 * A worker sends `started` when its scripts have loaded and `failed` when it cannot go on.
 */

import type { PackRequest } from "./checkpoint/protocol.js";
import type { EngineDevice } from "./engine.js";
import type { ErrorMessage } from "./errors.js";
import type { FromAnyWorker } from "./link.js";
import type { Delivery, EmbedProgress, Prefetch } from "./options.js";
import type { EngineFiles } from "./package.js";
import type { Made } from "./store/types.js";
import type { Warning } from "./store/warning.js";
import type { EmbedderInfo, EngineOptions, LoadProgress } from "./types.js";

/** What a worker can be asked, and what it answers. */
export interface Calls {
  create: {
    request: Delivery &
      EngineFiles & {
        readonly model: string;
        readonly device: EngineDevice;
        readonly prefetch: Prefetch;
      };
    result: Created;
    progress: never;
  };
  /** Makes the worker a helper, which then answers {@link ToHelper} on `port`. */
  help: {
    request: Pick<Delivery, "cache" | "access" | "urls" | "files" | "allowedOrigins"> &
      EngineFiles & {
        readonly model: string;
        readonly pack: string;
        readonly port: MessagePort;
      };
    result: Record<never, never>;
    progress: never;
  };
  embed: {
    request: { readonly texts: readonly string[]; readonly options: EngineOptions; readonly urgent: boolean };
    result: EmbedAnswer;
    progress: EmbedProgress;
  };
  tokenize: {
    request: { readonly text: string; readonly options: EngineOptions };
    result: Uint32Array<ArrayBuffer>;
    progress: never;
  };
  countTokens: {
    request: { readonly texts: readonly string[]; readonly options: EngineOptions };
    result: number[];
    progress: never;
  };
  memoryBytes: { request: Record<never, never>; result: number; progress: never };
}

/** The name of a call. */
export type CallName = keyof Calls;

/** The result of `create`. */
export interface Created {
  readonly info: EmbedderInfo;
  /** What helpers are made from; without it there are no helpers. */
  readonly pack: string | undefined;
  /** Whether the pack is kept on this machine, or will be, so that a further engine fetches nothing. */
  readonly isStored: boolean;
}

/** The vectors of texts, each with its own buffer. */
export interface EmbedResult {
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly truncated: Uint8Array<ArrayBuffer>;
}

/** The result of `embed`; the vectors are transferred. */
export interface EmbedAnswer extends EmbedResult {
  /**
   * How long it took, in milliseconds by the worker's clock: since its turn came, or since the call before it was done. A page that is busy hears
   * of answers late, and of several at once.
   */
  readonly took: number;
}

/** A request of any kind. */
export type Request = {
  [Name in CallName]: { readonly type: Name; readonly id: number; readonly request: Calls[Name]["request"] };
}[CallName];

/** Page to worker. */
export type ToWorker =
  | Request
  | { readonly type: "abort"; readonly id: number }
  /** Reports that a helper is ready at the other end of `port`. */
  | { readonly type: "helper"; readonly helper: number; readonly port: MessagePort }
  /** Reports that a helper's worker has ended. */
  | { readonly type: "helperLost"; readonly helper: number }
  | MadeMessage;

/** The answer to `make`: one of the two. */
export interface MadeMessage {
  readonly type: "made";
  readonly made?: Made;
  readonly error?: ErrorMessage;
}

/** What an engine's worker sends without being asked. */
export type EngineNews =
  /** Names a lock that the worker holds for as long as it lives. */
  | { readonly type: "alive"; readonly lock: string }
  /** Carries a warning; the request goes on. */
  | { readonly type: "warning"; readonly warning: Warning }
  /** Asks for a pack to be made from a checkpoint. */
  | { readonly type: "make"; readonly request: PackRequest }
  /** Reports loading, which goes on after `create` has been answered. */
  | { readonly type: "loading"; readonly progress: LoadProgress };

/** Worker to page. */
export type FromWorker = FromAnyWorker | EngineNews;

/** Engine to helper: one batch. The rows are transferred. */
export interface ToHelper {
  readonly task: number;
  readonly rows: Float32Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** Helper to engine: the batch's pooled vectors, transferred; absent if the helper failed to compute them. */
export interface FromHelper {
  readonly task: number;
  readonly pooled?: Float32Array<ArrayBuffer>;
}
