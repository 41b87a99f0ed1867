/** sqlite-vec: a virtual table of SQLite in WebAssembly, exact. */
import init from "../node_modules/sqlite-vec-wasm-demo/sqlite3.mjs";

export async function create(dimensions) {
  const sqlite3 = await init();
  const db = new sqlite3.oo1.DB(":memory:");
  db.exec(`create virtual table passages using vec0(vector float[${dimensions}] distance_metric=cosine)`);
  const insert = db.prepare("insert into passages(rowid, vector) values (?, ?)");
  const select = db.prepare("select rowid from passages where vector match ? and k = ? order by distance");
  return {
    add(vectors, first) {
      db.exec("begin");
      for (let from = 0; from < vectors.length; from += dimensions) {
        const vector = vectors.slice(from, from + dimensions);
        insert.bind([BigInt(first + from / dimensions), vector.buffer]).stepReset();
      }
      db.exec("commit");
    },
    search(query, count) {
      select.bind([query.slice().buffer, count]);
      const rows = [];
      while (select.step()) rows.push(select.get(0));
      select.reset();
      return rows;
    },
  };
}
