/** The store and its caches: what is kept, what is shared, what is thrown away. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasQuota } from "./store-harness.mjs";
import { flipped } from "./harness.mjs";
import {
  FIRST,
  freshPage,
  MANIFEST,
  next,
  pack,
  requestsDuring,
  SHARD,
  sleep,
  store,
  storedFiles,
  untilAsked,
  wholeFiles,
} from "./store-suite.mjs";

/** @typedef {import("./store-harness.mjs").Load} Load */

test("a pack that is stored is loaded with no request but the manifest's, and with an integrity with none", async () => {
  const { load, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.equal(await availability(model), "downloadable");
  await load({ model });
  assert.equal(await availability(model), "available");
  const requests = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model })).files, pack.hashes);
  });
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json"],
  );
  const none = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model, integrity: pack.integrity })).files, pack.hashes);
  });
  assert.deepEqual(none, []);
  await close();
});

test("a pack that is stored is loaded when its server is gone", async () => {
  const { load, close } = await freshPage();
  const server = await store.startServer();
  const model = server.url("/packs/one/");
  await load({ model });
  await server.close();
  const { files, warnings, message } = await load({ model });
  assert.deepEqual(files, pack.hashes, message);
  assert.deepEqual(warnings, []);
  assert.equal((await load({ model, cache: "none" })).code, "network");
  await close();
});

test("a load that was ended goes on in the next one", async () => {
  const { load, names, availability, close } = await freshPage();
  const stall = { file: new RegExp(pack.files[2] ?? ""), stallAfter: 400_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", stall);
  assert.equal((await load({ model, stopAt: 20_000 + FIRST + 300_000 })).code, "stopped");
  assert.ok((await names()).includes(`${pack.hashes[pack.files[2] ?? ""]}.part`));
  assert.equal(await availability(model), "downloadable");
  const requests = await requestsDuring(store.server, async () => {
    const { files, warnings } = await load({ model });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, []);
  });
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json", pack.files[2]],
  );
  assert.match(requests[1]?.range ?? "", /^bytes=[1-9]\d{4,}-$/);
  assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
  await close();
});

