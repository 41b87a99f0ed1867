/** Loads engines, runs them in turn, and sums up. */

import { label, median } from "./report.js";
import type { Failure, Row } from "./report.js";
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
    case "ort-webgpu-f32":
    case "ort-webgpu-q8":
      return new Worker(new URL("./ort-webgpu.worker.ts", import.meta.url), { type: "module" });
    case "transformers-js":
      return new Worker(new URL("./transformers.worker.ts", import.meta.url), { type: "module" });
    case "wllama":
      return new Worker(new URL("./wllama.worker.ts", import.meta.url), { type: "module" });
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

/** What has been measured so far. */
export interface Compared {
  readonly rows: Row[];
  /** An engine that fails takes no further part. */
  readonly failures: Failure[];
}

/** An engine that takes part. */
interface Contestant {
  readonly remote: Remote;
  format: string;
  hasFailed: boolean;
}

/**
 * Times every load on every engine. The engines run in turn, one call each, so that whatever else
 * the machine does meets them alike.
 */
export async function compare(
  choices: EngineChoice[],
  loads: Load[],
  note: (line: string, compared: Compared) => void,
): Promise<Compared> {
  const compared: Compared = { rows: [], failures: [] };
  const contestants = choices.map((choice): Contestant => ({ remote: Remote.start(choice), format: "", hasFailed: false }));
  const attempt = async (contestant: Contestant, part: string, work: () => Promise<void>): Promise<void> => {
    if (contestant.hasFailed) return;
    try {
      await work();
    } catch (error) {
      contestant.hasFailed = true;
      const message = error instanceof Error ? error.message : String(error);
      compared.failures.push({ engine: label(contestant.remote.choice), part, message });
    }
  };
  try {
    for (const contestant of contestants) {
      const { remote } = contestant;
      note(`loading ${remote.choice.engine}`, compared);
      await attempt(contestant, "loading", async () => {
        contestant.format = (await remote.load()).format;
        await remote.settle();
      });
    }
    for (const load of loads) {
      compared.rows.push(...(await compareOne(contestants, attempt, load, (line) => note(line, compared))));
      note("", compared);
    }
    return compared;
  } finally {
    for (const { remote } of contestants) remote.stop();
  }
}

async function compareOne(
  contestants: Contestant[],
  attempt: (contestant: Contestant, part: string, work: () => Promise<void>) => Promise<void>,
  load: Load,
  note: (line: string) => void,
): Promise<Row[]> {
  const shape = `${load.batch} x ${load.tokens}`;
  const times = new Map(contestants.map((contestant) => [contestant, [] as number[]]));
  for (let run = 0; run <= load.runs; run++) {
    note(`${shape}: ${run === 0 ? "warming up" : `run ${run} of ${load.runs}`}`);
    for (const contestant of contestants) {
      await pause();
      await attempt(contestant, shape, async () => {
        const ms = await contestant.remote.run(load, run);
        if (run > 0) times.get(contestant)!.push(ms);
      });
    }
  }
  const rows: Row[] = [];
  for (const contestant of contestants) {
    await attempt(contestant, shape, async () => {
      const profile = await contestant.remote.profile(load);
      rows.push(rowOf(contestant, load, times.get(contestant)!, profile));
    });
  }
  return rows;
}

function rowOf({ remote, format }: Contestant, { batch, tokens }: Load, times: number[], profile: Row["profile"]): Row {
  const { engine, threads } = remote.choice;
  const [median_ms, min_ms, max_ms] = [median(times), Math.min(...times), Math.max(...times)];
  return { engine, format, threads, batch, tokens, median_ms, min_ms, max_ms, runs: times.length, profile };
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
