/** The worker of the CPU binary. */

import start, { Engine, Hasher, Helper } from "./felsic_cpu.js";
import { serve } from "./worker.js";

serve(self, { default: start, Engine, Hasher, Helper }, "felsic_cpu_bg.wasm");
