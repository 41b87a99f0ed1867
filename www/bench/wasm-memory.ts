/** Sees the memory of WebAssembly modules that do not hand theirs out. To be imported before they make it. */

const memories: WebAssembly.Memory[] = [];
WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
  construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
    const memory = new target(descriptor);
    memories.push(memory);
    return memory;
  },
});

/** Bytes of the largest memory that this worker's scripts have made; null if there is none. */
export function memoryBytes(): number | null {
  return memories.length ? Math.max(...memories.map((memory) => memory.buffer.byteLength)) : null;
}
