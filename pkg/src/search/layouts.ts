/** The page's end of layouts: each has a worker of its own, which is loaded only for it, and ends with it. */

import { FelsicError } from "../errors.js";
import { Link } from "../link.js";
import { startWorker } from "../start.js";
import type { SearchLink } from "./adding.js";
import type { LayoutCalls } from "./layout-server.js";
import type { Layout, LayoutOptions } from "./types.js";

const WORDING = { worker: "the layout worker", remedy: "call layout() again, with fewer documents" };

/** The layouts of one collection that are being made. */
export class Layouts {
  readonly #script: () => string;
  readonly #directory: string | undefined;
  readonly #open = new Set<Link<LayoutCalls>>();

  /** `script` returns the URL of the worker's script. */
  constructor(script: () => string, directory: string | undefined) {
    this.#script = script;
    this.#directory = directory;
  }

  /** Makes a layout of the documents that fit. */
  async make(documents: SearchLink, { where, signal, onProgress }: LayoutOptions): Promise<Layout> {
    const { ids, ...points } = await documents.request("documentVectors", { ...(where && { where }) }, { signal });
    if (ids.length < 2) {
      onProgress?.({ share: 1 });
      return { ids, x: new Float32Array(ids.length), y: new Float32Array(ids.length) };
    }
    const link = new Link<LayoutCalls>(startWorker(this.#script(), "felsic-layout", this.#directory), WORDING, () => undefined);
    this.#open.add(link);
    try {
      const options = { signal, onProgress: (share: number) => onProgress?.({ share }), transfer: [points.data.buffer] };
      const { x, y } = await link.request("arrange", points, options);
      return { ids, x, y };
    } finally {
      this.#open.delete(link);
      link.end(new FelsicError("destroyed", "the layout is done"));
    }
  }

  /** Ends those that are being made. */
  end(error: FelsicError): void {
    for (const link of this.#open) link.end(error);
  }
}
