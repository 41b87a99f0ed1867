/** The worker that makes a pack from a checkpoint. */

import type { FromPacker, ToPacker } from "./checkpoint/protocol.js";
import { makePack } from "./checkpoint/packer.js";
import { describe, knownError } from "./errors.js";
import startEngine, { Engine, Hasher } from "./felsic_cpu.js";
import startPacker, { GgufHeader, Packer } from "./felsic_packer.js";
import { allowOnly } from "./origins.js";
import { openCache } from "./store/caches.js";
import { hashWith } from "./store/names.js";
import { cacheWarning } from "./store/warning.js";
import { throttled } from "./throttle.js";
import { startWasm } from "./wasm.js";

/** What is used of the engine and of the packer: bundles have nothing else of their glue. */
const engine = { default: startEngine, Engine, Hasher };
const packer = { default: startPacker, GgufHeader, Packer };

const post = (message: FromPacker, transfer: Transferable[] = []) => self.postMessage(message, { transfer });

addEventListener("message", async ({ data }: MessageEvent<ToPacker>) => {
  const { model, cache: mode, access, allowedOrigins, scriptUrl, engineUrl, packerUrl } = data;
  allowOnly(allowedOrigins, scriptUrl);
  let hasFailed = false;
  const failed = (error: unknown) => {
    if (!hasFailed) post({ type: "warning", warning: cacheWarning(error) });
    hasFailed = true;
  };
  try {
    const started = startWasm(engine, engineUrl);
    hashWith(async () => (await started, new engine.Hasher()));
    const [cache] = await Promise.all([
      mode === "auto" ? openCache().catch((error: unknown) => void failed(error)) : undefined,
      started,
      startWasm(packer, packerUrl),
    ]);
    const progress = throttled((progress) => post({ type: "progress", progress }));
    // Ending the worker aborts everything.
    const { signal } = new AbortController();
    const made = await makePack({ model, packer, engine, cache, access, signal, progress, failed });
    post(
      { type: "made", made },
      [...made.files.values()].map(({ buffer }) => buffer),
    );
  } catch (error) {
    const known = knownError(error);
    const defect = { code: "internal", message: "the packer crashed", cause: describe(error) } as const;
    post({ type: "error", error: known ?? defect });
  }
});

post({ type: "started" });
