/**
 * An engine without wasm, for tests of everything around the engine. What it does is said by the pack's URL
 * and by the texts:
 *
 * - a pack URL with `/code/CODE/` is refused with that code, one with `/hang/` never loads, one with `/trap/`
 *   traps while loading; of one with `/spoilt/` the manifest is read, as any engine does first;
 * - a text of the form `wait N` takes N milliseconds; `trap` throws where nobody catches, as a trap in an
 *   asynchronous Rust function does; `fail CODE` is refused, `fail CODE WORDS` with these words as message and cause;
 * - of a pack URL with `/stalled/` the table never arrives, which the text `absent` needs;
 * - every text is a batch of its own; `memoryBytes` tells how many batches were begun;
 * - a pack URL with `/whole/` has a token for four characters of a text, and cuts no text off; its worker's clock runs fast;
 * - a pack URL with `/helped/` lets helpers take batches: they add 1000 to every component. With `/refuse/` or
 *   `/crash/` behind it, they refuse what they are given, or trap on it.
 */

const DIMENSIONS = 4;
/** What helpers are made of. */
const PACK = "0".repeat(64);

/** @typedef {import("../../../pkg/dist/types/engine.js").EngineModule} Module */
/** @typedef {import("../../../pkg/dist/types/engine.js").Engine} EngineInterface */

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {string} code @param {string} message @param {string} [cause] */
function felsicError(code, message, cause) {
  return Object.assign(new Error(message, cause ? { cause } : undefined), { name: "FelsicError", code });
}

/** @type {Module["default"]} */
export default async function init({ module_or_path: response }) {
  return response.arrayBuffer();
}

/** Hashes where a page is no secure context, which no page of this engine is. @implements {InstanceType<Module["Hasher"]>} */
export class Hasher {
  /** @returns {never} */
  #none() {
    throw new Error("the fake engine hashes nothing");
  }

  update() {
    this.#none();
  }

  finish() {
    return this.#none();
  }

  free() {}
}

/** @param {Parameters<Module["Engine"]["create"]>[2]} files */
async function readManifest(files) {
  const reader = await files.open("manifest.json", undefined, false);
  while (await reader.read());
  await reader.close("verified");
}

/** @implements {EngineInterface} */
export class Engine {
  #url;
  #batches = 0;

  /** @param {string} url */
  constructor(url) {
    this.#url = url;
  }

  /** @type {Module["Engine"]["create"]} */
  static async create(url, _device, files, onProgress) {
    if (url.includes("/spoilt/")) await readManifest(files);
    const refused = /\/code\/([a-z-]+)\//.exec(url)?.[1];
    if (refused) throw felsicError(refused, `refused as ${refused}`);
    if (url.includes("/trap/")) throw new WebAssembly.RuntimeError("unreachable");
    onProgress?.({ phase: "manifest", file: "manifest.json", loadedBytes: 10, totalBytes: 100 });
    if (url.includes("/whole/")) {
      const now = performance.now.bind(performance);
      performance.now = () => 20 * now();
    }
    if (url.includes("/hang/")) await new Promise(() => {});
    onProgress?.({ phase: "weights", file: "a", loadedBytes: 60, totalBytes: 100 });
    onProgress?.({ phase: "weights", file: "b", loadedBytes: 100, totalBytes: 100 });
    return new this(url);
  }

  /** @type {EngineInterface["info"]} */
  info() {
    return {
      model: this.#url,
      dimensions: DIMENSIONS,
      maxTokens: 8,
      device: "cpu",
      kernel: "fake",
      format: "f32",
      space: "fake",
      prompts: ["Retrieval_Query", "document"],
    };
  }

  /** @type {EngineInterface["pack"]} */
  pack() {
    return this.#url.includes("/helped/") ? PACK : undefined;
  }

  missing() {
    return new Uint32Array();
  }

