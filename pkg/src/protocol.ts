/**
 * The messages between the page and a worker, and between an engine's worker and its helpers.
 *
 * Every request has an id and gets exactly one `result` or `error` with it, unless the worker ends.
 * Of the worker's requests one at a time computes, in the order of their arrival and urgent ones first; one that waits for
 * the network lets the others go on. What is no request (`abort`, `helper`, `helperLost`, `made`) is read at once. A worker says `started` when its scripts have loaded and `failed`
 * when it cannot go on.
 */

import type { PackRequest } from "./checkpoint/protocol.js";
import type { EngineDevice } from "./engine.js";
import type { ErrorMessage } from "./errors.js";
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
  /** Makes the worker a helper, which answers {@link ToHelper} on `port` from then on. */
  help: {
    request: Pick<Delivery, "cache" | "access" | "urls" | "allowedOrigins"> &
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
    result: EmbedResult;
    progress: EmbedProgress;
  };
  tokenize: {
    request: { readonly text: string; readonly options: EngineOptions };
    result: Uint32Array<ArrayBuffer>;
    progress: never;
  };
  countTokens: {
    request: { readonly text: string; readonly options: EngineOptions };
    result: number;
    progress: never;
  };
  memoryBytes: { request: Record<never, never>; result: number; progress: never };
}

/** Name of a call. */
export type CallName = keyof Calls;

/** Result of `create`. */
export interface Created {
  readonly info: EmbedderInfo;
  /** What helpers have to be made of; without it there can be none. */
  readonly pack: string | undefined;
}

/** Result of `embed`; the vectors are transferred, each its own. */
export interface EmbedResult {
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly truncated: Uint8Array<ArrayBuffer>;
}

/** A request of any kind. */
export type Request = {
  [Name in CallName]: { readonly type: Name; readonly id: number; readonly request: Calls[Name]["request"] };
}[CallName];

/** Page to worker. */
export type ToWorker =
  | Request
  | { readonly type: "abort"; readonly id: number }
  /** A helper is ready at the other end of `port`. */
  | { readonly type: "helper"; readonly helper: number; readonly port: MessagePort }
  /** A helper's worker has ended. */
  | { readonly type: "helperLost"; readonly helper: number }
  | MadeMessage;

/** The answer to `make`: one of both. */
export interface MadeMessage {
  readonly type: "made";
  readonly made?: Made;
  readonly error?: ErrorMessage;
}

/** Worker to page. */
export type FromWorker =
  | { readonly type: "started" }
  | { readonly type: "failed"; readonly error: ErrorMessage }
  /** The request goes on nevertheless. */
  | { readonly type: "warning"; readonly warning: Warning }
  /** A pack has to be made of a checkpoint. */
  | { readonly type: "make"; readonly request: PackRequest }
  /** Of loading, which goes on when `create` has been answered. */
  | { readonly type: "loading"; readonly progress: LoadProgress }
  | { readonly type: "progress"; readonly id: number; readonly progress: unknown }
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: ErrorMessage };

/** Engine to helper: one group. The rows are transferred. */
export interface ToHelper {
  readonly task: number;
  readonly rows: Float32Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** Helper to engine: the group's pooled vectors, transferred; without them the helper could not make them. */
export interface FromHelper {
  readonly task: number;
  readonly pooled?: Float32Array<ArrayBuffer>;
}
