/** The relaxed binary's glue, which the wasm build puts beside the workers. */
import type { EngineModule } from "./engine.js";

declare const init: EngineModule["default"];
export default init;
export declare const Engine: EngineModule["Engine"];
export declare const Hasher: EngineModule["Hasher"];
export declare const Helper: EngineModule["Helper"];
