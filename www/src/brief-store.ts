/** Small things that a page seldom keeps, in IndexedDB. */

import { promisifyRequest, type UseStore } from "idb-keyval";

/** Returns a store of a database. It has a connection for each use: one that stays would keep the person from deleting everything. */
export function briefStore(database: string, name: string): UseStore {
  return async (mode, work) => {
    const request = indexedDB.open(database);
    request.onupgradeneeded = () => request.result.createObjectStore(name);
    const opened = await promisifyRequest(request);
    try {
      return await work(opened.transaction(name, mode).objectStore(name));
    } finally {
      opened.close();
    }
  };
}
