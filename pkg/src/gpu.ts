/** What a page does with a GPU: a script of its own, which pages load that want one or have work for one. */

export { Auto } from "./gpu/auto.js";
export { requested } from "./gpu/requested.js";
