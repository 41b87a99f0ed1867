/** felsic: rows in files of the origin private file system, swept block by block. */
import init, { Rows, Sweep } from "../felsic/felsic_search.js";

const BLOCK = 8192;

/** Opens a new file. @param {string} name */
async function open(name) {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle(name, { create: true });
  const handle = await file.createSyncAccessHandle();
  handle.truncate(0);
  return handle;
}

export async function create(dimensions, count) {
  await init();
  const [rowsFile, fineFile] = [await open("rows"), await open("fine")];
  const rows = new Rows(dimensions);
  const end = { rows: 0, fine: 0 };
  const write = () => {
    if (rows.length === 0) return;
    end.rows += rowsFile.write(rows.scales(0, rows.length), { at: end.rows });
    end.rows += rowsFile.write(rows.coarse(0, rows.length), { at: end.rows });
    end.fine += fineFile.write(rows.fine(0, rows.length), { at: end.fine });
    rows.clear();
  };
  const scales = new Float32Array(BLOCK);
  const coarse = new Int8Array(BLOCK * dimensions);
  const fine = new Int8Array(dimensions);
  const fineOf = (row) => {
    fineFile.read(fine, { at: row * dimensions });
    return fine;
  };
  return {
    add(vectors) {
      let from = 0;
      while (from < vectors.length) {
        const take = Math.min(vectors.length - from, (BLOCK - rows.length) * dimensions);
        rows.add(vectors.subarray(from, from + take));
        from += take;
        if (rows.length === BLOCK) write();
      }
    },
    built() {
      write();
      for (const file of [rowsFile, fineFile]) file.flush();
      rows.free();
    },
    search(query, wanted) {
      const sweep = new Sweep(query, wanted);
      for (let first = 0, at = 0; first < count; first += BLOCK) {
        const n = Math.min(BLOCK, count - first);
        const parts = [scales.subarray(0, n), coarse.subarray(0, n * dimensions)];
        for (const part of parts) at += rowsFile.read(part, { at });
        sweep.block(parts[0], parts[1], fineOf, first);
      }
      const found = sweep.finish();
      const best = found.rows;
      found.free();
      return best;
    },
  };
}
