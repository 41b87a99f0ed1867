/** The worker of the CPU binary. */

import * as engine from "./felsic_cpu.js";
import { serve } from "./worker.js";

serve(self, engine, "felsic_cpu_bg.wasm");
