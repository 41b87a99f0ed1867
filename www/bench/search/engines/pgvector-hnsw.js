/** pgvector in PGlite with an HNSW index, with its own settings. */
import { create as createExact } from "./pgvector.js";

export async function create(dimensions) {
  const made = await createExact(dimensions);
  return {
    ...made,
    built: () => made.db.exec("create index on passages using hnsw (vector vector_ip_ops); set enable_seqscan = off"),
  };
}
