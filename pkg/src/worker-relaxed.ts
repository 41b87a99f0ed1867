/** The worker of the CPU binary with relaxed SIMD. */

import * as engine from "./felsic_relaxed.js";
import { serve } from "./worker.js";

serve(self, engine, "felsic_relaxed_bg.wasm");
