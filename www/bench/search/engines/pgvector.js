/** pgvector in PGlite, which is PostgreSQL in WebAssembly: exact, without an index. */
import { PGlite } from "../node_modules/@electric-sql/pglite/dist/index.js";
import { vector } from "../node_modules/@electric-sql/pglite-pgvector/dist/index.js";

const text = (values) => `[${Array.from(values, (v) => v.toFixed(7)).join(",")}]`;

export async function create(dimensions) {
  const db = await PGlite.create({ extensions: { vector } });
  await db.exec(`create extension vector; create table passages (id int, vector vector(${dimensions}));
    alter table passages alter column vector set storage plain`);
  return {
    db,
    async add(vectors, first) {
      const lines = [];
      for (let from = 0; from < vectors.length; from += dimensions) {
        lines.push(`${first + from / dimensions}\t${text(vectors.subarray(from, from + dimensions))}\n`);
      }
      await db.query("copy passages from '/dev/blob'", [], { blob: new Blob(lines) });
    },
    async search(query, count) {
      const found = await db.query(`select id from passages order by vector <#> $1 limit ${count}`, [text(query)]);
      return found.rows.map(({ id }) => id);
    },
  };
}
