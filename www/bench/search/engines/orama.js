/** Orama's vector search: exact, in JavaScript. */
import { create as createOrama, insertMultiple, searchVector } from "../node_modules/@orama/orama/dist/browser/index.js";

export function create(dimensions) {
  const db = createOrama({ schema: { vector: `vector[${dimensions}]` } });
  return {
    async add(vectors, first) {
      const documents = [];
      for (let from = 0; from < vectors.length; from += dimensions) {
        const vector = Array.from(vectors.subarray(from, from + dimensions));
        documents.push({ id: String(first + from / dimensions), vector });
      }
      await insertMultiple(db, documents, documents.length);
    },
    async search(query, limit) {
      const found = await searchVector(db, { vector: { value: query, property: "vector" }, similarity: -1, limit });
      return found.hits.map(({ id }) => id);
    },
  };
}
