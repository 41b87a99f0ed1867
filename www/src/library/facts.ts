/** What the panel of facts shows. Numbers are bytes where the name says so. */

import type { Choice } from "./model.js";
import type { Shelf } from "./shelf.js";

/** Returns what is known now; what is not known is left out. */
export async function factsOf(
  shelf: Shelf | undefined,
  choice: Choice,
  { speed, keeps }: { readonly speed: number | undefined; readonly keeps: boolean },
): Promise<Readonly<Record<string, string | number>>> {
  const collection = shelf?.collection.peek();
  const embedder = shelf?.embedder;
  const info = embedder?.info ?? choice.info;
  const [estimate, persisted, memoryBytes] = await Promise.all([
    navigator.storage?.estimate?.().catch(() => undefined),
    navigator.storage?.persisted?.().catch(() => undefined),
    embedder?.memoryBytes().catch(() => undefined),
  ]);
  const facts: Readonly<Record<string, string | number | undefined>> = {
    model: info?.model,
    address: choice.model || undefined,
    device: info?.device,
    kernel: info?.kernel,
    format: info?.format,
    dimensions: info?.dimensions,
    maxTokens: info?.maxTokens,
    space: info?.space,
    memoryBytes,
    storedBytes: estimate?.usage,
    roomBytes: estimate?.quota,
    collectionBytes: collection?.info.bytes,
    persisted: !keeps ? "never" : persisted === undefined ? undefined : persisted ? "yes" : "no",
    documents: collection?.info.documents,
    passages: collection?.info.passages,
    waiting: collection?.info.waiting,
    state: collection?.info.state,
    speed: speed === undefined ? undefined : Math.round(speed),
  };
  return Object.fromEntries(Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== undefined));
}
