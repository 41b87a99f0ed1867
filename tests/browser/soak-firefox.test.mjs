/**
 * felsic for long, in a page in Firefox: every vector is as it is in a quiet run, and the page's process takes no more memory at the end than after
 * the first embeds, once garbage is collected.
 *
 * CI takes seconds; `cargo xtask soak` takes 100,000 embeds. The seed is printed; `FELSIC_SEED` sets it.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasFirefox, startFirefox } from "./firefox.mjs";
import { residentOf } from "./memory.mjs";
import { visits } from "./soak-visits.mjs";

const EMBEDS = Number(process.env.FELSIC_SOAK ?? 60);
const SEED = Number(process.env.FELSIC_SEED ?? 1);
/** Embeds of one visit to the page, after which memory is looked at. */
const VISIT = Math.max(Math.ceil(EMBEDS / 100), 15);
/** Milliseconds of a short text past which this Firefox would take minutes for what CI runs; see engine-firefox.test.mjs. */
const SLOW = 250;

const skip = !hasFirefox && "there is no Firefox";

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let environment;

before(async () => {
  if (!skip) environment = await startFirefox({ collects: true });
});

after(() => environment?.close());

/** Memory of the largest process of pages below another process, in bytes; 0 where it cannot be asked. @param {number} browser */
function resident(browser) {
  const sizes = (existsSync("/proc") ? readdirSync("/proc") : [])
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

/** Has garbage collected until that frees nothing more, and returns the memory that is left, in bytes. */
async function collected() {
  for (let before = Infinity; ;) {
    await environment.collect();
    await sleep(1500);
    const now = resident(environment.process);
    if (now > before - 1e6) return Math.min(now, before);
    before = now;
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
    const { page } = environment;
    if (process.env.FELSIC_SOAK === undefined && (await pace()) > SLOW)
      return context.skip("SIMD is slow in this Firefox on this processor");
    await page.evaluate(
      async (options) => {
        const { begin } = await import(/** @type {string} */ ("/felsic/soak-page.mjs"));
        Object.assign(globalThis, { soak: await begin(options) });
      },
      { workers: count, seed: SEED + count },
    );
    await visits(context, {
      embeds: EMBEDS,
      visit: VISIT,
      goOn: (part) =>
        page.evaluate(async (part) => {
          const { goOn } = await import(/** @type {string} */ ("/felsic/soak-page.mjs"));
          return goOn(/** @type {any} */ (globalThis).soak, part);
        }, part),
      resident: () => resident(environment.process),
      collected,
      end: () => page.evaluate(() => /** @type {any} */ (globalThis).soak.embedder.destroy(), undefined),
    });
  });
}
