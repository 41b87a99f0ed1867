/** What the page and its engine workers say to each other. */

/** Which engine a worker runs. */
export type EngineName =
  "felsic-cpu" | "felsic-plain" | "felsic-webgpu" | "ort-web" | "ort-webgpu-f32" | "ort-webgpu-q8" | "transformers-js" | "wllama";

/** An engine with its settings, as the page asks for it. */
export interface EngineChoice {
  engine: EngineName;
  /** Threads; felsic's are workers. */
  threads: number;
  /** Address of the pack (felsic) or of a model folder laid out as on the Hugging Face Hub (the peers); ends in "/". */
  model: string;
}

/** One load: `batch` texts of exactly `tokens` tokens each. */
export interface Shape {
  batch: number;
  tokens: number;
}

/** Page to worker. `seed` varies the texts from run to run. */
export type Request =
  | { type: "load"; choice: EngineChoice }
  | { type: "settle" }
  | { type: "first" }
  | { type: "run"; shape: Shape; seed: number }
  | { type: "profile"; shape: Shape }
  | { type: "memory" };

/** What `load` answers. */
export interface Loaded {
  /** The weight format, as in the report. */
  format: string;
  /** What the engine says of itself, for people. */
  about: string;
}

/** Worker to page; one answer to each request, in order. */
export type Answer =
  | { type: "loaded"; loaded: Loaded }
  | { type: "settled" }
  | { type: "ran"; ms: number }
  | { type: "profile"; ms: Record<string, number> | null }
  | { type: "memory"; bytes: number | null }
  | { type: "failed"; message: string };

/** What an engine worker has to provide; `serve` does the talking. */
export interface Engine {
  load(choice: EngineChoice): Promise<Loaded>;
  /** Brings into memory what would otherwise come with the texts that need it, if there is any such thing. */
  settle?(): Promise<void>;
  /** Embeds an everyday sentence: the first thing that is asked of an engine. */
  first(): Promise<void>;
  /** Prepares the input untimed, then times one call; gives milliseconds. */
  run(shape: Shape, seed: number): Promise<number>;
  /** Milliseconds of one call by operation, if the engine tells. */
  profile?(shape: Shape): Promise<Record<string, number> | null>;
  /** Bytes of the engine's WebAssembly memory, if it can be seen. */
  memory(): number | null | Promise<number>;
}

/** Answers the page's requests with `engine`. To be called once, in a worker. */
export function serve(engine: Engine): void {
  const answer = async (request: Request): Promise<Answer> => {
    switch (request.type) {
      case "load":
        return { type: "loaded", loaded: await engine.load(request.choice) };
      case "settle":
        await engine.settle?.();
        return { type: "settled" };
      case "first":
        await engine.first();
        return { type: "settled" };
      case "run":
        return { type: "ran", ms: await engine.run(request.shape, request.seed) };
      case "profile":
        return { type: "profile", ms: (await engine.profile?.(request.shape)) ?? null };
      case "memory":
        return { type: "memory", bytes: await engine.memory() };
    }
  };
  addEventListener("message", (event: MessageEvent<Request>) => {
    answer(event.data)
      .catch((error: unknown): Answer => ({ type: "failed", message: String(error) }))
      .then((message) => postMessage(message));
  });
}

/** Throws unless `vector` is of unit length: an engine that answers nonsense quickly must not win. */
export function mustBeUnit(vector: ArrayLike<number>): void {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! ** 2;
  if (!(Math.abs(sum - 1) < 1e-3)) throw new Error(`a vector of length ${Math.sqrt(sum)} instead of 1`);
}
