/** felsic in Node: the same API, with threads as workers and packs from the disk. `felsic/cpu` is the same module there. */

export * from "../index.js";
