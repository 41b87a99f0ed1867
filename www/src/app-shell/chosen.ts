/** The person's choice of a host, and how it is changed. */

import { STORED, stored, writeCopy } from "./choice.js";
import { choiceOf, hostsOf, isHost } from "./host.js";

const atStart = choiceOf(location.href, stored());

/** Returns the origin that this page may ask besides its own; `undefined`: none. It stays the same until the page is loaded again. */
export function chosenHost(): string | undefined {
  return atStart;
}

/** Returns what `allowedOrigins` of `Embedder.create()` has to be in this page. */
export function allowedOrigins(): readonly string[] {
  return hostsOf(atStart);
}

/**
 * Stores which host the page may ask besides its own, and loads the page again, because a policy cannot be widened.
 *
 * @param origin of the host; `undefined`: none
 * @returns `false` if no model may come from there, and nothing has changed
 */
export async function chooseHost(origin: string | undefined): Promise<boolean> {
  if (origin !== undefined && !isHost(origin)) return false;
  await writeCopy(origin ?? "");
  if (origin === undefined) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, origin);
  const url = new URL(location.href);
  url.searchParams.delete("pack");
  // With a hash alone that differs, or none, a new address would not load the page again.
  if (url.href === location.href) location.reload();
  else location.replace(url.href);
  return true;
}
