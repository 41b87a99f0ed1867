/** Puts felsic and two tools on an empty page. */

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

/**
 * The longest time, in milliseconds, in which the main thread ran nothing else while `work` went on.
 *
 * @param {() => Promise<unknown>} work
 */
async function longestGap(work) {
  const { port1, port2 } = new MessageChannel();
  let gap = 0;
  let ticks = 0;
  let before = performance.now();
  port1.onmessage = () => {
    const now = performance.now();
    gap = Math.max(gap, now - before);
    before = now;
    ticks += 1;
    port2.postMessage(0);
  };
  port2.postMessage(0);
  await work();
  port1.close();
  return { gap: Math.max(gap, performance.now() - before), ticks };
}

Object.assign(globalThis, { felsic, settle, longestGap });