test("a part that another revision of the server began is thrown away", async () => {
  const { load, names, close } = await freshPage();
  const wrong = { file: SHARD, change: flipped, stallAfter: 200_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", wrong);
  await load({ model, stopAt: 200_000 });
  const { files, warnings } = await load({ model });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-corrupt"]);
  assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
  await close();
});

/** Spoils a stored file. This runs in the page. @param {{ name: string, at: number }} where */
async function spoilInPage({ name, at }) {
  const root = await navigator.storage.getDirectory();
  const handle = await (await root.getDirectoryHandle("felsic")).getFileHandle(name);
  const size = (await handle.getFile()).size;
  const writable = await handle.createWritable({ keepExistingData: true });
  await writable.write({ type: "write", position: at < 0 ? size : at, data: new Uint8Array([1, 2, 3, 4]) });
  await writable.close();
}

for (const [name, at] of /** @type {const} */ ([
  ["wrong bytes", 1000],
  ["another length", -1],
])) {
  test(`a stored file with ${name} is fetched again, alone`, async () => {
    const { page, load, close } = await freshPage();
    const model = store.server.url("/packs/one/");
    await load({ model });
    const [, file = ""] = pack.files;
    await page.evaluate(spoilInPage, { name: pack.hashes[file] ?? "", at });
    const requests = await requestsDuring(store.server, async () => {
      const { files, warnings } = await load({ model });
      assert.deepEqual(files, pack.hashes);
      assert.deepEqual(warnings, ["cache-corrupt"]);
    });
    assert.deepEqual(
      requests.map(({ file }) => file),
      ["manifest.json", file],
    );
    assert.deepEqual((await load({ model, integrity: pack.integrity })).warnings, []);
    await close();
  });
}

test("a stored manifest with wrong bytes is fetched again", async () => {
  const { page, load, names, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  await load({ model });
  const name = (await names()).find((name) => name.endsWith(".manifest")) ?? "";
  await page.evaluate(spoilInPage, { name, at: 0 });
  const { files, warnings } = await load({ model, integrity: pack.integrity });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-corrupt"]);
  await close();
});

/** What a pack's manifest says of its files. @typedef {{ tokenizer: { bytes: number }, shards: { bytes: number }[] }} Claims */

/** Another pack that lists the files of the first, with other lengths. @param {(bytes: number) => number} length */
function falseClaims(length) {
  const change = (/** @type {Buffer} */ bytes) => {
    /** @type {Claims} */
    const manifest = JSON.parse(bytes.toString());
    for (const entry of [manifest.tokenizer, ...manifest.shards]) entry.bytes = length(entry.bytes);
    return JSON.stringify(manifest);
  };
  return store.server.spoilt("/packs/one/", { file: MANIFEST, change });
}

for (const [name, length] of /** @type {[string, (bytes: number) => number][]} */ ([
  ["shorter", (bytes) => bytes - 1],
  ["longer", (bytes) => bytes + 1],
  ["a byte long", () => 1],
])) {
  test(`a pack that calls another's stored files ${name} fails by itself, and takes nothing away`, async () => {
    const { page, load, names, availability, close } = await freshPage();
    const model = store.server.url("/packs/one/");
    await load({ model });
    const other = falseClaims(length);
    const requests = await requestsDuring(store.server, async () => {
      const { code, warnings } = await load({ model: other });
      assert.equal(code, "file-length");
      assert.deepEqual(warnings, []);
    });
    assert.deepEqual(
      requests.map(({ file }) => file),
      ["manifest.json"],
      "no server has what cannot be",
    );
    assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
    assert.deepEqual([await availability(model), await availability(other)], ["available", "downloadable"]);
    await page.evaluate((model) => felsic.Embedder.deleteCache({ model }), other);
    const again = await requestsDuring(store.server, async () => {
      const { files, warnings } = await load({ model });
      assert.deepEqual(files, pack.hashes);
      assert.deepEqual(warnings, []);
    });
    assert.deepEqual(
      again.map(({ file }) => file),
      ["manifest.json"],
    );
    await close();
  });
}

test("where nothing is stored, a false length has the same code, and the pack that is right loads after it", async () => {
  const { load, close } = await freshPage();
  for (const [length, forbid] of /** @type {[(bytes: number) => number, Load["forbid"]][]} */ ([
    [(bytes) => bytes - 1, []],
    [(bytes) => bytes + 1, []],
    [(bytes) => bytes + 1, ["opfs"]],
  ])) {
    assert.equal((await load({ model: falseClaims(length), forbid })).code, "file-length");
    assert.deepEqual((await load({ model: store.server.url("/packs/one/"), forbid })).files, pack.hashes);
    assert.equal((await load({ model: falseClaims(length), forbid })).code, "file-length");
    const requests = await requestsDuring(store.server, async () => {
      assert.deepEqual((await load({ model: store.server.url("/packs/one/"), forbid })).files, pack.hashes);
    });
    assert.deepEqual(
      requests.map(({ file }) => file),
      ["manifest.json"],
    );
  }
  await close();
});

test("a damaged manifest costs its pack the manifest, and none of its files", async () => {
  const { page, load, names, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  await load({ model });
  const name = (await names()).find((name) => name.endsWith(".manifest")) ?? "";
  await page.evaluate(spoilInPage, { name, at: 0 });
  // Storing another pack removes what no manifest lists.
  assert.deepEqual((await load({ model: store.server.url("/packs/next/") })).files, next.hashes);
  for (const file of storedFiles(pack)) assert.ok((await names()).includes(file), "a file is gone");
  const requests = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model })).files, pack.hashes);
  });
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json"],
  );
  // The manifest has come back, whether or not anything else was stored meanwhile.
  await page.evaluate(spoilInPage, { name, at: 0 });
  await load({ model });
  const { files, warnings } = await load({ model, integrity: pack.integrity });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, []);
  await close();
});

