/** Starting a wasm module. */

import { FelsicError, isErrorCode } from "./errors.js";
import { fetchAllowed } from "./origins.js";

/** Fetches and starts the wasm. What can go wrong here is worth telling apart. */
export async function startWasm(module: { default(input: { module_or_path: Response }): Promise<unknown> }, url: URL | string): Promise<void> {
  const response = await fetchAllowed(url).catch((cause: unknown) => {
    if (cause instanceof FelsicError) throw cause;
    throw new FelsicError("network", `the engine at ${url} could not be fetched`, { cause });
  });
  if (!response.ok) {
    const code = response.status === 404 || response.status === 410 ? "not-found" : "network";
    throw new FelsicError(code, `the engine at ${url} could not be fetched: HTTP ${response.status}`);
  }
  try {
    await module.default({ module_or_path: response });
  } catch (cause) {
    if (isErrorCode((cause as { code?: unknown }).code)) throw cause;
    const message = "this browser does not run felsic's WebAssembly, or the wasm file is not felsic's";
    throw new FelsicError("device-unavailable", message, { cause });
  }
}
