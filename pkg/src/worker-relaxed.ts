/** The worker of the CPU binary with relaxed SIMD. */

import start, { Engine, Hasher, Helper } from "./felsic_relaxed.js";
import { serve } from "./worker.js";

serve(self, { default: start, Engine, Hasher, Helper }, "felsic_relaxed_bg.wasm");
