// @ts-check
/** How an engine is asked for. Plain JavaScript: the page and `run.mjs` both use it. */

/** @typedef {import("./protocol").EngineChoice} EngineChoice */

/**
 * The engine that `text` names, with its settings.
 * @param {string} text a name, with `:THREADS` behind it if not one, such as `felsic-cpu` or `ort-web:2`
 * @param {{pack: string, peer: string}} models addresses of the pack and of the peers' model folder, each with "/" at its end
 * @returns {EngineChoice}
 */
export function parseEngine(text, { pack, peer }) {
  const [engine, threads = "1"] = text.split(":");
  switch (engine) {
    case "felsic-cpu":
    case "felsic-plain":
    case "felsic-webgpu":
      return { engine, threads: Number(threads), model: pack };
    case "ort-web":
    case "ort-webgpu-f32":
    case "ort-webgpu-q8":
    case "transformers-js":
    case "wllama":
      if (!peer) throw new Error(`${engine} needs a model folder of its own`);
      return { engine, threads: Number(threads), model: peer };
    default:
      throw new Error(`no engine is called ${engine}`);
  }
}
