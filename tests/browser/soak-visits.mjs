/** The visits of a soak to its page, and what memory does meanwhile: the same in each browser. */

import assert from "node:assert/strict";
import { mb } from "./memory.mjs";

/** What memory may grow by after the first embeds, in bytes, when garbage is gone: what allocators keep. */
export const GROWTH = 24e6;

/**
 * Embeds in parts. Fails if a vector has other bits than in a quiet run, if hardly anything was embedded or aborted, and if memory grows.
 *
 * @param {import("node:test").TestContext} context
 * @param {object} soak
 * @param {number} soak.embeds
 * @param {number} soak.visit embeds of one visit, after which memory is looked at
 * @param {(embeds: number) => Promise<{ whole: number, aborted: number, wrong: string[] }>} soak.goOn
 * @param {() => number | Promise<number>} soak.resident memory of the page's process, in bytes
 * @param {() => Promise<number>} soak.collected that which is left when garbage has been collected
 * @param {() => Promise<void>} soak.end
 */
export async function visits(context, { embeds, visit, goOn, resident, collected, end }) {
  const [early, counts] = [Math.min(1000, embeds / 3), { whole: 0, aborted: 0 }];
  /** @type {number | undefined} */
  let first;
  let most = 0;
  for (let done = 0; done < embeds;) {
    const part = Math.min(visit, embeds - done);
    const { whole, aborted, wrong } = await goOn(part);
    assert.deepEqual(wrong, []);
    [counts.whole, counts.aborted, done] = [counts.whole + whole, counts.aborted + aborted, done + part];
    most = Math.max(most, await resident());
    if (done >= early) first ??= await collected();
  }
  const last = await collected();
  first ??= last;
  await end();
  assert.ok(counts.whole > embeds / 3 && counts.aborted > 0, JSON.stringify(counts));
  context.diagnostic(
    `${counts.whole} embedded, ${counts.aborted} aborted; ${mb(first)} after ${Math.round(early)}, ${mb(last)} at the end, ${mb(most)} at most before garbage is collected`,
  );
  assert.ok(last - first < GROWTH, `memory grew by ${mb(last - first)}`);
}
