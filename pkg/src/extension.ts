/**
 * The embedder of felsic's browser extension, for pages of sites that its user allows: one model in memory serves them all. A page asks with a
 * message that carries a port; what answers on the port speaks as a worker does (`protocol.ts`).
 */

import { abortedBy, FelsicError } from "./errors.js";
import type { Started } from "./start.js";

/** How long the extension has to answer, in milliseconds: its script is in the page already, or it is not there. */
const PATIENCE = 300;

/** What a page says; the extension looks for it. */
export interface Hello {
  readonly felsic: "connect";
  readonly version: 1;
}

/** What the extension answers: the pin of the model that it has. */
export interface Welcome {
  readonly type: "welcome";
  readonly integrity: string;
}

/**
 * Returns the extension's embedder in the form of a worker that has started; `undefined` if there is no extension, the user has not allowed
 * this site, or its model is not the one with this pin: vectors must not depend on who makes them.
 */
export async function extensionWorker(
  integrity: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Started | undefined> {
  if (typeof window === "undefined" || integrity === undefined) return undefined;
  if (signal?.aborted) throw abortedBy(signal);
  const { port1: port, port2 } = new MessageChannel();
  window.postMessage({ felsic: "connect", version: 1 } satisfies Hello, window.origin === "null" ? "*" : window.origin, [port2]);
  const welcome = await new Promise<Partial<Welcome> | undefined>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE);
    port.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data);
    };
  });
  port.onmessage = null;
  if (welcome?.type !== "welcome" || welcome.integrity !== integrity) {
    port.close();
    return undefined;
  }
  return {
    // A port has what is used of a worker: messages both ways.
    worker: port as unknown as Worker,
    end: () => {
      // The extension lets go of what it does for this page.
      port.postMessage({ type: "bye" });
      port.close();
    },
    hold: () => {},
    onFailure: (crash, callback) => {
      port.addEventListener("message", ({ data }) => {
        if (data?.type === "bye")
          callback(new FelsicError("destroyed", `the extension has ended its service for this page; ${crash}`));
      });
      port.start();
    },
  };
}