test("the files of a manifest that only a later felsic understands stay", async () => {
  const { page, load, names, close } = await freshPage();
  const kept = await page.evaluate(async () => {
    const hash = async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    };
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("felsic", { create: true });
    const write = async (/** @type {string} */ name, /** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
      await file.write(bytes);
      await file.close();
      return name;
    };
    const bytes = Uint8Array.of(1, 2, 3);
    const manifest = new TextEncoder().encode(JSON.stringify({ format: "felsic", version: 99, files: [await hash(bytes)] }));
    return [await write(await hash(bytes), bytes), await write(`${"0".repeat(16)}-${await hash(manifest)}.manifest`, manifest)];
  }, undefined);
  for (const folder of ["/packs/one/", "/packs/next/"]) await load({ model: store.server.url(folder) });
  const after = await names();
  for (const name of kept) assert.ok(after.includes(name), `${name} is gone`);
  await close();
});

test("two workers at once download once", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 30 });
  const requests = await requestsDuring(store.server, async () => {
    const loads = await Promise.all([load({ model }), load({ model }), load({ model })]);
    for (const { files, warnings, message } of loads) {
      assert.deepEqual(files, pack.hashes, message);
      assert.deepEqual(warnings, []);
    }
  });
  const files = requests.map(({ file }) => file).filter((file) => !MANIFEST.test(file));
  assert.deepEqual(files.sort(), [...pack.files].sort());
  await close();
});

test("a worker that waited takes over what another left", async () => {
  const { load, close } = await freshPage();
  const stall = { file: new RegExp(pack.files[2] ?? ""), stallAfter: 400_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", stall);
  const first = load({ model, abortAfter: 1500 });
  // The last request may be that of the test before, for the same file.
  await untilAsked(model, stall.file);
  const second = load({ model });
  assert.equal((await first).code, "aborted");
  assert.deepEqual((await second).files, pack.hashes);
  await close();
});

for (const forbid of /** @type {Load["forbid"][]} */ ([[], ["opfs"]])) {
  test(`who waits for one that dribbles${forbid?.length ? ", without a private file system," : ""} goes on without storing`, async () => {
    const { load, names, close } = await freshPage();
    const [, , file = ""] = pack.files;
    const dribbling = store.server.spoilt("/packs/one/", { file: new RegExp(file), dribbleAfter: 100_000 });
    // Its clock runs normally, so that it holds its lock for long.
    const first = load({ model: dribbling, forbid, abortAfter: 8_000 });
    let isOver = false;
    void first.then(() => (isOver = true));
    await untilAsked(dribbling, new RegExp(file));
    const { files, warnings, message } = await load({ model: store.server.url("/packs/one/"), forbid, hurry: 200 });
    assert.deepEqual(files, pack.hashes, message);
    assert.deepEqual(warnings, ["cache-busy"]);
    assert.equal(isOver, false, "the other one was waited for");
    if (!forbid?.length) assert.deepEqual(wholeFiles(await names()).length, pack.files.length - 1, "all but that one are stored");
    assert.equal((await first).code, "aborted");
    await close();
  });
}

test("who waits for one that gets on slowly goes on waiting", async () => {
  const { load, close } = await freshPage();
  const [, , file = ""] = pack.files;
  // 3 seconds, and the waiter waits for two without a step.
  const slow = store.server.spoilt("/packs/one/", { file: new RegExp(file), slow: 200 });
  const first = load({ model: slow });
  await untilAsked(slow, new RegExp(file));
  const requests = await requestsDuring(store.server, async () => {
    const { files, warnings } = await load({ model: store.server.url("/packs/one/"), hurry: 10 });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, []);
  });
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json"],
  );
  assert.deepEqual((await first).files, pack.hashes);
  await close();
});

test("a browser that grants no lock: a warning, and the load goes on without storing", async () => {
  const { load, page, names, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  const { files, warnings, message } = await load({ model, forbid: ["grants"], hurry: 200, abortAfter: 30_000 });
  assert.deepEqual(files, pack.hashes, message);
  assert.deepEqual(warnings, ["cache-busy"]);
  assert.deepEqual(await names(), []);
  await load({ model });
  await page.evaluate(async () => {
    LockManager.prototype.request = () => new Promise(() => {});
    await felsic.Embedder.deleteCache();
  }, undefined);
  await close();
});

test("without locks two workers get their bytes all the same", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 10 });
  const loads = await Promise.all([load({ model, forbid: ["locks"] }), load({ model, forbid: ["locks"] })]);
  for (const { files, message } of loads) assert.deepEqual(files, pack.hashes, message);
  await close();
});

