/** onnxruntime-web as an engine of the benchmark: token ids in, unit vectors out. */

import type * as Runtime from "onnxruntime-web";
import { mustBeUnit, serve, type EngineChoice, type Loaded, type Shape } from "./protocol";
import { memoryBytes } from "./wasm-memory";

/** How a build of onnxruntime-web runs a model. */
export interface OrtOptions {
  /** The script and the binary that it loads. */
  readonly files: { readonly mjs: string; readonly wasm: string };
  /** The execution provider. */
  readonly provider: "wasm" | "webgpu";
  /** Which file of the model's folder it runs, and what the report calls its weights. */
  model(choice: EngineChoice): { readonly file: string; readonly format: string };
}

/** Ids below this exist in every vocabulary that is compared here. */
const IDS = 50_000;

/** Seeded ids (multiplicative congruential generator); what they are does not change the time. */
function ids({ batch, tokens }: Shape, seed: number): BigInt64Array {
  let state = (seed * 2_654_435 + 12_345) % 2_147_483_647 || 1;
  return BigInt64Array.from({ length: batch * tokens }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return BigInt(state % IDS);
  });
}

/** The first token's state of one text, at unit length. */
function pool(states: Float32Array, at: number, width: number): Float32Array {
  const vector = states.slice(at, at + width);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Answers the page's requests with a build of onnxruntime-web. To be called once, in a worker. */
export function serveOrt(ort: typeof Runtime, { files, provider, model }: OrtOptions): void {
  let session: Runtime.InferenceSession | undefined;

  async function load(choice: EngineChoice): Promise<Loaded> {
    const { file, format } = model(choice);
    ort.env.wasm.numThreads = choice.threads;
    ort.env.wasm.wasmPaths = { mjs: new URL(files.mjs, import.meta.url).href, wasm: new URL(files.wasm, import.meta.url).href };
    session = await ort.InferenceSession.create(`${choice.model}onnx/${file}`, { executionProviders: [provider] });
    return { format, about: `onnxruntime-web ${ort.env.versions.web ?? ""}` };
  }

  async function run(shape: Shape, seed: number): Promise<number> {
    if (!session) throw new Error("not loaded");
    const dims = [shape.batch, shape.tokens];
    const input = ids(shape, seed);
    const mask = new BigInt64Array(input.length).fill(1n);
    const start = performance.now();
    const output = await session.run({
      input_ids: new ort.Tensor("int64", input, dims),
      attention_mask: new ort.Tensor("int64", mask, dims),
    });
    const states = output["last_hidden_state"];
    if (!states || !(states.data instanceof Float32Array)) throw new Error("no last_hidden_state in the output");
    const width = states.dims[2]!;
    const data = states.data;
    const vectors = Array.from({ length: shape.batch }, (_, row) => pool(data, row * shape.tokens * width, width));
    const ms = performance.now() - start;
    mustBeUnit(vectors[0]!);
    return ms;
  }

  serve({ load, first: async () => void (await run({ batch: 1, tokens: 17 }, 0)), run, memory: memoryBytes });
}
