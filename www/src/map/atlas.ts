/** Makes the map of a collection, and keeps it up to date: what has come since goes to its nearest documents, and nothing else moves. */

import { signal, type ReadonlySignal } from "@preact/signals";
import type { Collection, Layout } from "felsic/search";
import { type Chart, chartOf, type Grouping, groupingOf } from "./chart.js";
import { forget, keep, readKept } from "./kept.js";

/** How the map stands. */
export type AtlasState =
  | { readonly step: "waiting" | "ready" | "empty" | "stopped" }
  /** It is being made; `share` of it is done. */
  | { readonly step: "working"; readonly share: number }
  | { readonly step: "failed"; readonly message: string };

/** The share of the work that the layout takes. The clusters are the rest. */
const LAYOUT = 0.9;
/**
 * A layout is made anew when there are this many times the documents that it was made of: of few documents sooner, since that takes seconds, and
 * clusters of the first ones say little of those that came later.
 */
const OUTGROWN = { few: 1.3, many: 1.6, fewDocuments: 2000 };
/** Milliseconds between a change and the update: a few times as long as the last update took, within these bounds. */
const PAUSE = { least: 1200, times: 4, most: 15_000 };

/** The map of one collection. */
export class Atlas {
  readonly #collection: Collection;
  readonly #chart = signal<Chart | undefined>(undefined);
  readonly #state = signal<AtlasState>({ step: "waiting" });
  #work: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isChanged = false;
  #took = 0;
  #isClosed = false;

  constructor(collection: Collection) {
    this.#collection = collection;
    void this.#update(false);
  }

  /** The map, as soon as there is one. */
  get chart(): ReadonlySignal<Chart | undefined> {
    return this.#chart;
  }

  get state(): ReadonlySignal<AtlasState> {
    return this.#state;
  }

  /** Documents have changed: the map follows after a pause. A map that was stopped waits for the person. */
  changed(): void {
    this.#isChanged = true;
    if (this.#work || this.#timer !== undefined || this.#state.peek().step === "stopped") return;
    const wait = Math.max(PAUSE.least, Math.min(PAUSE.most, PAUSE.times * this.#took));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#update(false);
    }, wait);
  }

  /** Makes the map anew, with all documents. */
  anew(): void {
    this.#work?.abort();
    void this.#update(true);
  }

  /** Ends the work; the map that was there stays. */
  stop(): void {
    this.#work?.abort();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#work?.abort();
  }

  async #update(isAnew: boolean): Promise<void> {
    const work = new AbortController();
    this.#work = work;
    this.#isChanged = false;
    try {
      const chart = await this.#made(isAnew, work.signal);
      // What was finished before it could be stopped is shown.
      if (this.#work !== work || this.#isClosed) return;
      if (chart !== this.#chart.peek()) this.#chart.value = chart;
      this.#state.value = { step: chart ? "ready" : "empty" };
    } catch (error) {
      if (this.#work !== work || this.#isClosed) return;
      if (work.signal.aborted) this.#state.value = { step: this.#chart.peek() ? "ready" : "stopped" };
      else this.#state.value = { step: "failed", message: error instanceof Error ? error.message : String(error) };
    } finally {
      if (this.#work === work) {
        this.#work = undefined;
        if (this.#isChanged && !this.#isClosed) this.changed();
      }
    }
  }

  async #made(isAnew: boolean, signal: AbortSignal): Promise<Chart | undefined> {
    const collection = this.#collection;
    const shown = this.#chart.peek();
    const kept = shown || isAnew ? undefined : await readKept(collection);
    if (collection.info.documents === 0) {
      await forget(collection.info.name);
      return undefined;
    }
    const before = shown ?? (kept && chartOf(kept, groupingIn(kept, kept.words), kept.arranged));
    // What was kept is there at once; the rest comes to it.
    if (before && !shown) this.#chart.value = before;
    if (!before || isAnew) return this.#new(signal);
    const begin = performance.now();
    const continued = await this.#continued(before, signal);
    this.#took = performance.now() - begin;
    if (!continued || !isOutgrown(continued) || signal.aborted) return continued;
    // It shows everything already, in places that a new layout would choose better.
    this.#chart.value = continued;
    return this.#new(signal);
  }

  async #new(signal: AbortSignal): Promise<Chart | undefined> {
    const progress = (share: number) => {
      if (!signal.aborted) this.#state.value = { step: "working", share };
    };
    progress(0);
    const layout = await this.#collection.layout({ signal, onProgress: ({ share }) => progress(share * LAYOUT) });
    if (layout.ids.length === 0) return undefined;
    const grouping = groupingOf(await this.#collection.clusters({ signal }));
    return this.#finished(layout, grouping, layout.ids.length);
  }

  async #continued(before: Chart, signal: AbortSignal): Promise<Chart | undefined> {
    const { ids, x, y, arranged } = before;
    const layout = await this.#collection.layout({ from: { ids, x, y }, signal });
    if (layout.ids.length === 0) return undefined;
    const isSame = layout.ids.length === ids.length && layout.ids.every((id, at) => id === ids[at]);
    return isSame ? before : this.#finished(layout, groupingIn(before, wordsOf(before)), arranged);
  }

  async #finished(layout: Layout, grouping: Grouping, arranged: number): Promise<Chart> {
    const chart = chartOf(layout, grouping, arranged);
    const { ids, x, y, cluster } = chart;
    await keep(this.#collection, { ids, x, y, cluster, words: wordsOf(chart), arranged });
    return chart;
  }
}

function isOutgrown({ ids, arranged }: Chart): boolean {
  return ids.length > arranged * (ids.length <= OUTGROWN.fewDocuments ? OUTGROWN.few : OUTGROWN.many);
}

/** Returns the clusters of a map that is there. */
function groupingIn({ ids, cluster }: Pick<Chart, "ids" | "cluster">, words: Grouping["words"]): Grouping {
  return { of: new Map(ids.map((id, at) => [id, cluster[at]!])), words };
}

const wordsOf = ({ groups }: Chart): Grouping["words"] => groups.map(({ words }) => words);
