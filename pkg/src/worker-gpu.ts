/** The worker of the GPU binary. */

import start, { Engine, Hasher, Helper } from "./felsic_gpu.js";
import { holdLock } from "./gpu/life.js";
import { watchDevices } from "./gpu/watch.js";
import { serve } from "./worker.js";

serve(self, { default: start, Engine, Hasher, Helper }, "felsic_gpu_bg.wasm", watchDevices());
holdLock(self);