  async prefetch() {
    if (this.#url.includes("/stalled/")) await new Promise(() => {});
  }

  /** @type {EngineInterface["testVectors"]} */
  async testVectors(texts) {
    return (await this.embed(texts, { strip: false }, undefined, undefined)).vectors;
  }

  /** @returns {string | undefined} */
  groupOf() {
    return undefined;
  }

  /** @type {EngineInterface["embed"]} */
  async embed(texts, options, hooks, helpers) {
    if (texts.includes("absent")) await hooks?.need(Uint32Array.of(0));
    const width = options.dimensions ?? DIMENSIONS;
    const vectors = new Float32Array(texts.length * width);
    const waiting = texts.map((_, index) => index);
    let open = texts.length;
    while (open > 0) {
      // Long enough for helpers to have their share.
      if (open < texts.length) await sleep(4).then(() => hooks?.pause());
      while (helpers && waiting.length > 1 && helpers.hasRoom(waiting.length)) {
        const given = /** @type {number} */ (waiting.pop());
        helpers.give(given, Float32Array.of(texts[given]?.length ?? 0), Uint32Array.of(1));
      }
      if (waiting.length === 0) await helpers?.wait();
      for (const [index, pooled] of helpers?.take() ?? []) {
        if (!pooled) waiting.push(index);
        else {
          vectors.fill(pooled[0] ?? NaN, index * width, (index + 1) * width);
          open -= 1;
          hooks?.progress(texts.length - open, texts.length);
        }
      }
      if (hooks?.aborted) throw felsicError("aborted", "aborted");
      const index = waiting.shift();
      if (index === undefined) continue;
      const text = texts[index] ?? "";
      this.#batches += 1;
      const [word, argument = "", words] = text.split(" ");
      if (word === "wait") await sleep(Number(argument));
      if (word === "fail") throw felsicError(argument, `failed as ${argument}${words ? `: ${words}` : ""}`, words);
      if (word === "trap") {
        setTimeout(() => {
          throw new WebAssembly.RuntimeError("unreachable");
        });
        await new Promise(() => {});
      }
      vectors.fill(text.length, index * width, (index + 1) * width);
      open -= 1;
      hooks?.progress(texts.length - open, texts.length);
    }
    const isWhole = this.#url.includes("/whole/");
    const tokens = Uint32Array.from(texts, ({ length }) => (isWhole ? length / 4 : Math.min(length, 8)));
    const truncated = Uint8Array.from(texts, ({ length }) => Number(!isWhole && length > 8));
    return { vectors, tokens, truncated };
  }

  /**
   * One id for each option, so that a test sees what arrives: prompt's length, strip, text's length.
   *
   * @type {EngineInterface["tokenize"]}
   */
  tokenize(text, { prompt = "", strip = true }) {
    if (text === "trap") throw new WebAssembly.RuntimeError("unreachable");
    return Uint32Array.of(prompt.length, Number(strip), text.length);
  }

  /** @type {EngineInterface["countTokens"]} */
  countTokens(text) {
    return text.length;
  }

  memoryBytes() {
    return this.#batches;
  }
}

/** @typedef {import("../../../pkg/dist/types/engine.js").Helper} HelperInterface */

/** @implements {HelperInterface} */
export class Helper {
  #url;

  /** @param {string} url */
  constructor(url) {
    this.#url = url;
  }

  /** @type {Module["Helper"]["create"]} */
  static async create(url, pack, _files) {
    if (pack !== PACK) throw felsicError("file-integrity", `a helper was made of ${pack}`);
    if (url.includes("/no-helpers/")) throw felsicError("network", "no helper loads");
    return new Helper(url);
  }

  /** @type {HelperInterface["pooled"]} */
  async pooled(rows) {
    const [length = NaN] = rows;
    if (this.#url.includes("/refuse/")) throw felsicError("input-invalid", "refused");
    if (this.#url.includes("/crash/")) throw new WebAssembly.RuntimeError("unreachable");
    await sleep(5);
    // Who calls gives their memory back as soon as the call has copied them, which wasm does before anything else.
    if (rows.length > 0) throw new WebAssembly.RuntimeError("the rows of a batch were kept");
    return Float32Array.of(length + 1000);
  }

  memoryBytes() {
    return 1000;
  }
}
