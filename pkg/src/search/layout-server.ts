/** The body of the layout worker: arranges the documents of one layout. The page ends the worker with it, or before that. */

import { describe } from "../errors.js";
import type { FromAnyWorker } from "../link.js";
import { arrange, type Arranged, componentsOf, type Placed } from "./arrange.js";
import { along } from "./pca.js";
import { placeAmong } from "./placing.js";
import type { Points } from "./points.js";

/** What a layout worker can be asked; progress is the share that is done. */
export interface LayoutCalls {
  /** Arranges points. */
  arrange: { request: Points; result: Arranged; progress: number };
  /** Takes in points that have their places. */
  keep: { request: { readonly points: Points; readonly places: Arranged }; result: null; progress: number };
  /** Places further points among those of the call before. */
  place: { request: Points; result: Arranged; progress: never };
}

/** A request of any kind. */
type LayoutRequest = {
  [Name in keyof LayoutCalls]: { readonly type: Name; readonly id: number; readonly request: LayoutCalls[Name]["request"] };
}[keyof LayoutCalls];

/** The part of a worker's global scope that is used here. */
interface Scope {
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<LayoutRequest | { readonly type: "abort"; readonly id: number }>) => void,
  ): void;
  postMessage(message: FromAnyWorker): void;
}

/** Answers the messages of `scope`. */
export function serveLayout(scope: Scope): void {
  const server = new Server();
  scope.addEventListener("message", ({ data }) => {
    // Whoever aborts ends the worker.
    if (data.type === "abort") return;
    const { id } = data;
    try {
      const result = server.answer(data, (progress) => scope.postMessage({ type: "progress", id, progress }));
      scope.postMessage({ type: "result", id, result });
    } catch (error) {
      const message = "the layout worker crashed; call layout() again, with fewer documents";
      scope.postMessage({ type: "failed", error: { code: "internal", message, cause: describe(error) } });
    }
  });
  scope.postMessage({ type: "started" });
}

class Server {
  #placed: Placed | undefined;

  answer({ type, request }: LayoutRequest, progress: (share: number) => void): LayoutCalls[keyof LayoutCalls]["result"] {
    switch (type) {
      case "arrange":
        this.#placed = arrange(request, progress);
        return this.#placed.places;
      case "keep": {
        const axes = componentsOf(request.points, progress);
        this.#placed = { axes, points: along(request.points, axes), places: request.places };
        return null;
      }
      case "place":
        if (!this.#placed) throw new Error("no point has a place yet");
        return placeAmong(this.#placed, request);
    }
  }
}
