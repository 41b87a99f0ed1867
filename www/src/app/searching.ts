/** Searches as the address changes, and keeps what was found. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { Hit, HitPart, SearchMode } from "felsic/search";
import type { Ask, Library } from "../library/types.js";
import type { FileKind } from "../reading/types.js";
import { isAbort, reason } from "./context.js";
import { facts, weaknessOf } from "./model-facts.js";
import { isNear, measureNoise, noise } from "./noise.js";
import { FILE_KINDS, filtersOf, type Route, route } from "./route.js";

/** A passage that fits, of a hit's document. */
export interface FoundPassage extends HitPart {
  readonly hit: Hit;
  /** Counted from 1, if the file has pages. */
  readonly page?: number;
}

/** A file with its passages that fit, best first. */
export interface FoundFile {
  readonly path: string;
  readonly name: string;
  readonly folder: string;
  readonly kind: FileKind;
  readonly modified?: number;
  readonly passages: readonly FoundPassage[];
}

/** What has been found, and how. */
export interface Found {
  readonly files: readonly FoundFile[];
  readonly hits: readonly Hit[];
  /** What it was found by; `words` while the model is still on its way. */
  readonly by: SearchMode | "like";
  readonly query: string;
  /** Whether there may be more than were asked for. */
  readonly hasMore: boolean;
  /** How many documents were left out because they are as near to nonsense. */
  readonly left: number;
}

/** Milliseconds after the last key before a search begins. */
const PAUSE = 60;
/** Milliseconds that a search may take before what words alone find is shown. */
const PATIENCE = 180;
/** Milliseconds between searches that only a change of the library asks for. */
const SELDOM = 1000;
/** Milliseconds of rest after which it is measured what nonsense is near to. */
const REST = 400;
/**
 * How much nearer to a query than to nonsense a document has to be. Measured with the built-in model over samples and over felsic's own
 * documents: 33 of 40 queries that have an answer find it, 63 of 70 that have none find nothing. With other models a document has to be
 * no nearer to nonsense.
 */
const BUILT_IN_MARGIN = 0.1;
const FEW = 20;
const MANY = 200;

