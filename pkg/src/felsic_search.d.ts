/** The search binary's glue, which the wasm build puts beside the workers. */
import type { SearchModule } from "./search/wasm.js";

declare const init: SearchModule["default"];
export default init;
export declare const Rows: SearchModule["Rows"];
export declare const Cutter: SearchModule["Cutter"];
