/** News of other tabs, in the search worker. */

/**
 * Has a worker hear news in another way.
 *
 * @param {(event: MessageEvent, hear: (event: MessageEvent) => void) => void} receive gets an event, and what would have heard it
 */
export function receiveNews(receive) {
  const { prototype } = BroadcastChannel;
  const onmessage = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, "onmessage"));
  Object.defineProperty(prototype, "onmessage", {
    ...onmessage,
    set(/** @type {(event: MessageEvent) => void} */ hear) {
      onmessage.set?.call(this, (/** @type {MessageEvent} */ event) => receive(event, hear));
    },
  });
}
