/** Storage whose calls fail at random. */

/** Names of the exceptions that browsers have been seen to throw. */
const NAMES = ["QuotaExceededError", "NotFoundError", "InvalidStateError", "NoModificationAllowedError", "UnknownError"];

/**
 * Has a share of the calls of this worker's storage fail: those that return a promise reject, the others throw.
 *
 * @param {{ seed: number, share: number }} options
 */
export function makeFlaky({ seed, share }) {
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const failure = () => {
    const name = next() < share ? NAMES[Math.floor(next() * NAMES.length)] : undefined;
    return name && new DOMException("the storage fails, as the test has it", name);
  };
  /** @type {[any, string[], boolean][]} */
  const kinds = [
    [StorageManager, ["getDirectory", "estimate", "persist"], true],
    [FileSystemDirectoryHandle, ["getFileHandle", "getDirectoryHandle", "removeEntry"], true],
    [FileSystemFileHandle, ["createSyncAccessHandle", "getFile", "move"], true],
    [/** @type {any} */ (globalThis).FileSystemSyncAccessHandle, ["read", "write", "truncate", "flush", "getSize"], false],
    [CacheStorage, ["open", "delete"], true],
    [Cache, ["match", "put", "delete", "keys"], true],
  ];
  for (const [{ prototype }, methods, isAsync] of kinds) {
    for (const method of methods.filter((method) => method in prototype)) {
      const real = prototype[method];
      prototype[method] = function (/** @type {unknown[]} */ ...args) {
        const error = failure();
        if (error && isAsync) return Promise.reject(error);
        if (error) throw error;
        return real.apply(this, args);
      };
    }
  }
}
