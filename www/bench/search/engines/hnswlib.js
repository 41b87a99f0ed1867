/** hnswlib-wasm: an HNSW graph, with hnswlib's usual settings (M 16, efConstruction 200, ef 100). */
import { loadHnswlib } from "../node_modules/hnswlib-wasm/dist/hnswlib.js";

export async function create(dimensions, count) {
  const library = await loadHnswlib("MEMFS").catch(() => loadHnswlib());
  const index = new library.HierarchicalNSW("ip", dimensions, "");
  index.initIndex(count, 16, 200, 100);
  index.setEfSearch(100);
  return {
    add(vectors, first) {
      for (let from = 0; from < vectors.length; from += dimensions) {
        index.addPoint(vectors.subarray(from, from + dimensions), first + from / dimensions, false);
      }
    },
    search: (query, wanted) => index.searchKnn(query, wanted, undefined).neighbors,
  };
}
