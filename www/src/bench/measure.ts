/**
 * Measures engines as a page uses them: through the npm package, whose engines run in workers of their own. The rules are those of the
 * benchmark in www/bench: every engine runs once without being counted, then they run in turn, one call each, so that whatever else the
 * machine does meets them alike; figures are medians.
 */

import { Embedder, type CreateOptions } from "felsic";
import { FIRST, passagesOf, queryOf } from "./texts.js";

/** What is measured. */
export type EngineName = "cpu" | "cpu-workers" | "webgpu" | "transformers";

/** How often. */
export interface Plan {
  readonly loads: number;
  readonly queries: number;
  readonly batches: number;
  /** Passages of one call. */
  readonly passages: number;
  /** Calls with each smaller number of passages. */
  readonly sizes: number;
}

export const PLAN: Plan = { loads: 3, queries: 15, batches: 5, passages: 32, sizes: 3 };

/** How fast an engine is with calls of one size. */
export interface Point {
  readonly passages: number;
  /** Of one call. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/** What an engine did; times in milliseconds. */
export interface Figures {
  readonly engine: EngineName;
  readonly device: string;
  readonly kernel: string;
  readonly workers: number;
  readonly model: string;
  readonly format: string;
  /** From the call until the engine was ready, at first: with the downloads that were still necessary. */
  readonly firstLoad: number;
  /** The same with everything stored; `undefined` if it was loaded only once. */
  readonly load: number | undefined;
  /** From the call until the first vector, likewise. */
  readonly firstVector: number;
  /** One short query. */
  readonly query: number;
  /** One call with passages, and its tokens. */
  readonly batch: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** The same for calls with fewer passages, from one on, and then for those. */
  readonly curve: readonly Point[];
  /** Bytes of WebAssembly memory of all its workers, at the end. */
  readonly memory: number;
  /** Whether it ran another model than felsic, as far as names tell: its speed does not compare then. */
  readonly otherModel?: boolean;
  /** Of the same model in another library: the cosine of its first vector and felsic's. */
  readonly cosine?: number;
  /** All runs. */
  readonly runs: { readonly query: readonly number[]; readonly batch: readonly number[] };
}

/** An engine that gave no figures, and why. */
export interface Failure {
  readonly engine: EngineName;
  readonly code: string;
  readonly message: string;
}

/** What is being done, for people. */
export interface Step {
  readonly name: "loading" | "warming" | "queries" | "sizes" | "batches";
  readonly engine?: EngineName;
  /** From 0 to 1. */
  readonly share: number;
}

interface Job {
  readonly plan: Plan;
  /** As `Embedder.create()` takes it; without it, the built-in model. */
  readonly model?: string;
  /** Address of an ONNX export that transformers.js runs; without it, transformers.js takes no part. */
  readonly onnx?: string;
  readonly allowedOrigins?: readonly string[];
  readonly signal: AbortSignal;
  readonly note: (step: Step) => void;
}

/** What the measurement needs of an engine: of felsic's, and of another library's. */
export interface Runner {
  readonly info: { readonly device: string; readonly kernel: string; readonly model: string; readonly format: string };
  /** The vector of the first text. */
  first(text: string, signal: AbortSignal): Promise<Float32Array>;
  /** The vector of a short query. */
  query(text: string, signal: AbortSignal): Promise<Float32Array>;
  /** The vectors of passages, and how many tokens they have together. */
  passages(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly vectors: readonly Float32Array[]; readonly tokens: () => Promise<number> }>;
  /** Starts all workers; returns their number. */
  warmUp(): Promise<number>;
  memoryBytes(): Promise<number>;
  destroy(): void;
}

/** An engine that takes part. */
interface Contestant {
  readonly engine: EngineName;
  readonly embedder: Runner;
  /** Of the first text. */
  readonly vector: Float32Array;
  readonly workers: number;
  readonly loads: readonly number[];
  readonly firstVectors: readonly number[];
  readonly query: number[];
  readonly batch: Call[];
  /** Calls with fewer passages. */
  readonly smaller: Call[];
}

/** A call with passages. */
interface Call {
  readonly passages: number;
  readonly tokens: number;
  readonly took: number;
}

const ENGINES: readonly EngineName[] = ["cpu", "cpu-workers", "webgpu", "transformers"];
/** Lets threads that spin for a while after their work go to sleep, and the page paint. */
const PAUSE = 50;
/** The shares of the parts in the progress. */
const SHARES = { loading: 0.3, warming: 0.15, queries: 0.15, sizes: 0.15, batches: 0.25 };

/** Measures every engine that this browser has. @throws the signal's reason, if it is aborted */
export async function measure(job: Job): Promise<{ readonly rows: readonly Figures[]; readonly failures: readonly Failure[] }> {
  const failures: Failure[] = [];
  const contestants: Contestant[] = [];
  const out = new Set<Contestant>();
  const attempt = async (engine: EngineName, work: () => Promise<void>, contestant?: Contestant) => {
    job.signal.throwIfAborted();
    if (contestant && out.has(contestant)) return;
    try {
      await work();
    } catch (error) {
      job.signal.throwIfAborted();
      if (contestant) out.add(contestant);
      failures.push(failureOf(engine, error));
    }
  };
  try {
    const engines = ENGINES.filter((engine) => engine !== "transformers" || job.onnx !== undefined);
    for (const [at, engine] of engines.entries()) {
      job.note({ name: "loading", engine, share: (SHARES.loading * at) / engines.length });
      await attempt(engine, async () => {
        const contestant = await load(engine, job);
        if (contestant) contestants.push(contestant);
      });
    }
    await inTurn(contestants, attempt, job);
    const rows: Figures[] = [];
    for (const contestant of contestants) {
      await attempt(contestant.engine, async () => void rows.push(await figuresOf(contestant)), contestant);
    }
    return { rows: rows.map((row) => compared(row, contestants)), failures };
  } finally {
    for (const { embedder } of contestants) embedder.destroy();
    if (job.onnx !== undefined) await (await import("./transformers.js")).forget();
  }
}

function settings(engine: EngineName, { model, allowedOrigins, signal }: Job): CreateOptions {
  return {
    ...(model !== undefined && { model }),
    ...(allowedOrigins && { allowedOrigins }),
    device: engine === "webgpu" ? "webgpu" : "cpu",
    workers: engine === "cpu-workers" ? "auto" : 1,
    signal,
  };
}

/** Loads an engine as often as the plan says, and keeps the last one; none if there is nothing of its own to measure. */
async function load(engine: EngineName, job: Job): Promise<Contestant | undefined> {
  const start = await starterOf(engine, job);
  const loads: number[] = [];
  const firstVectors: number[] = [];
  for (let run = 1; ; run += 1) {
    job.signal.throwIfAborted();
    const begin = performance.now();
    const embedder = await start(run === 1);
    try {
      loads.push(performance.now() - begin);
      const vector = await embedder.first(FIRST, job.signal);
      mustBeUnit(vector);
      firstVectors.push(performance.now() - begin);
      const workers = engine === "cpu-workers" ? await embedder.warmUp() : 1;
      // With one worker it is the engine before.
      if (engine === "cpu-workers" && workers < 2) return (embedder.destroy(), undefined);
      if (run >= job.plan.loads)
        return { engine, embedder, vector, workers, loads, firstVectors, query: [], batch: [], smaller: [] };
      embedder.destroy();
    } catch (error) {
      embedder.destroy();
      throw error;
    }
  }
}

/** Returns what starts an engine. The files of another library are loaded only now, since most visits do without. */
async function starterOf(engine: EngineName, job: Job): Promise<(isFirst: boolean) => Promise<Runner>> {
  if (engine === "webgpu") await requireAdapter();
  if (engine !== "transformers") return async () => runnerOf(await Embedder.create(settings(engine, job)));
  const { Transformers } = await import("./transformers.js");
  return (fresh) => Transformers.load(job.onnx ?? "", { signal: job.signal, fresh });
}

/** felsic's embedder as the measurement runs it. */
function runnerOf(embedder: Embedder): Runner {
  return {
    info: embedder.info,
    first: (text, signal) => embedder.embed(text, { signal }),
    query: (text, signal) => embedder.embed(text, { taskType: "retrieval-query", signal }),
    async passages(texts, signal) {
      const made = await embedder.embedDetailed(texts, { taskType: "retrieval-document", signal });
      const count = made.reduce((sum, { tokens }) => sum + tokens, 0);
      return { vectors: made.map(({ vector }) => vector), tokens: () => Promise.resolve(count) };
    },
    warmUp: () => embedder.warmUp(),
    memoryBytes: () => embedder.memoryBytes(),
    destroy: () => embedder.destroy(),
  };
}

/** Adds to another library's row whether it compares, and how far its vector does. */
function compared(row: Figures, contestants: readonly Contestant[]): Figures {
  const own = contestants.find(({ engine }) => engine !== "transformers");
  const other = contestants.find(({ engine }) => engine === "transformers");
  if (row.engine !== "transformers" || !own || !other) return row;
  if (nameOf(row.model) !== nameOf(own.embedder.info.model)) return { ...row, otherModel: true };
  // Vectors of different lengths have nothing in common.
  const cosine =
    own.vector.length === other.vector.length ? own.vector.reduce((sum, x, at) => sum + x * other.vector[at]!, 0) : 0;
  return { ...row, otherModel: false, cosine };
}

/** What is left of a model's name without its owner, its revision and the mark of an export. */
const nameOf = (model: string): string =>
  model
    .toLowerCase()
    .replace(/@.*$/, "")
    .replace(/^.*\//, "")
    .replace(/-onnx$/, "");

type Attempt = (engine: EngineName, work: () => Promise<void>, contestant: Contestant) => Promise<void>;

/** Runs the engines in turn. Run 0 does not count. */
async function inTurn(contestants: readonly Contestant[], attempt: Attempt, { plan, signal, note }: Job): Promise<void> {
  const timed = async (
    name: Step["name"],
    from: number,
    share: number,
    last: number,
    run: (run: number, contestant: Contestant) => Promise<void>,
  ) => {
    const first = name === "warming" ? 0 : 1;
    for (let at = first; at <= last; at += 1) {
      note({ name, share: from + (share * (at - first)) / Math.max(1, last - first + 1) });
      for (const contestant of contestants) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        await attempt(contestant.engine, () => run(at, contestant), contestant);
      }
    }
  };
  const query = async (run: number, { embedder, query }: Contestant) => {
    const begin = performance.now();
    const vector = await embedder.query(queryOf(run), signal);
    if (run > 0) query.push(performance.now() - begin);
    mustBeUnit(vector);
  };
  const call = async (run: number, passages: number, embedder: Runner): Promise<Call> => {
    const texts = passagesOf(run, passages);
    const begin = performance.now();
    const made = await embedder.passages(texts, signal);
    const took = performance.now() - begin;
    made.vectors.forEach(mustBeUnit);
    return { passages, took, tokens: await made.tokens() };
  };
  const batch = async (run: number, { embedder, batch }: Contestant) => {
    const made = await call(run, plan.passages, embedder);
    if (run > 0) batch.push(made);
  };
  const smaller = async (run: number, { embedder, smaller }: Contestant) => {
    for (const size of sizesBelow(plan.passages)) smaller.push(await call(run, size, embedder));
  };
  await timed("warming", SHARES.loading, SHARES.warming, 0, async (run, contestant) => {
    await query(run, contestant);
    await batch(run, contestant);
  });
  await timed("queries", SHARES.loading + SHARES.warming, SHARES.queries, plan.queries, query);
  await timed("sizes", 1 - SHARES.batches - SHARES.sizes, SHARES.sizes, plan.sizes, smaller);
  await timed("batches", 1 - SHARES.batches, SHARES.batches, plan.batches, batch);
}

/** Returns the powers of two below a number. */
function sizesBelow(most: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < most; size *= 2) sizes.push(size);
  return sizes;
}

