/** Runs one engine: makes it, fills it, asks it. */
import { vectors } from "./vectors.js";

const BATCH = 1000;
const QUERY_SEED = 99;

let engine;
/** The queries: three that do not count, and the others. */
let asked;

const steps = {
  async build({ name, dimensions, count, queries, limit }) {
    const query = vectors(dimensions, QUERY_SEED);
    asked = Array.from({ length: 3 + queries }, () => query().slice());
    const { create } = await import(`./engines/${name}.js`);
    const begin = performance.now();
    let making = 0;
    engine = await create(dimensions, count);
    const next = vectors(dimensions, 7);
    for (let first = 0; first < count; first += BATCH) {
      const start = performance.now();
      const rows = Math.min(BATCH, count - first);
      const batch = new Float32Array(rows * dimensions);
      for (let row = 0; row < rows; row++) batch.set(next(), row * dimensions);
      making += performance.now() - start;
      await engine.add(batch, first);
      const spent = performance.now() - begin - making;
      if (spent > limit) throw new Error(`stopped after ${Math.round(spent / 1000)} s with ${first + rows} rows`);
    }
    await engine.built?.();
    return { build_ms: performance.now() - begin - making };
  },

  async warmUp() {
    for (const query of asked.slice(0, 3)) await engine.search(query, 10);
    return {};
  },

  async search({ limit }) {
    const times = [];
    const found = [];
    const begin = performance.now();
    for (const query of asked.slice(3)) {
      const start = performance.now();
      const rows = await engine.search(query, 10);
      times.push(performance.now() - start);
      found.push([...rows].map(Number));
      if (performance.now() - begin > limit) break;
    }
    return { times, found };
  },

  async tidy() {
    globalThis.gc?.();
    return {};
  },
};

addEventListener("message", async ({ data }) => {
  try {
    postMessage(await steps[data.step](data));
  } catch (error) {
    postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
