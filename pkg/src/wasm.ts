/** Starting a wasm module. */

import { FelsicError, isErrorCode } from "./errors.js";
import { fetchAllowed } from "./origins.js";

/** Fetches and starts the wasm, which messages call `name`. Each kind of failure has its own error. */
export async function startWasm(
  module: { default(input: { module_or_path: Response }): Promise<unknown> },
  url: URL | string,
  name = "the engine",
): Promise<void> {
  const response = await fetchAllowed(url).catch((cause: unknown) => {
    if (cause instanceof FelsicError) throw cause;
    throw new FelsicError("network", `${name} at ${url} could not be fetched`, { cause });
  });
  if (!response.ok) {
    const code = response.status === 404 || response.status === 410 ? "not-found" : "network";
    throw new FelsicError(code, `${name} at ${url} could not be fetched: HTTP ${response.status}`);
  }
  try {
    await module.default({ module_or_path: response });
  } catch (cause) {
    if (isErrorCode((cause as { code?: unknown }).code)) throw cause;
    throw new FelsicError("device-unavailable", await obstacle(url), { cause });
  }
}

/** The smallest possible module, which only a policy can refuse. */
const EMPTY = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** Says what prevents the wasm from starting. */
async function obstacle(url: URL | string): Promise<string> {
  if (typeof WebAssembly !== "object") return "this browser has no WebAssembly, or it is switched off";
  const compiles = await WebAssembly.compile(EMPTY).then(
    () => true,
    () => false,
  );
  if (compiles) return `this browser does not run felsic's WebAssembly, or ${url} is not felsic's`;
  return "the content security policy forbids WebAssembly: allow 'wasm-unsafe-eval' in script-src, in the header that comes with the worker's script (with the page, where felsic is from another origin)";
}
