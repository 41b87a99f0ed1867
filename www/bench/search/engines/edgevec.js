/** EdgeVec: an HNSW graph in WebAssembly, with its own settings. Its metric "cosine" finds the farthest (0.9.0), so "l2" it is. */
import init, { EdgeVec, EdgeVecConfig } from "../node_modules/edgevec/edgevec.js";

export async function create(dimensions) {
  await init();
  const config = new EdgeVecConfig(dimensions);
  config.metric = "l2";
  const index = new EdgeVec(config);
  const rows = new Map();
  return {
    add(vectors, first) {
      const ids = index.insertBatchFlat(vectors, vectors.length / dimensions);
      ids.forEach((id, at) => rows.set(id, first + at));
    },
    search: (query, count) => index.search(query, count).map(({ id }) => rows.get(id)),
  };
}
