/**
 * felsic for long, in a page: many embeds with aborts at random leave the memory of the page's process flat, once garbage is collected, and
 * every vector as it is in a quiet run; embedders that come and go leave no worker, lock or open file; many at once work or are refused.
 *
 * CI takes seconds. `cargo xtask soak` takes 100,000 embeds and 1,000 embedders. The seed is printed; `FELSIC_SEED` sets it.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start, workers } from "./harness.mjs";
import { mb, residentOf } from "./memory.mjs";
import { GROWTH, visits } from "./soak-visits.mjs";

const EMBEDS = Number(process.env.FELSIC_SOAK ?? 150);
const CYCLES = Math.max(Math.ceil(EMBEDS / 100), 6);
const SEED = Number(process.env.FELSIC_SEED ?? 1);
/** Embeds of one visit to the page, after which memory is looked at. */
const VISIT = Math.max(Math.ceil(EMBEDS / 100), 50);
const TIMEOUT = { timeout: 14_400_000 };

/** @type {import("./harness.mjs").Environment} */
let environment;

/** @type {() => Promise<void>} */
let collect;

before(async () => {
  environment = await start({ gpu: false });
  collect = await collector(environment.page);
});

after(() => environment?.close());

/** Returns what has garbage collected in the page and in each of its workers. @param {import("./harness.mjs").Environment["page"]} page */
async function collector(page) {
  const devtools = await page.context().newCDPSession(page);
  /** What waits for the answer of a worker, by its session. @type {Map<string, () => void>} */
  const sessions = new Map();
  const settle = (/** @type {{ sessionId: string }} */ { sessionId }) => sessions.get(sessionId)?.();
  devtools.on("Target.attachedToTarget", ({ sessionId }) => sessions.set(sessionId, () => undefined));
  devtools.on("Target.receivedMessageFromTarget", settle);
  devtools.on("Target.detachedFromTarget", (event) => {
    settle(event);
    sessions.delete(event.sessionId);
  });
  await devtools.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  const message = JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" });
  const inWorker = async (/** @type {string} */ sessionId) => {
    const answered = new Promise((resolve) => sessions.set(sessionId, () => resolve(undefined)));
    try {
      await devtools.send("Target.sendMessageToTarget", { sessionId, message });
    } catch {
      // The worker has ended meanwhile, and its garbage with it.
      return;
    }
    await answered;
  };
  return async () => {
    await Promise.all([...sessions.keys()].map(inWorker));
    await devtools.send("HeapProfiler.collectGarbage");
  };
}

/** Memory of the process that the page and its workers are in, in bytes; `undefined` where it cannot be asked. */
async function resident() {
  const browser = await environment.browser.newBrowserCDPSession();
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  await browser.detach();
  const sizes = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => residentOf(id))
    .filter((size) => size !== undefined);
  return sizes.length > 0 ? Math.max(...sizes) : undefined;
}

for (const count of [1, 4]) {
  test(`${EMBEDS} embeds with ${count} workers, some aborted, in a page`, TIMEOUT, async (context) => {
    context.diagnostic(`seed ${SEED}`);
    const { page } = environment;
    const soak = await page.evaluateHandle(
      async (options) => (await import(/** @type {string} */ ("/felsic/soak-page.mjs"))).begin(options),
      { workers: count, seed: SEED + count },
    );
    await visits(context, {
      embeds: EMBEDS,
      visit: VISIT,
      goOn: (part) =>
        soak.evaluate(
          async (soak, part) => (await import(/** @type {string} */ ("/felsic/soak-page.mjs"))).goOn(soak, part),
          part,
        ),
      resident: async () => (await resident()) ?? 0,
      async collected() {
        await collect();
        return (await resident()) ?? 0;
      },
      async end() {
        await soak.evaluate(({ embedder }) => embedder.destroy());
        assert.equal(await workers(page, 0), 0);
      },
    });
  });
}

test(`${CYCLES} embedders that come and go leave no worker, lock or open file in a page`, TIMEOUT, async (context) => {
  const { page } = environment;
  /** @param {number} from @param {number} to */
  const cycles = (from, to) =>
    page.evaluate(async ([from, to]) => {
      for (let i = from; i < to; i += 1) {
        const embedder = await felsic.Embedder.create({ workers: 1 + (i % 3), device: "cpu" });
        // Some are used, some end in the middle of a call, some at once.
        const texts = Array.from({ length: 4 }, (_, n) => `text ${n} ${"x ".repeat(50)}`);
        const call = i % 3 === 0 ? undefined : settle(embedder.embed(texts));
        if (i % 3 === 1) await call;
        embedder.destroy();
        const ended = i % 3 === 2 ? await call : undefined;
        if (ended && ended.code !== "destroyed") throw new Error(`cycle ${i}: ${ended.code}: ${ended.message}`);
      }
    }, /** @type {const} */ ([from, to]));
  await cycles(0, 12);
  await collect();
  const before = await resident();
  for (let done = 0; done < CYCLES; done += 50) await cycles(done, Math.min(done + 50, CYCLES));
  assert.equal(await workers(page, 0), 0);
  await collect();
  const grown = ((await resident()) ?? 0) - (before ?? 0);
  context.diagnostic(`${mb(grown)} more after ${CYCLES}`);
  const locks = await page.evaluate(() => navigator.locks.query());
  assert.deepEqual([locks.held, locks.pending], [[], []]);
  // A file that is open for writing or reading at places can be neither opened so again nor removed.
  const names = await page.evaluate(async () => {
    await felsic.Embedder.deleteCache();
    const root = await navigator.storage.getDirectory();
    const left = [];
    for await (const name of /** @type {any} */ (root).keys()) {
      await root.removeEntry(name, { recursive: true });
      left.push(name);
    }
    return left;
  });
  context.diagnostic(`removed: ${names.join(", ") || "nothing"}`);
  assert.ok(grown < GROWTH, `${grown} bytes more`);
});

test("many embedders at once work in a page, or are refused with a code", { timeout: 600_000 }, async (context) => {
  const count = EMBEDS >= 10_000 ? 50 : 6;
  const { made, codes, different } = await environment.page.evaluate(async (count) => {
    const made = await Promise.allSettled(
      Array.from({ length: count }, () => felsic.Embedder.create({ workers: 1, device: "cpu" })),
    );
    const embedders = made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const vectors = await Promise.all(embedders.map((embedder) => embedder.embed("a text")));
    const codes = made.flatMap((one) => (one.status === "rejected" ? [String(one.reason.code)] : []));
    for (const embedder of embedders) embedder.destroy();
    return { made: embedders.length, codes, different: new Set(vectors.map((vector) => vector.join())).size };
  }, count);
  const memory = await resident();
  context.diagnostic(`${made} of ${count} made; ${memory === undefined ? "memory unknown" : mb(memory)} after they are gone`);
  assert.deepEqual([...new Set(codes)], codes.length > 0 ? ["out-of-memory"] : []);
  assert.ok(made > 0);
  assert.equal(different, 1);
});