test("aborted while downloading, between two attempts and while waiting for a lock", async () => {
  const { load, close } = await freshPage();
  const stalled = store.server.spoilt("/packs/one/", { file: SHARD, stallAfter: 1000 });
  const failing = store.server.spoilt("/packs/one/", { file: SHARD, status: 429, headers: { "retry-after": "20" } });
  const start = performance.now();
  const reader = load({ model: stalled, abortAfter: 1500 });
  const waiting = load({ model: stalled, abortAfter: 1000 });
  const pausing = load({ model: failing, cache: "none", abortAfter: 500 });
  for (const { code, message } of await Promise.all([reader, waiting, pausing])) assert.equal(code, "aborted", message);
  assert.ok(performance.now() - start < 15_000, "an abort came only with what it was to end: the next attempt is after 20 s");
  assert.equal((await load({ model: stalled, abortAt: 1000 })).code, "aborted");
  await close();
});

test("without a private file system the Cache API keeps whole files", async () => {
  const { load, page, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.deepEqual((await load({ model, forbid: ["opfs"] })).files, pack.hashes);
  assert.equal(await availability(model), "available");
  const requests = await requestsDuring(store.server, async () => {
    const { files, warnings } = await load({ model, forbid: ["opfs"] });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, []);
  });
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json"],
  );
  await page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
  assert.equal(await availability(model), "downloadable");
  await close();
});

test("a browser that stores nothing: a warning, and the load goes on", async () => {
  const { load, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  const { files, warnings } = await load({ model, forbid: ["opfs", "caches"] });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-unavailable"]);
  await close();
});

test("no cache is asked for: nothing is stored", async () => {
  const { load, names, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  const { files, warnings } = await load({ model, cache: "none" });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, []);
  assert.deepEqual(await names(), []);
  assert.equal(await availability(model), "downloadable");
  await close();
});

for (const forbid of /** @type {Load["forbid"][]} */ ([[], ["opfs"]])) {
  test(
    `no room${forbid?.length ? " in the Cache API" : ""}: one warning, and the load goes on`,
    { skip: !hasQuota },
    async () => {
      const { load, page, availability, close } = await freshPage();
      await page.setQuota(200_000);
      const model = store.server.url("/packs/one/");
      const { files, warnings } = await load({ model, forbid });
      assert.deepEqual(files, pack.hashes);
      assert.deepEqual(warnings, ["quota-exceeded"]);
      assert.equal(await availability(model), "downloadable");
      await close();
    },
  );
}

test(
  "whatever room there is, from next to none to more than the pack takes: one warning at most, and the right bytes twice",
  { skip: !hasQuota },
  async () => {
    const stored = [];
    for (const quota of [1, 30_000, 250_000, 325_000, 600_000, 1_000_000, 4_000_000]) {
      const { load, page, names, close } = await freshPage();
      await page.setQuota(quota);
      for (let visit = 0; visit < 2; visit += 1) {
        const { files, warnings, message } = await load({ model: store.server.url("/packs/one/") });
        assert.deepEqual(files, pack.hashes, `${quota}: ${message}`);
        assert.ok(warnings.length <= 1 && warnings.every((code) => code === "quota-exceeded"), `${quota}: ${warnings.join()}`);
      }
      // Looking at what is stored needs room, too.
      await page.setQuota(100_000_000);
      const whole = wholeFiles(await names());
      assert.ok(
        whole.every((name) => storedFiles(pack).includes(name)),
        `${quota}: ${whole.join()}`,
      );
      stored.push(whole.length);
      await close();
    }
    assert.deepEqual([stored[0], stored.at(-1)], [0, pack.files.length]);
  },
);

for (const forbid of /** @type {Load["forbid"][]} */ ([[], ["opfs"]])) {
  test(
    `cleared in mid-load${forbid?.length ? ", in the Cache API" : ""}: one warning that says so, and the load goes on`,
    { skip: !hasQuota },
    async () => {
      const { load, page, close } = await freshPage();
      const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 60 });
      const loading = load({ model, forbid });
      await untilAsked(model, SHARD);
      await sleep(400);
      await page.clear();
      const { files, warnings, message } = await loading;
      assert.deepEqual(files, pack.hashes, message);
      assert.deepEqual(warnings, ["cache-unavailable"]);
      // The next load stores again.
      await load({ model: store.server.url("/packs/one/"), forbid });
      const requests = await requestsDuring(store.server, () => load({ model: store.server.url("/packs/one/"), forbid }));
      assert.deepEqual(
        requests.map(({ file }) => file),
        ["manifest.json"],
      );
      await close();
    },
  );
}

