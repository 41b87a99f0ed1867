/** Loads engines, runs them in turn, and sums up. */

import { median } from "./report.js";
import type { Row } from "./report.js";
import type { Answer, EngineChoice, EngineName, Loaded, Request, Shape } from "./protocol";

/** How many times a shape is run on each engine, after one run that does not count. */
export interface Load extends Shape {
  runs: number;
}

/** The worker that runs `engine`. Vite finds a worker's script only where its address stands in the call. */
function startWorker(engine: EngineName): Worker {
  switch (engine) {
    case "felsic-cpu":
    case "felsic-plain":
    case "felsic-webgpu":
      return new Worker(new URL("./felsic.worker.ts", import.meta.url), { type: "module" });
    case "ort-web":
      return new Worker(new URL("./ort.worker.ts", import.meta.url), { type: "module" });
    case "transformers-js":
      return new Worker(new URL("./transformers.worker.ts", import.meta.url), { type: "module" });
  }
}

/** An engine in its own worker. */
export class Remote {
  private constructor(
    readonly choice: EngineChoice,
    private readonly worker: Worker,
  ) {}

  /** Starts a worker for `choice`; nothing is loaded yet. */
  static start(choice: EngineChoice): Remote {
    return new Remote(choice, startWorker(choice.engine));
  }

  private ask<T extends Answer["type"]>(request: Request, expected: T): Promise<Extract<Answer, { type: T }>> {
    return new Promise((resolve, reject) => {
      const fail = (message: string): void => reject(new Error(`${this.choice.engine}: ${message}`));
      this.worker.onerror = (event) => fail(event.message || "its worker did not start");
      this.worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if (data.type === expected) resolve(data as Extract<Answer, { type: T }>);
        else fail(data.type === "failed" ? data.message : `answered ${data.type}`);
      };
      this.worker.postMessage(request);
    });
  }

  async load(): Promise<Loaded> {
    return (await this.ask({ type: "load", choice: this.choice }, "loaded")).loaded;
  }

  /** Brings everything into memory that texts may need. */
  async settle(): Promise<void> {
    await this.ask({ type: "settle" }, "settled");
  }

  /** Embeds an everyday sentence. */
  async first(): Promise<void> {
    await this.ask({ type: "first" }, "settled");
  }

  /** Milliseconds of one call. */
  async run(shape: Shape, seed: number): Promise<number> {
    return (await this.ask({ type: "run", shape, seed }, "ran")).ms;
  }

  /** Milliseconds of one call by operation, if the engine tells. */
  async profile(shape: Shape): Promise<Record<string, number> | null> {
    return (await this.ask({ type: "profile", shape }, "profile")).ms;
  }

  /** Bytes of the engine's WebAssembly memory, which never shrinks. */
  async memory(): Promise<number | null> {
    return (await this.ask({ type: "memory" }, "memory")).bytes;
  }

  stop(): void {
    this.worker.terminate();
  }
}

/** Lets threads that spin for a while after their work go to sleep, and the page paint. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

/**
 * Times every load on every engine. The engines run in turn, one call each, so that whatever else
 * the machine does meets them alike.
 */
export async function compare(choices: EngineChoice[], loads: Load[], note: (line: string, rows: Row[]) => void): Promise<Row[]> {
  const rows: Row[] = [];
  const remotes = choices.map((choice) => Remote.start(choice));
  try {
    const formats: string[] = [];
    for (const remote of remotes) {
      note(`loading ${remote.choice.engine}`, rows);
      formats.push((await remote.load()).format);
      await remote.settle();
    }
    for (const load of loads) {
      rows.push(...(await compareOne(remotes, formats, load, (line) => note(line, rows))));
      note("", rows);
    }
    return rows;
  } finally {
    for (const remote of remotes) remote.stop();
  }
}

async function compareOne(remotes: Remote[], formats: string[], load: Load, note: (line: string) => void): Promise<Row[]> {
  const times: number[][] = remotes.map(() => []);
  for (let run = 0; run <= load.runs; run++) {
    note(`${load.batch} x ${load.tokens}: ${run === 0 ? "warming up" : `run ${run} of ${load.runs}`}`);
    for (const [i, remote] of remotes.entries()) {
      await pause();
      const ms = await remote.run(load, run);
      if (run > 0) times[i]!.push(ms);
    }
  }
  const profiles: (Record<string, number> | null)[] = [];
  for (const remote of remotes) profiles.push(await remote.profile(load));
  return remotes.map(({ choice }, i) => ({
    engine: choice.engine,
    format: formats[i]!,
    threads: choice.threads,
    batch: load.batch,
    tokens: load.tokens,
    median_ms: median(times[i]!),
    min_ms: Math.min(...times[i]!),
    max_ms: Math.max(...times[i]!),
    runs: times[i]!.length,
    profile: profiles[i]!,
  }));
}

/** Loads one engine alone and gives the time until it was ready and until its first vector. */
export async function start(choice: EngineChoice): Promise<{ remote: Remote; readyMs: number; firstVectorMs: number }> {
  const begin = performance.now();
  const remote = Remote.start(choice);
  await remote.load();
  const readyMs = performance.now() - begin;
  await remote.first();
  return { remote, readyMs, firstVectorMs: performance.now() - begin };
}
