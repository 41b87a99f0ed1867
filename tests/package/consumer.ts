/** A strict consumer: everything that the package exports, used as it is meant to be. Type-checked only. */

import {
  type Availability,
  type CreateOptions,
  Embedder,
  type Embedding,
  type EmbedOptions,
  ERROR_CODES,
  FelsicError,
  type FelsicErrorCode,
  type LoadProgress,
  type Prefetch,
  type Warning,
  type WarningCode,
} from "felsic";
import { Embedder as CpuEmbedder } from "felsic/cpu";
import {
  type AddResult,
  Collection,
  type CollectionInfo,
  type Document as SearchDocument,
  FelsicError as SearchError,
  type Hit,
  type SearchOptions,
} from "felsic/search";
import "felsic/worker-cpu.js";

/** Fails to compile unless both are the same type; `any` equals only itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

same<typeof CpuEmbedder, typeof Embedder>(true);
same<Warning["code"], WarningCode>(true);
same<
  WarningCode,
  "cache-unavailable" | "quota-exceeded" | "cache-corrupt" | "cache-busy" | "gpu-lost" | "gpu-wrong" | "gpu-unavailable"
>(true);
same<LoadProgress["phase"], "manifest" | "tokenizer" | "weights" | "checkpoint">(true);
same<CreateOptions["prefetch"], Prefetch | undefined>(true);
same<FelsicError["code"], FelsicErrorCode>(true);
same<FelsicError["name"], "FelsicError">(true);
same<(typeof ERROR_CODES)[number], FelsicErrorCode>(true);

// @ts-expect-error: a number is not a warning, unless the type does not resolve
export const warning: Warning = 3;
// @ts-expect-error: a misspelt option
void Embedder.create({ modell: "x" });

export async function use(some: string | readonly string[], options: EmbedOptions): Promise<number> {
  const state: Availability = await Embedder.availability({ device: "cpu" });
  const embedder = await Embedder.create({
    model: new URL("https://example.com/pack/"),
    onWarning: ({ code, message }) => console.warn(code, message, state),
    onProgress: ({ loadedBytes, totalBytes }) => console.log(loadedBytes / totalBytes),
  });
  const one: Float32Array<ArrayBuffer> = await embedder.embed("a text");
  const several: Float32Array<ArrayBuffer>[] = await embedder.embed(["a", "b"], options);
  const either = await embedder.embed(some);
  same<typeof either, Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]>(true);
  const detailed: Embedding[] = await embedder.embedDetailed(["a"], { taskType: "retrieval-query" });
  const disposable: { [Symbol.dispose](): void } = embedder;
  disposable[Symbol.dispose]();
  return one.length + several.length + detailed.length;
}

export function codeOf(error: unknown): FelsicErrorCode | undefined {
  return error instanceof FelsicError ? error.code : undefined;
}

export async function find(query: string, options: SearchOptions): Promise<Hit[]> {
  const embedder = await Embedder.create();
  const docs = await Collection.open("docs", { embedder });
  const documents: SearchDocument[] = [{ id: "a.md", text: "# A", tags: ["guide"], meta: { size: 3, parts: ["x"] } }];
  const { added }: AddResult = await docs.add(documents, { onProgress: ({ done, total }) => console.log(done / total) });
  docs.addEventListener("change", () => console.log(added, (docs.info satisfies CollectionInfo).documents));
  // @ts-expect-error: an operator that is none
  await docs.search(query, { where: { size: { above: 3 } } });
  // @ts-expect-error: a misspelt option
  await docs.search(query, { filter: {} });
  const counts: number[] = await embedder.countTokens(["a", "b"]);
  const count: number = await embedder.countTokens("a");
  const error: FelsicError = new SearchError("io", String(count + counts.length));
  if (error.code === "io") await docs.update("a.md", { title: "A" });
  return docs.search(query, { ...options, where: { tags: ["guide", "news"], size: { gte: 1, lt: 9 }, parts: "x" } });
}
