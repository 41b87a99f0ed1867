/** Turns of the event loop. */

/**
 * Waits for a turn of the event loop, so that messages (including an abort) are handled. A resolved promise is not enough: it
 * runs before any message. A timer is, but browsers delay timers that follow one another by 4 ms; a message to this worker itself
 * comes right after those that are waiting.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
