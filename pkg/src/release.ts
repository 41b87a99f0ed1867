/** Memory that is given back at once, without waiting for the garbage collector. */

/**
 * Frees the memory of a buffer, which has no bytes from then on.
 *
 * A worker that receives large buffers and makes few objects of its own is hardly ever collected: V8 was seen to let some 64 MB of them pile
 * up. `ArrayBuffer.prototype.transfer` would free them too, but Node.js 20 does not have it. What is sent through a port whose other end is
 * closed reaches nobody.
 */
export function release(buffer: ArrayBuffer): void {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(undefined, [buffer]);
}
