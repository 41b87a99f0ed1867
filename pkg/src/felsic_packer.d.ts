/** The packer binary's glue, which the wasm build puts beside the workers. */
import type { PackerModule } from "./checkpoint/packer.js";

declare const init: PackerModule["default"];
export default init;
export declare const Packer: PackerModule["Packer"];
export declare const GgufHeader: PackerModule["GgufHeader"];
