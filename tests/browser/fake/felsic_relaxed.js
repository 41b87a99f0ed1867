/** The same engine, where a processor is fit for the relaxed binary. */

export * from "./felsic_cpu.js";
export { default } from "./felsic_cpu.js";