/** Sums up calls by their sizes, from the smallest on. */
function curveOf(calls: readonly Call[]): Point[] {
  const sizes = [...new Set(calls.map(({ passages }) => passages))].sort((a, b) => a - b);
  return sizes.map((passages) => {
    const own = calls.filter((call) => call.passages === passages);
    const tokensPerSecond = median(own.map(({ tokens, took }) => (1000 * tokens) / took));
    return { passages, tokens: median(own.map(({ tokens }) => tokens)), tokensPerSecond };
  });
}

async function figuresOf({
  engine,
  embedder,
  workers,
  loads,
  firstVectors,
  query,
  batch,
  smaller,
}: Contestant): Promise<Figures> {
  const { device, kernel, model, format } = embedder.info;
  const took = batch.map((call) => call.took);
  const [whole] = curveOf(batch);
  // The first load may have had to fetch the model.
  const stored = (times: readonly number[]) => (times.length > 1 ? median(times.slice(1)) : undefined);
  return {
    engine,
    device,
    kernel,
    workers,
    model,
    format,
    firstLoad: loads[0]!,
    load: stored(loads),
    firstVector: stored(firstVectors) ?? firstVectors[0]!,
    query: median(query),
    batch: median(took),
    tokens: whole!.tokens,
    tokensPerSecond: whole!.tokensPerSecond,
    curve: curveOf([...smaller, ...batch]),
    memory: await embedder.memoryBytes(),
    runs: { query, batch: took },
  };
}

/** Returns the value in the middle; of an even number of values, the mean of the two. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

/** Throws unless a vector is of unit length: an engine that answers nonsense quickly must not win. */
function mustBeUnit(vector: Float32Array): void {
  const length = Math.hypot(...vector);
  if (!(Math.abs(length - 1) < 1e-3)) throw new Error(`a vector of length ${length} instead of 1`);
}

async function requireAdapter(): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) throw Object.assign(new Error("this browser offers no WebGPU adapter"), { code: "device-unavailable" });
}

function failureOf(engine: EngineName, error: unknown): Failure {
  const { code = "internal", message = String(error) } = (error ?? {}) as { readonly code?: string; readonly message?: string };
  return { engine, code: String(code), message };
}
