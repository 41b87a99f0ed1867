/** What the scripts for pages have in common; each imports it from common.js. */

export * from "./base.js";
export * from "./errors.js";
export * from "./link.js";
export * from "./options.js";
export * from "./platform.js";
export * from "./start.js";
