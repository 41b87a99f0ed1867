/**
 * The call shape of transformers.js' `pipeline("feature-extraction")`, so that a page that uses it changes one line. What felsic cannot do as
 * transformers.js does it is refused, not answered otherwise.
 */

import { type Embedder, FelsicError } from "../index.js";

/** The options of a call that transformers.js has; felsic refuses values that it cannot honour. */
export interface FeatureExtractionOptions {
  /** How one vector is made of a text's tokens: has to be the model's own way, which `embedder.info.pooling` names. */
  readonly pooling?: "none" | "mean" | "cls" | "first_token" | "eos" | "last_token";
  /** Whether vectors have unit length: has to be `true`, as felsic's always do. */
  readonly normalize?: boolean;
  /** Whether vectors are reduced to bits: has to be `false`. */
  readonly quantize?: boolean;
  /** How they are reduced; without `quantize` it means nothing. */
  readonly precision?: "binary" | "ubinary";
}

/** Vectors in the form of a tensor: the part of transformers.js' class that callers of this pipeline use. */
export class FeatureTensor {
  /** The type of the elements. */
  readonly type = "float32";
  /** Where the elements are. */
  readonly location = "cpu";
  /** The vectors, one after another. */
  readonly data: Float32Array<ArrayBuffer>;
  /** The numbers of texts and of components; of a single vector the number of components alone. */
  readonly dims: number[];

  /** Creates a tensor. */
  constructor(data: Float32Array<ArrayBuffer>, dims: number[]) {
    this.data = data;
    this.dims = dims;
  }

  /** The number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** Returns the vectors as nested arrays. */
  tolist(): number[][] | number[] {
    return this.dims.length < 2 ? Array.from(this.data) : Array.from(this, ({ data }) => Array.from(data));
  }

  /** Goes over the vectors; over the components of a single one see `data`. */
  *[Symbol.iterator](): Generator<FeatureTensor> {
    const [texts = 0, width = 0] = this.dims;
    for (let text = 0; text < texts; text += 1) {
      yield new FeatureTensor(this.data.subarray(text * width, (text + 1) * width), [width]);
    }
  }

  /** Does nothing: the elements are JavaScript's own memory. */
  dispose(): void {}
}

/** What {@link pipeline} returns. */
export interface FeatureExtractor {
  /** Embeds a text or texts; the tensor has the dimensions [texts, components]. Rejects with a `FelsicError`. */
  (texts: string | string[], options?: FeatureExtractionOptions): Promise<FeatureTensor>;
  /** The task. */
  readonly task: "feature-extraction";
  /** Ends the embedder. */
  dispose(): Promise<void>;
}

/** Returns an embedder in the form of transformers.js' pipeline. Every task but `feature-extraction` is refused with `input-invalid`. */
export async function pipeline(
  task: "feature-extraction",
  embedder: Pick<Embedder, "embed" | "info" | "destroy">,
): Promise<FeatureExtractor> {
  if (task !== "feature-extraction") throw refused(`the task is ${String(task)}; felsic has only "feature-extraction"`);
  const extract = async (texts: string | string[], options: FeatureExtractionOptions = {}) => {
    check(options, embedder.info.pooling);
    const vectors = await embedder.embed(Array.isArray(texts) ? texts : [texts]);
    const width = vectors[0]?.length ?? embedder.info.dimensions;
    const data = new Float32Array(vectors.length * width);
    vectors.forEach((vector, text) => data.set(vector, text * width));
    return new FeatureTensor(data, [vectors.length, width]);
  };
  return Object.assign(extract, { task, dispose: async () => embedder.destroy() } as const);
}

/** Refuses what would not be honoured. The defaults are those of transformers.js, so what is left out is refused as well. */
function check(options: FeatureExtractionOptions, own: string | undefined): void {
  const { pooling = "none", normalize = false, quantize = false } = options;
  const named = pooling === "first_token" ? "cls" : pooling;
  if (own === undefined) throw refused("this engine does not say how its model pools; use embedder.embed()");
  if (named !== own) throw refused(`pooling is ${named}, but the model's is ${own}: pass pooling: "${own}"`);
  if (normalize !== true) throw refused("felsic's vectors always have unit length: pass normalize: true");
  if (quantize !== false) throw refused("felsic returns no vectors of bits: leave out quantize");
}

function refused(message: string): FelsicError {
  return new FelsicError("input-invalid", message);
}
