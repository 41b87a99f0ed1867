/** Everything around the engine: the queue, aborts, failures, the worker's end. The engine is a fake. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createEmbedder, start, workers } from "./harness.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").Environment["page"]} */
let page;

before(async () => {
  environment = await start({ fake: true });
  page = environment.page;
});

after(() => environment?.close());

/** @param {string} [path] */
const create = (path = "/pack") => createEmbedder(environment, environment.server.url(path));

test("the pack's URL becomes absolute and ends in a slash", async () => {
  const embedder = await page.evaluateHandle(() => felsic.Embedder.create({ model: "../some/pack" }));
  const info = await embedder.evaluate((embedder) => embedder.info);
  assert.equal(info.model, environment.server.url("/some/pack/"));
  assert.equal(info.device, "cpu");
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("progress of a load arrives, in order, through both callbacks", async () => {
  const [progress, monitored] = await page.evaluate(async () => {
    /** @type {import("felsic").LoadProgress[]} */
    const progress = [];
    /** @type {number[]} */
    const monitored = [];
    const embedder = await felsic.Embedder.create({
      model: "/pack",
      onProgress: (step) => progress.push(step),
      monitor: (target) =>
        target.addEventListener("downloadprogress", (event) => {
          if (event instanceof ProgressEvent) monitored.push(event.loaded);
        }),
    });
    embedder.destroy();
    return /** @type {const} */ ([progress, monitored]);
  });
  assert.deepEqual(
    progress.map(({ file, loadedBytes }) => [file, loadedBytes]),
    [
      ["manifest.json", 10],
      ["a", 60],
      ["b", 100],
    ],
  );
  assert.deepEqual(monitored, [0.1, 0.6, 1]);
});

test("vectors come in the texts' order, each with a buffer of its own", async () => {
  const embedder = await create();
  const [firsts, buffers, one] = await embedder.evaluate(async (embedder) => {
    const vectors = await embedder.embed(["a", "bbb", "cc"]);
    const one = await embedder.embed("dddd", { dimensions: 2 });
    return [vectors.map(([first]) => first), new Set(vectors.map(({ buffer }) => buffer)).size, Array.from(one)];
  });
  assert.deepEqual(firsts, [1, 3, 2]);
  assert.equal(buffers, 3);
  assert.deepEqual(one, [4, 4]);
  assert.deepEqual(await embedder.evaluate((embedder) => embedder.embed([])), []);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("embedDetailed tells tokens and truncation", async () => {
  const embedder = await create();
  const details = await embedder.evaluate(async (embedder) => {
    const details = await embedder.embedDetailed(["short", "longer than eight"]);
    return details.map(({ tokens, truncated }) => ({ tokens, truncated }));
  });
  assert.deepEqual(details, [
    { tokens: 5, truncated: false },
    { tokens: 8, truncated: true },
  ]);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("task types find the pack's prompt, and a named prompt goes before them", async () => {
  const embedder = await create();
  const lengths = await embedder.evaluate(async (embedder) => {
    const promptLength = async (/** @type {import("felsic").TextOptions} */ options) =>
      (await embedder.tokenize("x", options))[0];
    return [
      await promptLength({ taskType: "retrieval-query" }),
      await promptLength({ taskType: "retrieval-document" }),
      await promptLength({ taskType: "clustering" }),
      await promptLength({ taskType: "retrieval-query", prompt: "own" }),
      await promptLength({}),
    ];
  });
  assert.deepEqual(lengths, ["Retrieval_Query".length, "document".length, 0, 3, 0]);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("bad arguments are refused before any work", async () => {
  const embedder = await create();
  const codes = await embedder.evaluate(async (embedder) => {
    const wrong = /** @type {any} */ (embedder);
    const calls = [
      wrong.embed(7),
      wrong.embed(undefined),
      wrong.embed(["a", null]),
      wrong.embed(new Array(2)),
      wrong.embed("a", { dimensions: 0 }),
      wrong.embed("a", { dimensions: 1.5 }),
      wrong.embed("a", { dimensions: "4" }),
      wrong.embed("a", { taskType: "toString" }),
      wrong.embed("a", { strip: "no" }),
      wrong.embed("a", { prompt: 1 }),
      wrong.embedDetailed("a"),
      wrong.countTokens({}),
      wrong.embed("a", { dimension: 4 }),
      wrong.embed(["a"], { tasktype: "clustering" }),
      wrong.embed("a", "query"),
      wrong.embed("a", null),
      wrong.embedDetailed(["a"], { onprogress: () => {} }),
      wrong.tokenize("a", { stripped: true }),
      wrong.countTokens("a", { propmt: "query" }),
      felsic.Embedder.create(/** @type {any} */ (null)),
      felsic.Embedder.create(/** @type {any} */ ({ model: null })),
      felsic.Embedder.create(/** @type {any} */ ({ model: 7 })),
      felsic.Embedder.create(/** @type {any} */ ({ modell: "/pack" })),
      felsic.Embedder.create(/** @type {any} */ ({ model: "/pack", wasmurl: "/felsic.wasm" })),
      felsic.Embedder.deleteCache(/** @type {any} */ ({ modell: "/pack" })),
      felsic.Embedder.create({ model: "http://" }),
      felsic.Embedder.create({ model: "/pack/?token=1" }),
      felsic.Embedder.create({ model: "/pack", device: /** @type {any} */ ("gpu") }),
      felsic.Embedder.create({ model: "/pack", credentials: /** @type {any} */ ("always") }),
      felsic.Embedder.create({ model: "https://user:secret@example.com/pack" }),
      felsic.Embedder.create({ model: "/pack", headers: /** @type {any} */ ("Bearer secret") }),
      felsic.Embedder.create({ model: "/pack", headers: /** @type {any} */ ({ authorization: undefined }) }),
      felsic.Embedder.create({ model: "/pack", headers: /** @type {any} */ ([["authorization", "Bearer secret"]]) }),
      felsic.Embedder.create({ model: "/pack", headers: { "x key": "secret" } }),
      felsic.Embedder.create({ model: "/pack", headers: { "x-key": "sec\nret" } }),
      felsic.Embedder.create({ model: "/pack", headers: { Range: "bytes=0-" } }),
      felsic.Embedder.create({ model: "/pack", headers: { Cookie: "login=secret" } }),
      felsic.Embedder.create({ model: "/pack", workerUrl: /** @type {any} */ (1) }),
      felsic.Embedder.availability({ device: /** @type {any} */ ("tpu") }),
    ];
    const settled = await Promise.all(calls.map(settle));
    return settled.map(({ code, isFelsicError, message }) => `${code} ${isFelsicError} ${/sec.*ret/s.test(message ?? "")}`);
  });
  assert.deepEqual([...new Set(codes)], ["input-invalid true false"], codes.join("\n"));
  assert.equal(await embedder.evaluate((embedder) => embedder.memoryBytes()), 0, "no batch was begun");
  assert.equal(await workers(page, 1), 1, "no worker was started for the refused calls");
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("an error of the engine keeps its code, and the engine goes on", async () => {
  const embedder = await create();
  const refused = await embedder.evaluate((embedder) => settle(embedder.embed("fail weights-invalid")));
  assert.deepEqual(
    [refused.code, refused.message, refused.isFelsicError],
    ["weights-invalid", "failed as weights-invalid", true],
  );
  assert.equal(await embedder.evaluate((embedder) => embedder.countTokens("abc")), 3);
  assert.deepEqual(await embedder.evaluate((embedder) => embedder.countTokens(["abc", "", "a"])), [3, 0, 1]);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a code of another build's engine is told in the cause, and the engine goes on", async () => {
  const embedder = await create();
  const refused = await embedder.evaluate((embedder) => settle(embedder.embed("fail not-invented-yet")));
  assert.deepEqual([refused.code, refused.message, refused.isFelsicError], ["internal", "failed as not-invented-yet", true]);
  assert.match(refused.cause ?? "", /not-invented-yet/);
  assert.equal(await embedder.evaluate((embedder) => embedder.countTokens("abc")), 3);
  assert.equal(await workers(page, 1), 1);
  await embedder.evaluate((embedder) => embedder.destroy());
  const load = await page.evaluate(() => settle(felsic.Embedder.create({ model: "/code/not-invented-yet/" })));
  assert.deepEqual([load.code, load.message], ["internal", "refused as not-invented-yet"]);
  assert.equal(await workers(page, 0), 0);
});

test("what an engine has read does not reach a page's console raw or without end", async () => {
  const embedder = await create();
  const [hostile, long] = await embedder.evaluate((embedder) =>
    Promise.all([
      settle(embedder.embed("fail manifest-invalid \u001b[2Jone\ntwo\u0000\u202e\ud800")),
      settle(embedder.embed(`fail manifest-invalid ${"x".repeat(3_500_000)}`)),
    ]),
  );
  const escaped = "\\u{1b}[2Jone\\ntwo\\u{0}\\u{202e}\\u{d800}";
  assert.deepEqual([hostile?.code, hostile?.message], ["manifest-invalid", `failed as manifest-invalid: ${escaped}`]);
  assert.equal(hostile?.cause, escaped);
  for (const text of [long?.message, long?.cause]) {
    assert.ok(text && text.length <= 400, `${text?.length}`);
    assert.match(text, /xxx… \(34996\d\d characters left out\) …xxx/);
  }
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a load that fails rejects with its code and leaves no worker", async () => {
  for (const code of ["manifest-invalid", "file-integrity", "not-found"]) {
    const refused = await page.evaluate((model) => settle(felsic.Embedder.create({ model })), `/code/${code}/`);
    assert.equal(refused.code, code);
    assert.equal(await workers(page, 0), 0);
  }
});

test("a trap while loading is an internal error and leaves no worker", async () => {
  const refused = await page.evaluate(() => settle(felsic.Embedder.create({ model: "/trap/" })));
  assert.equal(refused.code, "internal");
  assert.match(refused.cause ?? "", /unreachable/);
  assert.equal(await workers(page, 0), 0);
});

for (const [where, call] of /** @type {const} */ ([
  ["asynchronous", "embed"],
  ["synchronous", "tokenize"],
])) {
  test(`a trap in ${where} code rejects everything pending and later, and ends the worker`, async () => {
    const embedder = await create();
    const codes = await embedder.evaluate(async (embedder, call) => {
      const pending = [embedder[call]("trap"), embedder.embed("behind it")];
      const settled = await Promise.all(pending.map(settle));
      settled.push(await settle(embedder.embed("later")));
      return settled.map(({ code }) => code);
    }, call);
    assert.deepEqual(codes, ["internal", "internal", "internal"]);
    assert.equal(await workers(page, 0), 0);
  });
}

test("requests for the model's files carry the user's logins only if create() is told so", async () => {
  await page.evaluate(() => void (document.cookie = "login=secret; path=/"));
  for (const credentials of /** @type {const} */ ([undefined, "omit", "same-origin", "include"])) {
    // Neither a pack nor a checkpoint, so that both are requested.
    const model = environment.server.spoilt("/nothing/");
    const { code } = await page.evaluate((options) => settle(felsic.Embedder.create(options)), {
      model,
      ...(credentials && { credentials }),
    });
    assert.equal(code, "not-found");
    const folder = new URL(model).pathname;
    const asked = environment.server.log.filter(({ path }) => path.startsWith(folder));
    assert.deepEqual([...new Set(asked.map(({ path }) => path.slice(folder.length)))], ["manifest.json", "config.json"]);
    const carries = credentials === "same-origin" || credentials === "include";
    for (const { path, cookie } of asked)
      assert.equal(cookie?.includes("login=secret") ?? false, carries, `${credentials} ${path}`);
  }
  await page.evaluate(() => void (document.cookie = "login=; path=/; max-age=0"));
});

test("headers go with every request for the model's files, and with no other", async () => {
  const model = environment.server.spoilt("/nothing/");
  const begun = environment.server.log.length;
  const { code } = await page.evaluate(
    (model) => settle(felsic.Embedder.create({ model, headers: { "X-Key": "secret" } })),
    model,
  );
  assert.equal(code, "not-found");
  const folder = new URL(model).pathname;
  for (const { path, key } of environment.server.log.slice(begun))
    assert.equal(key, path.startsWith(folder) ? "secret" : undefined, path);
  assert.ok(environment.server.log.slice(begun).some(({ path }) => path.endsWith(".wasm")));
});

/** @type {[name: string, code: string, message: RegExp, faults: import("./server.mjs").Fault[]][]} */
const NO_MODEL = [
  [
    "a login is asked for",
    "network",
    /status 401.*private or gated.*headers.*credentials/,
    [{ file: /./, status: 401, headers: { "www-authenticate": "Basic" } }],
  ],
  ["nobody may have it", "network", /status 403.*private or gated.*headers.*credentials/, [{ file: /./, status: 403 }]],
  ["nobody may have the manifest", "network", /manifest\.json.*status 403/, [{ file: /manifest/, status: 403 }]],
  ["there are only pages", "not-found", /neither a manifest\.json.*nor a config\.json/, [{ file: /./, page: true }]],
  ["there is nothing", "not-found", /neither a manifest\.json.*nor a config\.json/, []],
];

for (const [name, code, message, faults] of NO_MODEL) {
  test(`no model where ${name}: ${code}`, async () => {
    const model = environment.server.spoilt("/nothing/", ...faults);
    const refused = await page.evaluate((model) => settle(felsic.Embedder.create({ model })), model);
    assert.equal(refused.code, code, refused.message);
    assert.match(refused.message ?? "", message);
    assert.equal(await workers(page, 0), 0);
  });
}

test("a worker or a wasm file that is not there is told apart from a defect", async () => {
  const [worker, wasm] = await page.evaluate(async () => [
    await settle(felsic.Embedder.create({ model: "/pack", workerUrl: "/nowhere.js" })),
    await settle(felsic.Embedder.create({ model: "/pack", wasmUrl: "/nowhere.wasm" })),
  ]);
  assert.equal(worker?.code, "network");
  assert.equal(wasm?.code, "not-found");
  assert.match(wasm?.message ?? "", /nowhere\.wasm/);
  assert.equal(await workers(page, 0), 0);
});

test("abort rejects at once with the signal's reason, and the worker stops between batches", async () => {
  const embedder = await create();
  const result = await embedder.evaluate(async (embedder) => {
    const controller = new AbortController();
    let news = 0;
    const onProgress = () => (news += 1);
    const work = settle(embedder.embed(Array(200).fill("wait 20"), { signal: controller.signal, onProgress }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const heard = news;
    controller.abort(new Error("changed my mind"));
    const settled = await work;
    // Nothing that the worker says comes between the two.
    const waited = news - heard;
    // The next request is answered only when the aborted one has really stopped.
    const batches = await embedder.memoryBytes();
    return { settled, waited, batches };
  });
  assert.equal(result.settled.code, "aborted");
  assert.equal(result.settled.cause, "Error: changed my mind");
  assert.equal(result.waited, 0, "rejected before the next news of the worker");
  assert.ok(result.batches >= 1 && result.batches < 50, `${result.batches} of 200 batches were begun`);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a request that is aborted while it waits is never begun", async () => {
  const embedder = await create();
  const [codes, batches] = await embedder.evaluate(async (embedder) => {
    const controller = new AbortController();
    const first = embedder.embed("wait 100");
    const waiting = [
      embedder.embed("a", { signal: controller.signal }),
      embedder.embed("b", { signal: AbortSignal.abort() }),
      embedder.countTokens("c", { signal: controller.signal }),
    ].map(settle);
    controller.abort();
    const codes = (await Promise.all(waiting)).map(({ code }) => code);
    await first;
    return /** @type {const} */ ([codes, await embedder.memoryBytes()]);
  });
  assert.deepEqual(codes, ["aborted", "aborted", "aborted"]);
  assert.equal(batches, 1);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a query goes ahead of a call with many texts, and equals go in their order", async () => {
  const embedder = await create();
  const { order, refused } = await embedder.evaluate(async (embedder) => {
    /** @type {string[]} */
    const order = [];
    const note = (/** @type {string} */ name, /** @type {Promise<unknown>} */ call) => call.then(() => void order.push(name));
    const many = note("many", embedder.embed(Array(100).fill("wait 10")));
    const more = note("more", embedder.embed(["wait 1", "wait 1"]));
    const patient = note("patient", embedder.embed("a", { priority: "normal" }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const query = note("query", embedder.embed("a"));
    const urgent = note("urgent", embedder.embed(["a", "b"], { priority: "high" }));
    await Promise.all([many, more, patient, query, urgent, note("count", embedder.countTokens("a"))]);
    const refused = await settle(embedder.embed("a", { priority: /** @type {any} */ ("now") }));
    return { order, refused };
  });
  assert.deepEqual(order, ["query", "urgent", "count", "many", "more", "patient"]);
  assert.equal(refused.code, "input-invalid");
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a call that waits for the network lets others go ahead, and ends at once when it is aborted", async () => {
  const embedder = await createEmbedder(environment, environment.server.url("/stalled/"));
  const result = await embedder.evaluate(async (embedder) => {
    const controller = new AbortController();
    const stalled = settle(embedder.embed(["absent", "a"], { signal: controller.signal }));
    const waiting = settle(embedder.embed(["absent"]));
    const others = [
      await embedder.embed("a"),
      await embedder.countTokens("abc"),
      await embedder.memoryBytes(),
      await embedder.warmUp(),
    ];
    controller.abort();
    const { code } = await stalled;
    // The part of the model that both wait for never comes.
    const still = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 50, "waiting"))]);
    return { code, others: others.length, still };
  });
  assert.deepEqual(result, { code: "aborted", others: 4, still: "waiting" });
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("a signal may abort after the work is done", async () => {
  const embedder = await create();
  const length = await embedder.evaluate(async (embedder) => {
    const controller = new AbortController();
    await embedder.embed("a", { signal: controller.signal });
    controller.abort();
    return (await embedder.embed("bb")).length;
  });
  assert.equal(length, 4);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("aborting create() ends the worker", async () => {
  const settled = await page.evaluate(async () => {
    const controller = new AbortController();
    const work = settle(
      felsic.Embedder.create({
        model: "/hang/",
        signal: controller.signal,
        onProgress: () => controller.abort("enough"),
      }),
    );
    return [await work, await settle(felsic.Embedder.create({ model: "/pack", signal: AbortSignal.abort("never") }))];
  });
  assert.deepEqual(
    settled.map(({ code, cause }) => [code, cause]),
    [
      ["aborted", "enough"],
      ["aborted", "never"],
    ],
  );
  assert.equal(await workers(page, 0), 0);
});

test("destroy ends the worker; pending and later calls reject", async () => {
  const embedder = await create();
  assert.equal(await workers(page, 1), 1);
  const codes = await embedder.evaluate(async (embedder) => {
    const pending = [settle(embedder.embed("wait 1000")), settle(embedder.countTokens("a"))];
    embedder.destroy();
    embedder.destroy();
    const settled = [...(await Promise.all(pending)), await settle(embedder.embed("later"))];
    return settled.map(({ code }) => code);
  });
  assert.deepEqual(codes, ["destroyed", "destroyed", "destroyed"]);
  assert.equal(await workers(page, 0), 0);
});

test("Symbol.dispose destroys", async () => {
  const embedder = await create();
  const code = await embedder.evaluate(async (embedder) => {
    embedder[Symbol.dispose]();
    return (await settle(embedder.embed("a"))).code;
  });
  assert.equal(code, "destroyed");
});

/** @param {string} path @param {number} count workers, the engine's included */
const createShared = (path, count) =>
  page.evaluateHandle(({ path, count }) => felsic.Embedder.create({ model: path, workers: count }), { path, count });

/** Returns the first components of vectors, in the texts' order, and the numbers of texts reported as done, step by step. */
const SHARED = async (/** @type {import("felsic").Embedder} */ embedder) => {
  /** @type {number[]} */
  const steps = [];
  const texts = Array.from({ length: 40 }, (_, index) => "x".repeat(index + 1));
  const vectors = await embedder.embed(texts, { onProgress: ({ done }) => steps.push(done) });
  return { firsts: vectors.map(([first]) => first ?? NaN), steps };
};

test("as many workers as the machine is good for: half of its threads, but both of two, and four at most", async () => {
  const context = await environment.browser.newContext();
  const page = await context.newPage();
  for (const [threads, count] of /** @type {const} */ ([
    [undefined, 1],
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [6, 3],
    [8, 4],
    [16, 4],
    [64, 4],
  ])) {
    await page.addInitScript(
      (threads) => Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { configurable: true, get: () => threads }),
      threads,
    );
    await page.goto(environment.server.url("/fake/blank.html"));
    await page.waitForFunction(() => "felsic" in globalThis);
    for (const workers of [undefined, /** @type {const} */ ("auto")]) {
      const started = await page.evaluate(async (workers) => {
        const embedder = await felsic.Embedder.create({ model: "/helped/", ...(workers && { workers }) });
        const started = await embedder.warmUp();
        embedder.destroy();
        return started;
      }, workers);
      assert.equal(started, count, `${threads} threads`);
    }
  }
  await context.close();
});

test("helpers share the texts of a call; results come in the texts' order", async () => {
  const embedder = await createShared("/helped/", 3);
  assert.equal(await workers(page, 1), 1, "helpers start when there is something to share");
  assert.equal(await embedder.evaluate((embedder) => embedder.warmUp()), 3);
  const { firsts, steps } = await embedder.evaluate(SHARED);
  assert.deepEqual(
    firsts.map((first) => first % 1000),
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  const helped = firsts.filter((first) => first > 1000).length;
  assert.ok(helped > 0 && helped < 40, `helpers made ${helped} of 40 vectors`);
  assert.deepEqual(
    steps,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  assert.equal(await embedder.evaluate((embedder) => embedder.memoryBytes()), 40 - helped + 2000);
  await embedder.evaluate((embedder) => embedder.destroy());
  assert.equal(await workers(page, 0), 0, "helpers end with their engine");
});

for (const [what, path, left] of /** @type {const} */ ([
  ["refuse their work", "/helped/refuse/", 3],
  ["trap", "/helped/crash/", 1],
  ["do not load", "/helped/no-helpers/", 1],
])) {
  test(`an engine whose helpers ${what} makes all vectors itself`, async () => {
    const embedder = await createShared(path, 3);
    await embedder.evaluate((embedder) => embedder.warmUp());
    for (let call = 0; call < 2; call += 1) {
      const { firsts } = await embedder.evaluate(SHARED);
      assert.deepEqual(
        firsts,
        Array.from({ length: 40 }, (_, index) => index + 1),
      );
    }
    assert.equal(await workers(page, left), left);
    await embedder.evaluate((embedder) => embedder.destroy());
    assert.equal(await workers(page, 0), 0);
  });
}

test("abort and destroy do not wait for helpers", async () => {
  const embedder = await createShared("/helped/", 2);
  await embedder.evaluate((embedder) => embedder.warmUp());
  const codes = await embedder.evaluate(async (embedder) => {
    const texts = Array(50).fill("wait 10");
    const controller = new AbortController();
    const aborted = settle(embedder.embed(texts, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 30);
    const settled = [await aborted];
    // The helper's open batches belong to the aborted call, and must not appear in the next.
    const next = await embedder.embed(["a", "bb", "ccc"]);
    const destroyed = settle(embedder.embed(texts));
    embedder.destroy();
    return { codes: [...settled, await destroyed].map(({ code }) => code), next: next.map(([first]) => (first ?? NaN) % 1000) };
  });
  assert.deepEqual(codes, { codes: ["aborted", "destroyed"], next: [1, 2, 3] });
  assert.equal(await workers(page, 0), 0);
});

test("availability speaks the proposal's words", async () => {
  const words = await page.evaluate(async () => {
    const model = `/pack-${Math.random()}/hang/`;
    const controller = new AbortController();
    const words = [await felsic.Embedder.availability({ model })];
    const work = settle(felsic.Embedder.create({ model, signal: controller.signal }));
    words.push(await felsic.Embedder.availability({ model: new URL(model, location.href) }));
    controller.abort();
    await work;
    words.push(await felsic.Embedder.availability({ model }));
    (await felsic.Embedder.create({ model: "/good/" })).destroy();
    words.push(await felsic.Embedder.availability({ model: "/good" }), await felsic.Embedder.availability());
    return words;
  });
  assert.deepEqual(words, ["downloadable", "downloading", "downloadable", "available", "downloadable"]);
});

test("an error in a progress callback is the page's own and stops nothing", async () => {
  const before = environment.errors.length;
  const embedder = await create();
  const length = await embedder.evaluate(async (embedder) => {
    const onProgress = () => {
      throw new Error("a callback's own error");
    };
    return (await embedder.embed(["a", "b"], { onProgress })).length;
  });
  assert.equal(length, 2);
  assert.match(environment.errors.slice(before).join("\n"), /a callback's own error/);
  await embedder.evaluate((embedder) => embedder.destroy());
});

test("felsic/cpu is the same, and says what it has not", async () => {
  const made = await environment.page.evaluate(async () => {
    /** @type {typeof import("felsic/cpu")} */
    const { Embedder } = await import(String("./cpu.js"));
    const embedder = await Embedder.create({ model: "/pack/" });
    const vector = Array.from(await embedder.embed("text"));
    embedder.destroy();
    const { code, message } = await settle(Embedder.create({ model: "/pack/", device: "webgpu" }));
    return { length: vector.length, code, message, availability: await Embedder.availability({ device: "webgpu" }) };
  });
  assert.equal(made.length, 4);
  assert.equal(made.code, "device-unavailable");
  assert.match(made.message ?? "", /import "felsic" for WebGPU/);
  assert.equal(made.availability, "unavailable");
  assert.equal(await workers(environment.page, 0), 0);
});
