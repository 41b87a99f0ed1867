/** Names that nothing else has. */

/** Returns one. `crypto.randomUUID` is there for secure contexts alone. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (number) => number.toString(36)).join("-");
}