test("a new revision takes what it shares, and the old one's files go", async () => {
  const { load, names, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/");
  await load({ model });
  // The same URL serves another revision from now on.
  store.server.retarget(model, "/packs/next/");
  const requests = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model })).files, next.hashes);
  });
  const [tokenizer, , second] = next.files;
  assert.deepEqual(
    requests.map(({ file }) => file),
    ["manifest.json", tokenizer, second],
  );
  assert.deepEqual(wholeFiles(await names()), storedFiles(next));
  assert.equal((await names()).length, 4);
  await close();
});

test("an update that is cut off leaves the revision before, whole, for want of a network", async () => {
  const { load, names, close } = await freshPage();
  const down = { file: /./, status: 503, times: 0 };
  const model = store.server.spoilt("/packs/one/", down);
  await load({ model });
  store.server.retarget(model, "/packs/next/");
  assert.equal((await load({ model, stopAt: 10_000 })).code, "stopped");
  down.times = 2;
  const offline = await load({ model });
  assert.deepEqual(offline.files, pack.hashes, offline.message);
  assert.equal(down.times, 0);
  // The next load fetches the rest; when its last file is stored, the previous revision is removed.
  assert.deepEqual((await load({ model })).files, next.hashes);
  assert.deepEqual(wholeFiles(await names()), storedFiles(next));
  assert.equal((await names()).length, 4);
  await close();
});

test("an integrity that fits and one that does not", async () => {
  const { load, page, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.equal((await load({ model, integrity: next.integrity })).code, "file-integrity");
  assert.deepEqual((await load({ model, integrity: pack.integrity })).files, pack.hashes);
  assert.equal((await load({ model, integrity: next.integrity })).code, "file-integrity");
  assert.equal((await load({ model, integrity: "sha256-abc" })).code, "input-invalid");
  const codes = await page.evaluate(async (model) => {
    const wrong = [{ integrity: "0".repeat(64) }, { integrity: "sha384-abc" }, { cache: "always" }];
    const settled = wrong.map((options) => settle(felsic.Embedder.create(/** @type {any} */ ({ model, ...options }))));
    return (await Promise.all(settled)).map(({ code }) => code);
  }, model);
  assert.deepEqual(codes, ["input-invalid", "input-invalid", "input-invalid"]);
  await close();
});

test("deleteCache removes one model's files but those that another needs, or all", async () => {
  const { load, page, names, availability, close } = await freshPage();
  const [one, other] = [store.server.url("/packs/one/"), store.server.url("/packs/next/")];
  await load({ model: one });
  await load({ model: other });
  await page.evaluate((model) => felsic.Embedder.deleteCache({ model }), one);
  assert.deepEqual([await availability(one), await availability(other)], ["downloadable", "available"]);
  assert.deepEqual(wholeFiles(await names()), storedFiles(next));
  await page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
  assert.deepEqual(await names(), []);
  assert.equal(await availability(other), "downloadable");
  assert.deepEqual((await load({ model: one })).files, pack.hashes);
  await close();
});

for (const all of [true, false]) {
  test(`deleteCache of ${all ? "everything" : "the model"} in mid-load: the load goes on, and the next one too`, async () => {
    const { load, page, names, close } = await freshPage();
    const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 30, times: 2 });
    const loading = load({ model });
    await untilAsked(model, SHARD);
    await sleep(200);
    await page.evaluate((options) => felsic.Embedder.deleteCache(options), all ? undefined : { model });
    const { files, message } = await loading;
    assert.deepEqual(files, pack.hashes, message);
    const after = await load({ model });
    assert.deepEqual(after.files, pack.hashes, after.message);
    assert.deepEqual(after.warnings, []);
    assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
    await close();
  });
}
