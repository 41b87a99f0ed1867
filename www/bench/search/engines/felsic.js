/** felsic: rows of int8 with their fine components, all of them scanned. */
import init, { Rows } from "../felsic/felsic_search.js";

export async function create(dimensions) {
  await init();
  const rows = new Rows(dimensions);
  return {
    add: (vectors) => rows.add(vectors),
    search(query, count) {
      const found = rows.top(query, count);
      const best = found.rows;
      found.free();
      return best;
    },
  };
}
