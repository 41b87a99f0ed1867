/** The worker of the GPU binary. */

import * as engine from "./felsic_gpu.js";
import { holdLock } from "./gpu/life.js";
import { watchDevices } from "./gpu/watch.js";
import { serve } from "./worker.js";

serve(self, engine, "felsic_gpu_bg.wasm", watchDevices());
holdLock(self);
