/** Puts felsic and a tool on an empty page. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import * as felsicModule from "./index.js";

/** @type {typeof import("felsic")} */
const felsic = felsicModule;

/** How a promise settled, as plain data. @param {Promise<unknown>} promise */
async function settle(promise) {
  try {
    await promise;
    return { ok: true };
  } catch (error) {
    const { code, name, message, cause } = /** @type {any} */ (error);
    const isFelsicError = error instanceof felsic.FelsicError;
    return { ok: false, code, name, message, cause: cause === undefined ? undefined : String(cause), isFelsicError };
  }
}

Object.assign(globalThis, { felsic, settle });
