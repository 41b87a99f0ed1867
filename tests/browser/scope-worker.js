/** A service worker or a shared worker that tries to create an embedder, and tells how that went. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import * as felsicModule from "./index.js";

/** @type {typeof import("felsic")} */
const { Embedder } = felsicModule;

/** @param {MessageEvent} event */
async function tell({ ports: [port] }) {
  const availability = await Embedder.availability({ model: "/pack" });
  const { code, message } = await Embedder.create({ model: "/pack" }).then(
    () => ({ code: "made", message: "" }),
    (error) => error,
  );
  port?.postMessage({ availability, code, message });
}

addEventListener("message", tell);
addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  if (port) port.onmessage = tell;
});
