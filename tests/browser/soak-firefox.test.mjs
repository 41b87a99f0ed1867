/**
 * felsic for long, in a page in Firefox: every vector is as it is in a quiet run, and the page's process takes no more memory at the end than after
 * the first embeds. Nobody can have Firefox collect garbage from outside, and it lets some 40 MB pile up before it does: the least of a quarter of the
 * looks counts.
 *
 * CI takes seconds; `cargo xtask soak` takes 100,000 embeds. The seed is printed; `FELSIC_SEED` sets it.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { hasFirefox, startFirefox } from "./firefox.mjs";
import { mb, residentOf } from "./memory.mjs";

const EMBEDS = Number(process.env.FELSIC_SOAK ?? 60);
const SEED = Number(process.env.FELSIC_SEED ?? 1);
/** Embeds between two looks at memory. */
const VISIT = Math.max(Math.ceil(EMBEDS / 100), 15);
/** What memory may grow by, in bytes: what allocators keep, and what has not been collected. */
const GROWTH = 32e6;
/** Milliseconds of a short text past which this Firefox would take minutes for what CI runs; see engine-firefox.test.mjs. */
const SLOW = 250;

const skip = !hasFirefox && "there is no Firefox";

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let environment;

before(async () => {
  if (!skip) environment = await startFirefox();
});

after(() => environment?.close());

/** Memory of the largest process of pages below another process, in bytes; 0 where it cannot be asked. @param {number} browser */
function resident(browser) {
  const sizes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => isBelow(id, browser))
    .map((id) => residentOf(id) ?? 0);
  return Math.max(0, ...sizes);
}

/** Whether a process of pages was started by another. @param {number} id @param {number} browser */
function isBelow(id, browser) {
  try {
    const isPage = readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").includes("tab");
    return isPage && Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]) === browser;
  } catch {
    return false;
  }
}

/** Milliseconds that Firefox takes for a short text. */
function pace() {
  return environment.page.evaluate(async () => {
    const embedder = await felsic.Embedder.create({ workers: 1, device: "cpu" });
    await embedder.embed("a text");
    const start = performance.now();
    await embedder.embed("another text");
    embedder.destroy();
    return performance.now() - start;
  }, undefined);
}

for (const count of [1, 4]) {
  test(`${EMBEDS} embeds with ${count} workers, some aborted, in Firefox`, { skip, timeout: 28_800_000 }, async (context) => {
    context.diagnostic(`seed ${SEED}`);
    const { page, process: browser } = environment;
    if (process.env.FELSIC_SOAK === undefined && (await pace()) > SLOW)
      return context.skip("SIMD is slow in this Firefox on this processor");
    await page.evaluate(
      async (options) => {
        const { begin } = await import(/** @type {string} */ ("/felsic/soak-page.mjs"));
        Object.assign(globalThis, { soak: await begin(options) });
      },
      { workers: count, seed: SEED + count },
    );
    const goOn = (/** @type {number} */ part) =>
      page.evaluate(async (part) => {
        const { goOn } = await import(/** @type {string} */ ("/felsic/soak-page.mjs"));
        return goOn(/** @type {any} */ (globalThis).soak, part);
      }, part);
    const counts = { whole: 0, aborted: 0 };
    /** @type {number[]} */
    const sizes = [];
    for (let done = 0; done < EMBEDS; done += VISIT) {
      const { whole, aborted, wrong } = await goOn(Math.min(VISIT, EMBEDS - done));
      assert.deepEqual(wrong, []);
      [counts.whole, counts.aborted] = [counts.whole + whole, counts.aborted + aborted];
      if (done + VISIT >= Math.min(1000, EMBEDS / 3)) sizes.push(resident(browser));
    }
    await page.evaluate(() => /** @type {any} */ (globalThis).soak.embedder.destroy(), undefined);
    assert.ok(counts.whole > EMBEDS / 3 && counts.aborted > 0, JSON.stringify(counts));
    const looks = Math.max(1, sizes.length >> 2);
    const [first, last] = [sizes.slice(0, looks), sizes.slice(-looks)].map((some) => Math.min(...some));
    context.diagnostic(
      `${counts.whole} embedded, ${counts.aborted} aborted; at least ${mb(Number(first))} at first, ${mb(Number(last))} at the end, ${mb(Math.max(...sizes))} at most`,
    );
    assert.ok(Number(last) - Number(first) < GROWTH, `memory grew by ${mb(Number(last) - Number(first))}`);
  });
}