/** Returns the page of a place: pages are given by where each begins. */
export function pageAt(pages: unknown, start: number): number | undefined {
  if (!Array.isArray(pages) || pages.length === 0) return undefined;
  const after = pages.findIndex((begin) => Number(begin) > start);
  return after < 0 ? pages.length : Math.max(1, after);
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Puts hits together by their files, in the order of the best passage of each. */
function byFile(hits: readonly Hit[]): FoundFile[] {
  const files = new Map<string, Hit[]>();
  for (const hit of hits) {
    const path = text(hit.meta?.file) ?? hit.id;
    const others = files.get(path);
    if (others) others.push(hit);
    else files.set(path, [hit]);
  }
  return [...files].map(([path, own]) => {
    const meta = own[0]?.meta ?? {};
    const slash = path.lastIndexOf("/");
    return {
      path,
      name: path.slice(slash + 1),
      folder: path.slice(0, Math.max(0, slash)),
      kind: FILE_KINDS.find((kind) => kind === meta.kind) ?? "text",
      ...(typeof meta.modified === "number" && { modified: meta.modified }),
      passages: own.flatMap(passagesOf).sort((a, b) => b.score - a.score),
    };
  });
}

function passagesOf(hit: Hit): FoundPassage[] {
  const { passage, highlights, score } = hit;
  return [{ passage, highlights, score }, ...(hit.more ?? [])].map((part) => {
    const page = pageAt(hit.meta?.pages, part.passage.start);
    return { hit, ...part, ...(page !== undefined && { page }) };
  });
}

export class Searching {
  readonly #found = signal<Found | undefined>(undefined);
  /** Whether what is near to everything is shown, too. */
  readonly showsFar = signal(false);
  readonly found = computed<Found | undefined>(() => {
    const found = this.#found.value;
    if (!found || found.by === "words" || found.by === "like" || this.showsFar.value) return found;
    const margin = weaknessOf(facts.value) === "builtIn" ? BUILT_IN_MARGIN : 0;
    const hits = found.hits.filter((hit) => isNear(hit, noise.value, margin));
    if (hits.length === found.hits.length) return found;
    return { ...found, hits, files: byFile(hits), left: found.hits.length - hits.length };
  });
  readonly hits = computed<readonly Hit[]>(() => this.found.value?.hits ?? []);
  readonly query = computed(() => route.value.query.trim());
  readonly busy = signal(false);
  readonly problem = signal<string | undefined>(undefined);
  /** What keeps a search by meaning from being answered. */
  readonly lacks = signal<"model" | "waiting" | undefined>(undefined);
  readonly #many = signal(false);
  readonly #library: Library;
  readonly #selection: { readonly value: readonly string[] | undefined };
  #running = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = { what: "", asked: "", at: 0 };

  constructor(library: Library, selection: { readonly value: readonly string[] | undefined }) {
    this.#library = library;
    this.#selection = selection;
    effect(() => this.#schedule());
    effect(() => this.#listenToNoise());
  }

  /** Measures what nonsense is near to, when nothing else is to be done. */
  #listenToNoise(): (() => void) | void {
    const collection = this.#library.collection.value;
    void this.#library.version.value;
    if (!collection || this.#library.model.value.state !== "ready" || this.#library.progress.value) return undefined;
    const ending = new AbortController();
    // Without it only the collection's own bound holds.
    const timer = setTimeout(() => void measureNoise(collection, ending.signal).catch(() => {}), REST);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }

  /** Asks for more results than the first few. */
  showMore(): void {
    this.#many.value = true;
  }

  /** Searches once more, after a failure. */
  retry(): void {
    this.#last = { what: "", asked: "", at: 0 };
    this.#schedule();
  }

  /** Reads all that a search depends on, and begins one when nothing has changed for a moment. */
  #schedule(): void {
    const now = route.value;
    const ids = this.#selection.value;
    const { state } = this.#library.model.value;
    void this.#library.version.value;
    const isReady = this.#library.collection.value !== undefined;
    const many = this.#many.value;
    const what = JSON.stringify([now.query.trim(), now.mode, now.like, now.folder, now.file, now.kind, now.span, ids]);
    const asked = JSON.stringify([what, state, isReady, many]);
    clearTimeout(this.#timer);
    const isNew = asked !== this.#last.asked;
    // Documents that come in while a person reads change the list once a second at most.
    const pause = isNew ? PAUSE : Math.max(PAUSE, this.#last.at + SELDOM - performance.now());
    this.#timer = setTimeout(() => {
      const wasOther = this.#last.what !== what;
      this.#last = { what, asked, at: performance.now() };
      if (wasOther) {
        this.#many.value = false;
        this.showsFar.value = false;
      }
      void this.#search(now, ids, many && !wasOther, wasOther);
    }, pause);
  }

  async #search(now: Route, ids: readonly string[] | undefined, isMany: boolean, isOther: boolean): Promise<void> {
    this.#running.abort();
    const { signal } = (this.#running = new AbortController());
    const query = now.query.trim();
    if (query === "" && now.like === "") return this.#show(undefined);
    const { state } = this.#library.model.value;
    const hasModel = state === "ready";
    if (now.mode === "meaning" && now.like === "" && !hasModel) {
      this.#show(undefined);
      this.lacks.value = state === "loading" ? "waiting" : "model";
      return;
    }
    this.busy.value = true;
    const ask: Ask = {
      text: query,
      mode: now.mode,
      filters: filtersOf(now, ids),
      limit: isMany ? MANY : FEW,
      ...(now.like !== "" && { like: now.like }),
    };
    const by = now.like !== "" ? "like" : now.mode === "hybrid" && !hasModel ? "words" : now.mode;
    try {
      if (by === "hybrid") await this.#searchTwice(ask, isOther, signal);
      else this.#take(ask, by, await this.#library.search(by === "like" ? ask : { ...ask, mode: by }, signal));
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      this.#show(undefined);
      this.problem.value = reason(error);
    }
  }

  /** Searches by both; if that takes long, what words find is shown meanwhile, unless the same was asked before: it has more. */
  async #searchTwice(ask: Ask, isOther: boolean, signal: AbortSignal): Promise<void> {
    const shown = this.#found.peek();
    let isDone = !isOther && shown?.by === "hybrid" && shown.query === ask.text;
    const meanwhile = setTimeout(() => {
      this.#library.search({ ...ask, mode: "words" }, signal).then(
        (hits) => {
          if (!isDone && !signal.aborted && hits.length > 0) this.#take(ask, "words", hits, true);
        },
        // The search by both says what is wrong.
        () => {},
      );
    }, PATIENCE);
    try {
      this.#take(ask, "hybrid", await this.#library.search(ask, signal));
    } finally {
      isDone = true;
      clearTimeout(meanwhile);
    }
  }

  #take(ask: Ask, by: Found["by"], hits: readonly Hit[], goesOn = false): void {
    const hasMore = hits.length >= (ask.limit ?? FEW) && (ask.limit ?? FEW) < MANY;
    this.#show({ files: byFile(hits), hits, by, query: ask.text, hasMore, left: 0 }, goesOn);
  }

  #show(found: Found | undefined, goesOn = false): void {
    batch(() => {
      this.#found.value = found;
      this.busy.value = goesOn;
      this.problem.value = undefined;
      this.lacks.value = undefined;
    });
  }
}
