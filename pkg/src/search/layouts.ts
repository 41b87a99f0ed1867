/** The page's end of layouts: each has a worker of its own, which is loaded only for it, and ends with it. */

import { FelsicError } from "../errors.js";
import { Link } from "../link.js";
import { startWorker } from "../start.js";
import type { SearchLink } from "./adding.js";
import type { Arranged } from "./arrange.js";
import type { LayoutCalls } from "./layout-server.js";
import { type Plan, placesOf, planAround, planOf } from "./layout-plan.js";
import type { DocumentPoints } from "./protocol.js";
import type { Hit, Layout, LayoutOptions, LayoutPoint } from "./types.js";

const WORDING = { worker: "the layout worker", remedy: "call layout() again, with fewer documents" };

/** How many documents' vectors are on their way at once. */
const BLOCK = 2000;
/** The share of the work that UMAP's documents take, if there are others. */
const SHARE = 0.7;
/** How many documents decide about the place of a query. */
export const NEAREST_TO_QUERY = 8;
/** The least weight of one of them. */
const LEAST = 1e-6;

/** How a layout is watched while it is made. */
interface Work {
  readonly signal: AbortSignal | undefined;
  progress(share: number): void;
}

/** What places documents: the worker that has them, the one that arranges, the vectors of the first, and all places so far. */
interface Making {
  readonly documents: SearchLink;
  readonly link: Link<LayoutCalls>;
  readonly first: DocumentPoints;
  readonly places: Map<string, LayoutPoint>;
}

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
  async make(documents: SearchLink, { where, from, signal, onProgress }: LayoutOptions): Promise<Layout> {
    const ids = await documents.request("documentIds", { ...(where && { where }) }, { signal });
    const places = new Map<string, LayoutPoint>();
    const kept = from && placesOf(from, ids);
    const plan = kept && kept.size > 0 ? planAround(ids, kept) : planOf(ids);
    for (const [id, point] of plan.from ?? []) places.set(id, point);
    if (!plan.from || plan.others.length > 0) {
      await this.#work(documents, plan, places, { signal, progress: (share) => onProgress?.({ share }) });
    }
    onProgress?.({ share: 1 });
    return layoutOf(ids, places);
  }

  async #work(documents: SearchLink, plan: Plan, places: Map<string, LayoutPoint>, work: Work): Promise<void> {
    const first = await documents.request("documentVectors", { ids: plan.first }, { signal: work.signal });
    // Nothing to arrange, or nothing to place others among: no script is loaded.
    if (first.count === 0 || (first.count === 1 && plan.others.length === 0)) {
      for (const id of first.ids) places.set(id, { x: 0, y: 0 });
      return;
    }
    const link = new Link<LayoutCalls>(startWorker(this.#script(), "felsic-layout", this.#directory), WORDING, () => undefined);
    this.#open.add(link);
    try {
      await place({ documents, link, first, places }, plan, work);
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

/** Returns the place of a query: the mean of those of the hits that have one, weighed by their scores; `undefined` if none has. */
export function placeAmongHits(hits: readonly Hit[], layout: Layout): LayoutPoint | undefined {
  const places = placesOf(
    layout,
    hits.map(({ id }) => id),
  );
  let [x, y, total] = [0, 0, 0];
  for (const { id, score } of hits) {
    const place = places.get(id);
    if (!place) continue;
    const weight = Math.max(score, LEAST);
    x += weight * place.x;
    y += weight * place.y;
    total += weight;
  }
  return total > 0 ? { x: x / total, y: y / total } : undefined;
}

/** Takes a plan to its end. */
async function place(
  { documents, link, first, places }: Making,
  { others, from }: Plan,
  { signal, progress }: Work,
): Promise<void> {
  const note = (ids: readonly string[], { x, y }: Arranged) => {
    for (const [at, id] of ids.entries()) places.set(id, { x: x[at]!, y: y[at]! });
  };
  const share = others.length > 0 ? SHARE : 1;
  const { ids, ...points } = first;
  const options = { signal, onProgress: (done: number) => progress(done * share), transfer: [points.data.buffer] };
  if (from) await link.request("keep", { points, places: arrangedBy(ids, from) }, options);
  else note(ids, await link.request("arrange", points, options));
  for (let at = 0; at < others.length; at += BLOCK) {
    const wanted = others.slice(at, at + BLOCK);
    const { ids, ...block } = await documents.request("documentVectors", { ids: wanted }, { signal });
    if (block.count > 0) note(ids, await link.request("place", block, { signal, transfer: [block.data.buffer] }));
    progress(share + (1 - share) * Math.min(1, (at + BLOCK) / others.length));
  }
}

function arrangedBy(ids: readonly string[], places: ReadonlyMap<string, LayoutPoint>): Arranged {
  const along = (axis: "x" | "y") => Float32Array.from(ids, (id) => places.get(id)![axis]);
  return { x: along("x"), y: along("y") };
}

/** A layout of the documents that have places, in their order. */
function layoutOf(ids: readonly string[], places: ReadonlyMap<string, LayoutPoint>): Layout {
  const placed = ids.filter((id) => places.has(id));
  return { ids: placed, ...arrangedBy(placed, places) };
}
