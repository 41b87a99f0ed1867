/** The body of the layout worker: arranges the documents of one request. The page ends the worker with it, or before that. */

import { describe } from "../errors.js";
import type { FromAnyWorker } from "../link.js";
import { arrange, type Arranged } from "./arrange.js";
import type { Points } from "./points.js";

/** What a layout worker can be asked; progress is the share that is done. */
export interface LayoutCalls {
  arrange: { request: Points; result: Arranged; progress: number };
}

/** The part of a worker's global scope that is used here. */
interface Scope {
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<{ readonly type: string; readonly id: number; readonly request: Points }>) => void,
  ): void;
  postMessage(message: FromAnyWorker): void;
}

/** Answers the messages of `scope`. */
export function serveLayout(scope: Scope): void {
  scope.addEventListener("message", ({ data: { type, id, request } }) => {
    if (type !== "arrange") return;
    try {
      const result = arrange(request, (progress) => scope.postMessage({ type: "progress", id, progress }));
      scope.postMessage({ type: "result", id, result });
    } catch (error) {
      const message = "the layout worker crashed; call layout() again, with fewer documents";
      scope.postMessage({ type: "failed", error: { code: "internal", message, cause: describe(error) } });
    }
  });
  scope.postMessage({ type: "started" });
}
